"""The displacements of C-bar: where each pixel looks, and how frames are looked up there.

Maps are float32 (H, W) pairs of rows and columns in pixels; what lies outside the frame is black, as published.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import bilinear
from corruptions.jit import kernel

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Shape = tuple[int, int]
Maps = tuple[Plane, Plane]

_0, _1, _HALF, _255 = np.float32(0), np.float32(1), np.float32(0.5), np.float32(255)
_BLUR_STEPS, _FINE_SIDE = 21, 448  # pixels to which a side is enlarged before it is turned
_EDGE = np.float32(1e-4)  # a turn may miss the border by rounding


@kernel("void(float32[:,::1], float32, float32, float32, float32[:,:,::1])")
def refract(light: Plane, slope: float, lens: float, glare: float, seen: NDArray[np.float32]) -> None:
    """Fill `seen` (3, H, W) with the maps and the added light of a water surface that leans by `light`'s differences.

    A vertical ray that meets a normal tilted by A is turned by A - asin(sin(A) / 4); tilts of less than acos(0.999)
    are taken for flat. Light outside the frame is 0, which makes the border lean.
    """
    height, width = light.shape
    rows, columns, added = seen[0], seen[1], seen[2]
    for y in range(height):
        for x in range(width):
            gy = slope * ((light[y + 1, x] if y + 1 < height else _0) - (light[y - 1, x] if y else _0))
            gx = slope * ((light[y, x + 1] if x + 1 < width else _0) - (light[y, x - 1] if x else _0))
            upright = _1 / np.sqrt(_1 + gy * gy + gx * gx)
            bend = _0
            if upright < np.float32(0.999):
                tilt = _1 - upright * upright
                bend = lens * upright * (np.sqrt(_1 - tilt / np.float32(16)) - upright / np.float32(4))
            rows[y, x], columns[y, x] = np.float32(y) + bend * gy, np.float32(x) + bend * gx
            added[y, x] = glare * (gy - gx)


def ripples(shape: Shape, amplitude: float, wavelengths: list[float], phases: list[float]) -> Maps:
    """Return the maps of two sine waves, one along each axis: q + amplitude sin(2 pi q / wavelength + phase)."""
    y, x = (
        (q + amplitude * np.sin(math.tau / wavelength * q + phase)).astype(np.float32)
        for q, wavelength, phase in zip(map(np.arange, shape), wavelengths, phases, strict=True)
    )
    return np.repeat(y[:, None], shape[1], 1), np.repeat(x[None], shape[0], 0)


def twirls(shape: Shape, cell: int, amount: float, angles: NDArray[np.float64]) -> Maps:
    """Return the maps of a grid of twirled discs, one in each whole cell of side `cell`; `angles` has one a cell.

    At the share d of the radius a pixel looks along its own direction at d sin(pi d / 2)^-amount of it, turned by
    angle (1 - d)^2.
    """
    rows, columns = (map.astype(np.float32) for map in np.indices(shape))
    dy, dx = np.indices((cell, cell)) - cell / 2
    d = np.hypot(dy, dx) / (cell / 2)
    inside = (d > 0) & (d <= 1)
    pinch = np.where(inside, np.sin(math.pi / 2 * np.where(inside, d, 1)) ** -amount, 1)
    turn = np.where(inside, (1 - d) ** 2, 0)
    for (i, j), angle in np.ndenumerate(angles):
        tile = np.s_[i * cell : (i + 1) * cell, j * cell : (j + 1) * cell]
        cos, sin = np.cos(angle * turn), np.sin(angle * turn)
        rows[tile] = (i + 0.5) * cell + pinch * (dy * cos - dx * sin)
        columns[tile] = (j + 0.5) * cell + pinch * (dy * sin + dx * cos)
    return rows, columns


def spin(frame: Pixels, degrees: float) -> Pixels:
    """Return the mean of 21 turns from -degrees to degrees about the centre, weighted by exp(-2 share^2)."""
    finer = max(2, math.ceil(_FINE_SIDE / min(frame.shape[:2])))
    large = bilinear.pack(np.asarray(cv2.resize(frame, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC)))
    shares = np.linspace(-1, 1, _BLUR_STEPS)
    total = np.zeros(frame.shape[:2], np.uint64)
    for angle, unit in zip(np.radians(shares * degrees), bilinear.units(np.exp(-2 * shares**2)), strict=True):
        _add_turned(large, finer, math.cos(angle), math.sin(angle), unit, total)
    turned = np.empty_like(frame)
    bilinear.unpack(total, turned)
    return turned


@kernel("void(uint64[:,::1], float32, float32, float32, float32, uint64[:,::1])")
def _add_turned(
    frame: NDArray[np.uint64], finer: float, cos: float, sin: float, unit: float, total: NDArray[np.uint64]
) -> None:
    """Add `unit` looks at the enlarged frame; what comes from outside the frame is black, with a hard edge."""
    height, width = total.shape
    large, stride = frame.reshape(-1), frame.shape[1]
    below, one = np.uintp(stride), np.uintp(1)
    bottom, right = np.float32(height - 1), np.float32(width - 1)
    middle = (finer + _1) * _HALF  # of the first pixel, in a packed frame
    places, weights = np.empty(width, np.uint32), np.empty((4, width), np.uint16)
    here, beside, under, aslant = weights[0], weights[1], weights[2], weights[3]
    for y in range(height):
        dy = np.float32(y) - bottom * _HALF
        for x in range(width):
            dx = np.float32(x) - right * _HALF
            row, column = bottom * _HALF + cos * dy - sin * dx, right * _HALF + sin * dy + cos * dx
            inside = -_EDGE <= row <= bottom + _EDGE and -_EDGE <= column <= right + _EDGE
            row = min(max(row, _0), bottom) * finer + middle
            column = min(max(column, _0), right) * finer + middle
            i, j = np.int32(row), np.int32(column)
            fx = column - np.float32(j)
            seen = unit if inside else _0
            low = np.floor((row - np.float32(i)) * seen + _HALF)
            low_right, up_right = np.floor(low * fx + _HALF), np.floor((seen - low) * fx + _HALF)
            places[x] = np.uint32(i * np.int32(stride) + j)
            here[x], beside[x] = np.uint16(np.int32(seen - low - up_right)), np.uint16(np.int32(up_right))
            under[x], aslant[x] = np.uint16(np.int32(low - low_right)), np.uint16(np.int32(low_right))
        for x in range(width):
            p = np.uintp(places[x])
            total[y, x] += (
                np.uint64(here[x]) * large[p]
                + np.uint64(beside[x]) * large[p + one]
                + np.uint64(under[x]) * large[p + below]
                + np.uint64(aslant[x]) * large[p + below + one]
            )


@kernel("void(uint8[:,::1], int64[::1], float32[:,::1], int64[::1], float32[:,::1], uint8[:,::1])")
def _resample(
    source: Pixels,
    tops: NDArray[np.int64],
    row_taps: Plane,
    lefts: NDArray[np.int64],
    column_taps: Plane,
    out: Pixels,
) -> None:
    """Fill `out` with four taps a row and four a column; places beyond the border are mirrored in it."""
    height, width = source.shape
    line, total = np.empty(width + 6, np.float32), np.empty(out.shape[1], np.float32)
    row = line[3 : 3 + width]
    for y in range(out.shape[0]):
        row[:] = _0
        for tap in range(4):
            from_row = source[height - 1 - abs(height - 1 - abs(tops[y] + tap))]
            for x in range(width):
                row[x] += row_taps[y, tap] * np.float32(from_row[x])
        for x in range(1, 4):
            line[3 - x], line[width + 2 + x] = row[x], row[width - 1 - x]
        total[:] = _HALF
        for tap in range(4):
            for x in range(total.size):
                total[x] += column_taps[tap, x] * line[np.uintp(lefts[x] + tap + 3)]
        for x in range(total.size):
            out[y, x] = np.uint8(min(total[x], _255))


def magnify(plane: Pixels, scale: float) -> Pixels:
    """Return a plane (H, W) enlarged about the centre, at its own size, smoothed by the cubic B-spline."""
    (tops, row_taps), (lefts, column_taps) = (_spline_taps(side, scale) for side in plane.shape)
    large = np.empty_like(plane)
    _resample(plane, tops, row_taps, lefts, np.ascontiguousarray(column_taps.T), large)
    return large


@lru_cache(maxsize=32)
def _spline_taps(side: int, scale: float) -> tuple[NDArray[np.int64], Plane]:
    """Return the first of the four sources of each pixel, int64 (side,), and their weights, float32 (side, 4)."""
    large = round(side * scale)
    place = ((large - side) // 2 + np.arange(side)) * (side - 1) / max(large - 1, 1)
    first = np.floor(place).astype(np.int64)
    f = place - first
    taps = np.stack([(1 - f) ** 3, 4 - 6 * f**2 + 3 * f**3, 1 + 3 * f + 3 * f**2 - 3 * f**3, f**3], axis=1) / 6
    return first - 1, taps.astype(np.float32)
