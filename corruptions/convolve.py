"""Convolution of whole frames by a symmetric kernel of many taps, exact before it is truncated.

The reference is OpenCV's filter2D on float32, which goes through a Fourier transform in double precision for kernels of
this size: its result is the exact sum, rounded once. Here four taps at a time are summed in float32, whose error has a
bound; the few values for which truncation could come out either way within that bound are summed again in double. Flat
pictures have many of these: a row with more than a few is first summed once more, whole, in double and folded, and rows
that see the same as the row above them are copied from it.
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
_DOUBLE_ROUNDING = 1e-9  # more than sums in double precision differ by, in whatever order
_FEW = 8  # doubtful values of a row, which cost less than a row in double
_ROUNDING = np.float32(1e-3)  # as everywhere: lifts sums that fell just short of a whole grey level


def fits(weights: Weights) -> bool:
    """Whether `filter_symmetric` is meant for a kernel: square, the same seen from all sides, of a middling size."""
    side = len(weights)
    if weights.shape != (side, side) or not side % 2 or not SMALLEST <= side <= LARGEST:
        return False
    return all(np.abs(weights - turned).max() < 1e-9 for turned in (weights[::-1], weights[:, ::-1]))


def filter_symmetric(frame: Pixels, weights: Weights) -> None:
    """Replace `frame` (H, W, 3) by its convolution with float32 weights that `fits`, borders mirrored, truncated."""
    reach, (folded, guards) = len(weights) // 2, _folded(weights.tobytes())
    padded = np.asarray(cv2.copyMakeBorder(frame, reach, reach, reach, reach, cv2.BORDER_REFLECT_101), np.uint8)
    _filter(padded.reshape(len(padded), -1), folded, weights, guards, frame.reshape(len(frame), -1))


@lru_cache(maxsize=32)
def _folded(stored: bytes) -> tuple[tuple[Weights, Exact], tuple[float, float]]:
    """Return a quarter of the kernel, middle first, its axes halved, and a bound on the error: by float32, by float64.

    The first is (n, 4 k), float32, with taps of weight 0 at its end, the second (n, n), float64.
    """
    weights = np.frombuffer(stored, np.float32).astype(np.float64)
    side = math.isqrt(weights.size)
    weights = weights.reshape(side, side)
    half = side // 2
    mean = np.mean([weights, weights[::-1], weights[:, ::-1], weights[::-1, ::-1]], axis=0)
    quarter = mean[half:, half:].copy()
    quarter[0] /= 2
    quarter[:, 0] /= 2
    groups = -(-(half + 1) // _AT_ONCE)
    folded = np.zeros((half + 1, groups * _AT_ONCE), np.float32)
    folded[:, : half + 1] = quarter
    guard = (folded[:, ::_AT_ONCE].size + 10) * _STEP * max(1.0, float(weights.sum()))
    return (folded, quarter), (guard, 255 * float(np.abs(mean - weights).sum()) + _DOUBLE_ROUNDING)


@kernel("boolean[::1](uint8[:,::1], int64)")
def _repeats(padded: Pixels, side: int) -> NDArray[np.bool_]:
    """Return for each row whether its `side` rows of `padded` are those of the row above it."""
    found, run = np.zeros(len(padded) - side + 1, np.bool_), 0
    for j in range(1, len(padded)):
        run = run + 1 if np.array_equal(padded[j], padded[j - 1]) else 0
        if j >= side:
            found[j - side + 1] = run >= side
    return found


@kernel("void(uint8[:,::1], int64, float32[:,::1], float32[::1], float32[::1])")
def _sum_in_single(padded: Pixels, y: int, folded: Weights, pair: Weights, total: Weights) -> None:
    """Fill `total` with the sums of row `y`; `pair` is scratch."""
    reach, width, span = len(folded) - 1, total.size, padded.shape[1]
    edge = 3 * reach
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
            right_a, right_b, right_c, right_d = pair[right:], pair[right + 3 :], pair[right + 6 :], pair[right + 9 :]
            for i in range(width):
                near = a * (left_a[i] + right_a[i]) + b * (left_b[i] + right_b[i])
                total[i] += near + (c * (left_c[i] + right_c[i]) + d * (left_d[i] + right_d[i]))


@kernel("void(uint8[:,::1], int64, float64[:,::1], float64[::1], float64[::1])")
def _sum_in_double(padded: Pixels, y: int, quarter: Exact, pair: Exact, total: Exact) -> None:
    """The same in double, a tap at a time."""
    reach, width, span = len(quarter) - 1, total.size, padded.shape[1]
    total[:] = 0
    for dy in range(reach + 1):
        above, below = padded[y + reach - dy], padded[y + reach + dy]
        for i in range(span):
            pair[i] = np.float64(np.int32(above[i]) + np.int32(below[i]))
        for dx in range(reach + 1):
            weight, left, right = quarter[dy, dx], pair[3 * (reach - dx) :], pair[3 * (reach + dx) :]
            for i in range(width if weight else 0):
                total[i] += weight * (left[i] + right[i])


@kernel("uint8(uint8[:,::1], int64, int64, float32[:,::1])")
def _exactly(padded: Pixels, y: int, i: int, weights: Weights) -> np.uint8:
    """Return value `i` of row `y`: every tap in double, rounded to float32, lifted and truncated."""
    total = 0.0
    for j in range(len(weights)):
        for k in range(len(weights)):
            total += np.float64(weights[j, k]) * padded[y + j, i + 3 * k]
    return np.uint8(min(np.float32(total) + _ROUNDING, np.float32(255)))


@kernel("int64(float32[::1], float64, uint8[::1], uint8[::1])")
def _truncate(total: Weights, guard: float, low: Pixels, high: Pixels) -> int:
    """Fill in the grey levels within the guard below and above each sum; return how many differ."""
    most, least, white = np.float32(_ROUNDING + guard), np.float32(_ROUNDING - guard), np.float32(255)
    unsure = 0
    for i in range(total.size):
        high[i] = np.uint8(min(total[i] + most, white))
        low[i] = np.uint8(min(max(total[i] + least, np.float32(0)), white))
        unsure += high[i] != low[i]
    return unsure


@kernel("void(float64[::1], float64, uint8[::1], uint8[::1])")
def _truncate_double(total: Exact, guard: float, low: Pixels, high: Pixels) -> None:
    """The same as they come when the sum is rounded to float32 before it is lifted."""
    for i in range(total.size):
        high[i] = np.uint8(min(np.float32(total[i] + guard) + _ROUNDING, np.float32(255)))
        low[i] = np.uint8(min(max(np.float32(total[i] - guard) + _ROUNDING, np.float32(0)), np.float32(255)))


@kernel(
    "void(uint8[:,::1], Tuple((float32[:,::1], float64[:,::1])), float32[:,::1], UniTuple(float64, 2), uint8[:,::1])"
)
def _filter(
    padded: Pixels, quarters: tuple[Weights, Exact], weights: Weights, guards: tuple[float, float], out: Pixels
) -> None:
    """Fill `out` from `padded`, both rows of three values a pixel."""
    (folded, quarter), (guard, little), (height, width), span = quarters, guards, out.shape, padded.shape[1]
    pair, total = np.zeros(span + 6 * _AT_ONCE, np.float32), np.empty(width, np.float32)
    exact_pair, exact_total, low = np.empty(span, np.float64), np.empty(width, np.float64), np.empty(width, np.uint8)
    repeats, unsure = _repeats(padded, len(weights)), 0
    for y in range(height):
        high = out[y]
        if repeats[y]:
            high[:] = out[y - 1]
            continue
        if unsure <= _FEW:
            _sum_in_single(padded, y, folded, pair, total)
            unsure = _truncate(total, guard, low, high)
        if unsure > _FEW:
            _sum_in_double(padded, y, quarter, exact_pair, exact_total)
            for i in range(width):
                total[i] = np.float32(exact_total[i])
            unsure = _truncate(total, guard, low, high)  # as the next row is likely to be
            _truncate_double(exact_total, little, low, high)
        for i in range(width if unsure else 0):
            if low[i] != high[i]:
                high[i] = _exactly(padded, y, i, weights)
