"""Frames woven of two fields, of which each holds every second line.

A function here gets a contiguous uint8 (T, H, W, 3) of source frames and, for each output, the rows of its window.
"""

import numpy as np
from numpy.typing import NDArray

from corruptions.row import Level

Pixels = NDArray[np.uint8]
Rows = NDArray[np.int64]


def window(times: Rows, level: Level, n_frames: int) -> Rows:
    """Return the frames t and t + c of each time t, the end being held: int64 (times, 2)."""
    frames: Rows = np.clip(times[:, None] + np.array([0, int(level[0])]), 0, n_frames - 1)
    return frames


def interlacing(frames: Pixels, rows: Rows) -> Pixels:
    """Return even lines of the first frame of each window and odd lines of the second: new uint8 (outputs, H, W, 3).

    Meaning: Interlaced video shown as it is: what moves is torn into combs.
    Formula: x'(t, y) = x(t, y) on even lines y, x(t + c, y) on odd ones
    Level: c, frames between the fields
    """
    woven = np.take(frames, rows[:, 0], axis=0)
    woven[:, 1::2] = np.take(frames, rows[:, 1], axis=0)[:, 1::2]
    return woven
