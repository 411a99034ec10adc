"""Bilinear look-ups in frames whose three channels share one 64-bit word, so that one product weighs a whole pixel.

Channel c owns the 21 bits from 21 c upward: a grey level and 13 bits of weight. Weights are whole numbers that sum to
2^13, so that flat frames stay flat; a weighted mean is within 0.06 grey levels of the exact one.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel

Pixels = NDArray[np.uint8]
Packed = NDArray[np.uint64]
Plane = NDArray[np.float32]
Plan = tuple[NDArray[np.uint32], NDArray[np.uint16]]

UNIT: Final = 1 << 13  # the sum of the weights of a pixel
_FINE: Final = 5  # bits after the point that `looked` keeps
_BEFORE, _AFTER = 1, 2  # pixels of border that a look-up may touch
_0, _1, _HALF, _255 = np.float32(0), np.float32(1), np.float32(0.5), np.float32(255)
_CHANNELS = (np.uint64(0), np.uint64(21), np.uint64(42))
_RED_LEVEL, _GREEN_LEVEL, _BLUE_LEVEL = (np.uint64(shift + 13) for shift in (0, 21, 42))
_ROUNDING = np.uint64(sum(8 << shift for shift in (0, 21, 42)))  # lifts sums of rounded weights that fell just short
_MASK = np.uint64((1 << 21) - 1)
_GREEN, _BLUE = np.uint64(21), np.uint64(42)
_COARSER = np.uint64(13 - _FINE)
_KEPT = np.uint64(sum(((1 << (8 + _FINE)) - 1) << shift for shift in (0, 21, 42)))
_HALF_FINE = np.uint64(sum(1 << (shift + 12 - _FINE) for shift in (0, 21, 42)))
_NEXT = np.uintp(1)


def pack(frame: Pixels) -> Packed:
    """Return a frame (H, W, 3) with a black border around it: uint64 (H + 3, W + 3)."""
    height, width = frame.shape[:2]
    edged = cv2.copyMakeBorder(frame, _BEFORE, _AFTER, _BEFORE, _AFTER, cv2.BORDER_CONSTANT)
    packed = np.empty((height + _BEFORE + _AFTER, width + _BEFORE + _AFTER), np.uint64)
    _pack(np.asarray(edged, np.uint8).reshape(-1, 3), packed.reshape(-1))
    return packed


@kernel("void(uint8[:,::1], uint64[::1])")
def _pack(pixels: Pixels, packed: Packed) -> None:
    for p in range(packed.size):
        packed[p] = np.uint64(pixels[p, 0]) | (np.uint64(pixels[p, 1]) << _GREEN) | (np.uint64(pixels[p, 2]) << _BLUE)


def plan(rows: Plane, columns: Plane, shape: tuple[int, int], unit: int = UNIT) -> Plan:
    """Return where each pixel looks in a packed frame of `shape` (H, W), and the four weights there, of sum `unit`.

    `rows` and `columns` are float32 of the output's shape, in pixels; places beyond the border are taken for the first
    pixel there.
    """
    places, weights = np.empty(rows.shape, np.uint32), np.empty((4, *rows.shape), np.uint16)
    _plan(rows, columns, shape, unit, places, weights)
    return places, weights


@kernel("void(float32[:,::1], float32[:,::1], UniTuple(int64, 2), float32, uint32[:,::1], uint16[:,:,::1])")
def _plan(
    rows: Plane,
    columns: Plane,
    shape: tuple[int, int],
    unit: float,
    places: NDArray[np.uint32],
    weights: NDArray[np.uint16],
) -> None:
    bottom, right = np.float32(shape[0] + 1), np.float32(shape[1] + 1)
    stride = np.int32(shape[1] + 3)
    here, beside, under, aslant = (
        weights[0],
        weights[1],
        weights[2],
        weights[3],
    )  # interleaved, they would not vectorise
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            row, column = min(max(rows[y, x] + _1, _0), bottom), min(max(columns[y, x] + _1, _0), right)
            i, j = np.int32(row), np.int32(column)
            fx = column - np.float32(j)
            low = np.floor((row - np.float32(i)) * unit + _HALF)
            low_right, up_right = np.floor(low * fx + _HALF), np.floor((unit - low) * fx + _HALF)
            places[y, x] = np.uint32(i * stride + j)
            here[y, x], beside[y, x] = np.uint16(np.int32(unit - low - up_right)), np.uint16(np.int32(up_right))
            under[y, x], aslant[y, x] = np.uint16(np.int32(low - low_right)), np.uint16(np.int32(low_right))


def look(packed: Packed, where: Plan, out: Pixels) -> None:
    """Fill `out` (H, W, 3) with what is seen at the places of a plan, truncated."""
    unpack(_looked(packed, where), out)


def move(frame: Pixels, where: Plan) -> None:
    """Replace a frame by what is seen at the places of a plan, black outside it.

    Grey levels (H, W, 3) are interpolated; labels (H, W) are those of the pixel that weighs most, 0 outside.
    """
    if frame.ndim == 3:
        look(pack(frame), where, frame)
        return
    places, weights = where
    edged = np.pad(frame, (_BEFORE, _AFTER))
    steps = np.array([0, 1, edged.shape[1], edged.shape[1] + 1], np.uint32)
    frame[...] = edged.reshape(-1)[places + steps[weights.argmax(axis=0)]]


def unpack(total: Packed, out: Pixels) -> None:
    """Fill `out` (H, W, 3) with the channels of sums whose weight is UNIT, uint64 (H, W), truncated."""
    _unpack(total.reshape(-1), out.reshape(-1, 3))


@kernel("void(uint64[::1], uint8[:,::1])")
def _unpack(total: Packed, out: Pixels) -> None:
    for p in range(total.size):
        word = total[p] + _ROUNDING
        out[p, 0], out[p, 1] = np.uint8(word >> _RED_LEVEL), np.uint8(word >> _GREEN_LEVEL)
        out[p, 2] = np.uint8(word >> _BLUE_LEVEL)


def look_lit(packed: Packed, where: Plan, light: Plane, out: Pixels) -> None:
    """Fill `out` with what is seen at the places of a plan plus 255 `light`, float32 (H, W), truncated and clipped."""
    _light(_looked(packed, where).reshape(-1), light.reshape(-1), out.reshape(-1, 3))


@kernel("void(uint64[::1], float32[::1], uint8[:,::1])")
def _light(total: Packed, light: Plane, out: Pixels) -> None:
    for p in range(total.size):
        added = light[p] * _255 + np.float32(1e-3)
        for c, shift in enumerate(_CHANNELS):
            value = np.float32(np.int32((total[p] >> shift) & _MASK)) / np.float32(UNIT) + added
            out[p, c] = np.uint8(min(max(value, _0), _255))


def _looked(packed: Packed, where: Plan) -> Packed:
    total = np.empty(where[0].shape, np.uint64)
    _look(packed.reshape(-1), packed.shape[1], *where, total)
    return total


@kernel("void(uint64[::1], int64, uint32[:,::1], uint16[:,:,::1], uint64[:,::1])")
def _look(packed: Packed, stride: int, places: NDArray[np.uint32], weights: NDArray[np.uint16], total: Packed) -> None:
    below = np.uintp(stride)
    here, beside, under, aslant = weights[0], weights[1], weights[2], weights[3]
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            p = np.uintp(places[y, x])
            total[y, x] = (
                np.uint64(here[y, x]) * packed[p]
                + np.uint64(beside[y, x]) * packed[p + _NEXT]
                + np.uint64(under[y, x]) * packed[p + below]
                + np.uint64(aslant[y, x]) * packed[p + below + _NEXT]
            )


def looked(packed: Packed, where: Plan) -> Packed:
    """Return what is seen at the places of a plan, with 5 bits after the point, for another look by a plan of unit 256.

    uint64 (H + 3, W + 3) with a border of zeros: the next plan must keep within the frame.
    """
    total = _looked(packed, where)
    seen = np.zeros((total.shape[0] + _BEFORE + _AFTER, total.shape[1] + _BEFORE + _AFTER), np.uint64)
    _refine(total, seen)
    return seen


@kernel("void(uint64[:,::1], uint64[:,::1])")
def _refine(total: Packed, seen: Packed) -> None:
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            seen[y + _BEFORE, x + _BEFORE] = ((total[y, x] + _HALF_FINE) >> _COARSER) & _KEPT


def units(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return whole weights of sum UNIT in proportion to `shares`: int64 of its shape, each less than 1 off."""
    sums: NDArray[np.int64] = np.round(np.cumsum(shares / shares.sum()) * UNIT).astype(np.int64)
    return np.asarray(np.diff(sums, prepend=0), np.int64)


