"""A long exposure: each output is made of its neighbours in time (Mini Kinetics-C, NeurIPS 2021).

A function here gets a contiguous uint8 (T, H, W, 3) of source frames and, for each output, the rows of its window.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Rows = NDArray[np.int64]

_MOST = 257  # frames whose sum 16 bits hold: 257 * 255 = 2^16 - 1


def window(times: Rows, level: Level, n_frames: int) -> Rows:
    """Return the frames t - c to t + c - 1 of each time t, those beyond an end being the end: int64 (times, 2 c)."""
    reach = int(level[0])
    frames: Rows = np.clip(times[:, None] + np.arange(-reach, reach), 0, n_frames - 1)
    return frames


def clip_motion_blur(frames: Pixels, rows: Rows) -> Pixels:
    """Return the truncated mean of each window, rows int64 (outputs, 2 c): new uint8 (outputs, H, W, 3).

    Meaning: A shutter that stays open for many frames.
    Formula: x'(t) = mean of x(t - c) .. x(t + c - 1)
    Level: c, half the exposure in frames
    """
    blurred = np.empty((len(rows), *frames.shape[1:]), np.uint8)
    total = np.empty(blurred[:1].size, np.uint16 if rows.shape[1] <= _MOST else np.uint32)
    _average(frames.reshape(len(frames), -1), rows, total, blurred.reshape(len(rows), -1))
    return blurred


@kernel(
    "void(uint8[:,::1], int64[:,::1], uint16[::1], uint8[:,::1])",
    "void(uint8[:,::1], int64[:,::1], uint32[::1], uint8[:,::1])",
)
def _average(frames: Pixels, rows: Rows, total: NDArray[Any], out: Pixels) -> None:
    for k in range(rows.shape[0]):
        total[:] = 0
        for row in rows[k]:
            for i in range(total.size):
                total[i] += frames[row, i]
        for i in range(total.size):
            out[k, i] = total[i] // np.uint16(rows.shape[1])
