"""The pictures that a run keeps of its test clips."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.load import load_and_tell
from vidsparse.evaluation import gallery


@pytest.mark.parametrize(("frames", "side", "size"), [(8, 32, (128, 32)), (1, 32, (32, 32)), (16, 224, (384, 96))])
def test_a_picture_holds_at_most_four_frames_no_larger_than_needed(frames, side, size):
    clip = np.zeros((frames, side, side, 3), np.uint8)
    clip[-1] = 200
    picture = Image.open(BytesIO(gallery.picture(clip)))
    assert picture.size == size
    assert np.asarray(picture)[side // 4, -2].tolist() == pytest.approx([200] * 3, abs=3)


def test_a_gallery_shows_the_same_clips_under_each_corruption_and_is_made_once(tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "CLIPS", 3)
    config = tiny_config()
    clips = load_and_tell(config, False)
    cells = cells_of(clips, config.evaluation)
    path = tmp_path / "gallery.parquet"
    gallery.save_gallery(clips, config.evaluation, cells, path)
    table = pd.read_parquet(path)
    shown = [clips.test[0].id, clips.test[2].id, clips.test[5].id]
    assert table["id"].unique().tolist() == shown
    for _, rows in table.groupby("id"):
        wanted = [("clean", 0), ("gaussian_noise", 4), ("motion_blur", 4), ("freeze", 4)]
        assert list(zip(rows["corruption"], rows["severity"], strict=True)) == wanted
        assert rows["strip"].nunique() == 4
        assert {Image.open(BytesIO(strip)).size for strip in rows["strip"]} == {(128, 32)}
    before = path.read_bytes()
    gallery.save_gallery(clips, config.evaluation, cells[:1], path)
    assert path.read_bytes() == before