def zoomed(packed: Packed, rows: Plane, columns: Plane, weights: NDArray[np.int64]) -> Packed:
    """Return the sum of n looks at each crossing of `rows`, float32 (n, H), and `columns` (n, W): uint64 (H, W).

    Their weights, int64 (n,), have the sum UNIT.
    """
    total = np.zeros((rows.shape[1], columns.shape[1]), np.uint64)
    _add_zoomed(packed.reshape(-1), packed.shape[1], (rows, columns), weights.astype(np.float32), total)
    return total


@kernel("void(uint64[::1], int64, UniTuple(float32[:,::1], 2), float32[::1], uint64[:,::1])")
def _add_zoomed(packed: Packed, stride: int, where: tuple[Plane, Plane], weights: Plane, total: Packed) -> None:
    """All looks of a row before the next row: it stays in the cache."""
    (rows, columns), (height, width), below = where, total.shape, np.uintp(stride)
    places, fractions = np.empty(columns.shape, np.uint32), np.empty(columns.shape, np.float32)
    above_right, below_right = np.empty(width, np.uint32), np.empty(width, np.uint32)
    for look in range(weights.size):
        for x in range(width):
            places[look, x] = np.uint32(columns[look, x] + _1)
            fractions[look, x] = columns[look, x] + _1 - np.float32(places[look, x])
    for y in range(height):
        out = total[y]
        for look in range(weights.size):
            row, unit, place, fraction = rows[look, y] + _1, weights[look], places[look], fractions[look]
            i = np.int32(row)
            low = np.floor((row - np.float32(i)) * unit + _HALF)
            for x in range(width):
                above_right[x] = np.uint32(np.int32((unit - low) * fraction[x] + _HALF))
                below_right[x] = np.uint32(np.int32(low * fraction[x] + _HALF))
            above, up, down = packed[i * stride :], np.uint32(unit - low), np.uint32(low)
            for x in range(width):
                p = np.uintp(place[x])
                out[x] += (
                    np.uint64(up - above_right[x]) * above[p]
                    + np.uint64(above_right[x]) * above[p + _NEXT]
                    + np.uint64(down - below_right[x]) * above[p + below]
                    + np.uint64(below_right[x]) * above[p + below + _NEXT]
                )
