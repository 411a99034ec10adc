"""The built-in masks: the same everywhere, of every class, and where the things are."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from vidsparse.config import SAMPLE_ROOT, DataConfig
from vidsparse.data.clips import load_clips
from vidsparse.data.datasets import sample_masks
from vidsparse.data.datasets.sample_masks import MASK_CLASSES, ensure_masks, video


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The sample set, with few of its videos."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample_masks, "VIDEOS", {"train": 4, "test": 2})
        yield ensure_masks(tmp_path_factory.mktemp("sample"))


def hashes(root):
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*.*")}


def test_two_makings_give_the_same_bytes(few, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_masks, "VIDEOS", {"train": 4, "test": 2})
    assert hashes(ensure_masks(tmp_path)) == hashes(few)
    assert len(hashes(few)) == 6 * 12 * 2 + 1
    before = few.stat().st_mtime_ns
    assert ensure_masks(few.parent) == few
    assert few.stat().st_mtime_ns == before


def test_every_class_is_seen_and_none_is_everywhere():
    masks = np.stack([video(0, number)[1][::6] for number in range(30)])
    share = np.bincount(masks.ravel(), minlength=5) / masks.size
    assert len(share) == len(MASK_CLASSES) == 5
    assert 0.5 < share[0] < 0.95
    assert (share[1:] > 0.015).all()


def test_things_move_and_their_masks_with_them():
    moved = []
    for number in range(8):
        frames, masks = video(1, number)
        assert (frames.shape, masks.shape) == ((12, 72, 96, 3), (12, 72, 96))
        moved.append((masks[0] != masks[6]).mean())
        colourful = np.ptp(frames.astype(int), axis=-1)
        assert colourful[masks > 0].mean() > 1.5 * colourful[masks == 0].mean()
    assert min(moved) > 0.005


def test_training_and_test_videos_differ():
    assert not np.array_equal(video(0, 0)[0], video(1, 0)[0])


@pytest.mark.slow
def test_it_is_the_sample_data_of_its_source_and_needs_no_video_decoder(few, tmp_path, monkeypatch):
    monkeypatch.setattr(sample_masks, "user_cache", lambda: few.parent)
    clips = load_clips(DataConfig("video_masks", SAMPLE_ROOT, frames=4, short_side=72, size=64), 0, tmp_path)
    assert clips.is_sample
    assert clips.dataset.classes == MASK_CLASSES
    assert [len(clips.train), len(clips.test)] == [4, 2]
    assert not clips.index.unreadable
    assert np.array_equal(clips.masks(clips.test[1], range(12)), video(1, 1)[1])
    seen = clips.read(clips.test[1], range(12)).astype(int)
    assert np.abs(seen - video(1, 1)[0]).mean() < 4  # JPEG
    code = (
        "import sys, vidsparse.data.datasets.sample_masks, vidsparse.data.datasets.mask_sets;"
        " print({'av', 'decord'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"
