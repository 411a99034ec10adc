import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import MissingFrames, corrupt, frames_needed, shutter

Frames = NDArray[np.uint8]


@pytest.mark.parametrize(("severity", "c"), [(1, 3), (2, 5), (3, 7), (4, 9), (5, 11)])
def test_each_frame_is_the_truncated_mean_of_its_window(clip: Frames, severity: int, c: int) -> None:
    made = corrupt(clip, "clip_motion_blur", severity)
    for t in (0, 4, 15):
        window = clip[np.clip(range(t - c, t + c), 0, 15)]
        assert np.array_equal(made[t], window.mean(axis=0).astype(np.uint8))


def test_the_window_is_declared_and_demanded(clip: Frames) -> None:
    assert frames_needed("clip_motion_blur", 1, [0, 9, 49], 50).tolist() == [0, 1, 2, *range(6, 12), 46, 47, 48, 49]
    with pytest.raises(MissingFrames, match=r"needs 2 frames .*\(16, 17\)"):
        corrupt(clip, "clip_motion_blur", 1, outputs=[15], n_frames=50)


def test_still_and_single_frames_stay_as_they_are(clip: Frames) -> None:
    still = np.repeat(clip[:1], 9, axis=0)
    assert np.array_equal(corrupt(still, "clip_motion_blur", 5), still)
    assert np.array_equal(corrupt(clip[:1], "clip_motion_blur", 5), clip[:1])


def test_white_does_not_overflow() -> None:
    white = np.full((30, 16, 16, 3), 255, np.uint8)
    assert corrupt(white, "clip_motion_blur", 5).min() == 255


def test_an_exposure_of_hundreds_of_frames_is_their_mean() -> None:
    """Sums of over 257 frames pass 16 bits."""
    frames = np.random.default_rng(1).integers(180, 256, (300, 16, 16, 3), np.uint8)
    rows = np.stack([np.arange(300), np.arange(300)[::-1]])
    made = shutter.clip_motion_blur(frames, rows)
    assert np.array_equal(made, np.stack([frames.sum(axis=0) // 300] * 2))
