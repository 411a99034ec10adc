"""Which frames of a video make a clip: pure functions of integers.

"dense" takes `frames` frames `stride` apart; "uniform" takes one frame of each of `frames` equal parts of the video
(TSN, Wang et al. 2016). A video shorter than the dense span (frames - 1) * stride + 1 starts again ("loop") or holds
its last frame ("clamp"); one shorter than `frames` repeats frames evenly under "uniform". One in which nothing can
be decoded has frame 0 alone, for its reader to refuse.
"""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def train_indices(
    n_frames: int, frames: int, stride: int, sampling: str, short: str, rng: np.random.Generator
) -> Indices:
    """int64 (frames,), each in 0 .. n_frames - 1: a random start, or a random frame of each part."""
    if sampling == "uniform":
        low, length = _parts(n_frames, frames)
        return low + rng.integers(0, length)
    room = max(0, n_frames - _span(frames, stride))
    return _dense(n_frames, frames, stride, short, rng.integers(0, room + 1, size=1)).ravel()


def view_indices(n_frames: int, frames: int, stride: int, sampling: str, short: str, views: int) -> Indices:
    """int64 (views, frames): the centre clip for one view, else clips spread evenly from the first to the last.

    Uniform views take other frames of the same parts; one view takes the middle of each part.
    """
    view = np.arange(views, dtype=np.int64)[:, None]
    if sampling == "uniform":
        low, length = _parts(n_frames, frames)
        return low + (2 * view + 1) * length // (2 * views)
    room = max(0, n_frames - _span(frames, stride))
    starts = view[:, 0] * room // (views - 1) if views > 1 else np.array([room // 2])
    return _dense(n_frames, frames, stride, short, starts)


def batches_per_epoch(clips: int, batch_size: int) -> int:
    """Whole batches that a training split gives: an incomplete last one is left out, unless it is the only one."""
    return max(1, clips // batch_size)


def _dense(n_frames: int, frames: int, stride: int, short: str, starts: Indices) -> Indices:
    indices = starts[:, None] + stride * np.arange(frames, dtype=np.int64)
    there = max(1, n_frames)
    return indices % there if short == "loop" else np.minimum(indices, there - 1)


def _parts(n_frames: int, frames: int) -> tuple[Indices, Indices]:
    """First frame and length (at least 1) of `frames` parts of the video that are as equal as integers allow."""
    bounds = np.arange(frames + 1, dtype=np.int64) * n_frames // frames
    return bounds[:-1], np.maximum(1, np.diff(bounds))


def _span(frames: int, stride: int) -> int:
    return (frames - 1) * stride + 1
