"""Convolution of whole frames by a symmetric kernel of many taps, exact before it is truncated.

The reference is OpenCV's filter2D on float32, which goes through a Fourier transform in double precision for kernels of
this size: its result is the exact sum, rounded once. Here four taps at a time are summed in float32, whose error has a
bound; the few values for which truncation could come out either way within that bound are summed again in double.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel

Pixels = NDArray[np.uint8]
Weights = NDArray[np.float32]
Exact = NDArray[np.float64]

SMALLEST, LARGEST = 13, 31  # sides: below OpenCV sums in float32, in an order of its own; above Fourier is the faster
_AT_ONCE = 4  # taps
_STEP = 255 * 2.0**-24  # the most that one float32 operation on a value up to 255 may be off
_ROUNDING = np.float32(1e-3)  # as everywhere: lifts sums that fell just short of a whole grey level


def fits(weights: Weights) -> bool:
    """Whether `filter_symmetric` is meant for a kernel: square, the same seen from all sides, of a middling size."""
    side = len(weights)
    if weights.shape != (side, side) or not side % 2 or not SMALLEST <= side <= LARGEST:
        return False
    return all(np.abs(weights - turned).max() < 1e-9 for turned in (weights[::-1], weights[:, ::-1]))


def filter_symmetric(frame: Pixels, weights: Weights) -> None:
    """Replace `frame` (H, W, 3) by its convolution with float32 weights that `fits`, borders mirrored, truncated."""
    reach, (folded, guard) = len(weights) // 2, _folded(weights.tobytes())
    padded = np.asarray(cv2.copyMakeBorder(frame, reach, reach, reach, reach, cv2.BORDER_REFLECT_101), np.uint8)
    _filter(padded.reshape(len(padded), -1), folded, weights, guard, frame.reshape(len(frame), -1))


@lru_cache(maxsize=32)
def _folded(stored: bytes) -> tuple[Weights, float]:
    """Return a quarter of the kernel, middle first, its axes halved: float32 (n, 4 k); and a bound on the error."""
    weights = np.frombuffer(stored, np.float32).astype(np.float64)
    side = math.isqrt(weights.size)
    weights = weights.reshape(side, side)
    half = side // 2
    turned = (weights, weights[::-1], weights[:, ::-1], weights[::-1, ::-1])
    quarter = np.mean([each[half:, half:] for each in turned], axis=0)
    quarter[0] /= 2
    quarter[:, 0] /= 2
    groups = -(-(half + 1) // _AT_ONCE)
    folded = np.zeros((half + 1, groups * _AT_ONCE), np.float32)
    folded[:, : half + 1] = quarter
    return folded, (folded[:, ::_AT_ONCE].size + 10) * _STEP * max(1.0, float(weights.sum()))


@kernel("void(uint8[:,::1], float32[:,::1], float32[:,::1], float64, uint8[:,::1])")
def _filter(padded: Pixels, folded: Weights, weights: Weights, guard: float, out: Pixels) -> None:
    """Fill `out` from `padded`, both rows of three values a pixel."""
    reach, (height, width), span = len(folded) - 1, out.shape, padded.shape[1]
    edge, white = 3 * reach, np.float32(255)
    most, least = np.float32(_ROUNDING + guard), np.float32(_ROUNDING - guard)
    pair, total = np.zeros(span + 6 * _AT_ONCE, np.float32), np.empty(width, np.float32)
    for y in range(height):
        total[:] = np.float32(0)
        for dy in range(reach + 1):
            above, below = padded[y + reach - dy], padded[y + reach + dy]
            for i in range(span):
                pair[i] = np.float32(np.int32(above[i]) + np.int32(below[i]))
            for dx in range(0, folded.shape[1], 4):
                a, b, c, d = folded[dy, dx], folded[dy, dx + 1], folded[dy, dx + 2], folded[dy, dx + 3]
                if a + b + c + d == 0:
                    continue
                left, right = edge - 3 * dx, edge + 3 * dx  # weights of taps beyond the kernel are 0
                left_a, left_b = pair[left:], pair[max(left - 3, 0) :]
                left_c, left_d = pair[max(left - 6, 0) :], pair[max(left - 9, 0) :]
                right_a, right_b, right_c, right_d = (
                    pair[right:],
                    pair[right + 3 :],
                    pair[right + 6 :],
                    pair[right + 9 :],
                )
                for i in range(width):
                    near = a * (left_a[i] + right_a[i]) + b * (left_b[i] + right_b[i])
                    total[i] += near + (c * (left_c[i] + right_c[i]) + d * (left_d[i] + right_d[i]))
        row, unsure = out[y], 0
        for i in range(width):
            row[i] = np.uint8(min(total[i] + most, white))
            unsure += row[i] != np.uint8(min(max(total[i] + least, np.float32(0)), white))
        for i in range(width if unsure else 0):
            if row[i] != np.uint8(min(max(total[i] + least, np.float32(0)), white)):
                exact = 0.0
                for j in range(len(weights)):
                    for k in range(len(weights)):
                        exact += np.float64(weights[j, k]) * padded[y + j, i + 3 * k]
                row[i] = np.uint8(min(np.float32(exact) + _ROUNDING, white))
