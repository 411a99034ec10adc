"""Named protocols: what they set, and that they are carried out."""

import numpy as np
import pytest

from vidsparse import load_config
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.corrupted.batches import CLEAN, Cell, CorruptedUnits
from vidsparse.data.crops import crops
from vidsparse.data.datasets.protocols import PROTOCOLS
from vidsparse.utils.errors import ConfigError


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_sets_views_crops_canvas_and_sampling(name):
    said = [f"evaluation.protocol={name}", "data.short_side=64", "data.size=48"]
    evaluation = load_config("ucf101_dense", said).evaluation
    row = PROTOCOLS[name]
    assert (evaluation.views, evaluation.crops, evaluation.canvas) == (row.views, row.crops, row.canvas)
    assert evaluation.sampling == row.sampling


def test_the_command_line_must_not_say_otherwise():
    with pytest.raises(ConfigError, match=r"views=3 on the command line: evaluation\.protocol=10x3"):
        load_config("ucf101_dense", ["evaluation.protocol=10x3", "evaluation.views=3"])
    assert load_config("ucf101_dense", ["evaluation.protocol=10x3", "evaluation.views=10"]).evaluation.views == 10
    with pytest.raises(ConfigError, match="did you mean slowfast"):
        load_config("ucf101_dense", ["evaluation.protocol=slow_fast"])


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_is_carried_out(name, tiny_root, tmp_path):
    row = PROTOCOLS[name]
    data = DataConfig(source="folder", root=str(tiny_root), frames=4, stride=2, short_side=40, size=32)
    clips = load_clips(data, 0, tmp_path / "index")
    (batch,) = CorruptedUnits(clips, EvaluationConfig(**row.settings), (Cell(CLEAN, "", 0),), [(0, range(1))])
    assert batch.clips.shape == (row.views * row.crops, 4, 32, 32, 3)
    video = clips.read(clips.test[0], range(20))
    if name == "paper":  # the middle frames of four equal parts
        np.testing.assert_array_equal(batch.clips[0], crops(video[[2, 7, 12, 17]], 32, 1)[0])
    if name == "slowfast":  # the first clip begins with the video, the last ends with it
        np.testing.assert_array_equal(batch.clips[:3], crops(video[[0, 2, 4, 6]], 32, 3))
        np.testing.assert_array_equal(batch.clips[-3:], crops(video[[13, 15, 17, 19]], 32, 3))


def test_five_crops_are_the_corners_and_the_centre():
    clip = np.random.default_rng(0).integers(0, 256, (1, 20, 31, 3), np.uint8)
    corners = [(slice(0, 16), slice(0, 16)), (slice(0, 16), slice(15, 31)), (slice(2, 18), slice(7, 23)),
               (slice(4, 20), slice(0, 16)), (slice(4, 20), slice(15, 31))]  # fmt: skip
    for crop, (rows, columns) in zip(crops(clip, 16, 5), corners, strict=True):
        np.testing.assert_array_equal(crop, clip[:, rows, columns])
