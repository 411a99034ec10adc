"""The patterns of C-bar as closed forms per pixel: pure functions of their parameters, and their laying over frames.

Angles and trigonometric arguments inside the kernels are in turns, in float32, by polynomials that the compiler can
vectorise: the sine is within 4e-6, the angle within 2e-6 turns. Lengths are in pixels; y counts rows, x columns.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import fields
from corruptions.jit import kernel

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Shape = tuple[int, int]

_0, _1, _HALF, _QUARTER, _255 = np.float32(0), np.float32(1), np.float32(0.5), np.float32(0.25), np.float32(255)
_TINY = np.float32(1e-20)
_TURN = np.float32(1 / math.tau)
_S0, _S1, _S2, _S3, _S4 = (
    np.float32((-1) ** n * math.tau**m / math.factorial(m)) for n, m in enumerate(range(1, 10, 2))
)
# arctan, |error| <= 1e-5: Handbook of Mathematical Functions, 4.4.49
_A0, _A1, _A2, _A3, _A4 = (np.float32(a / math.tau) for a in (0.999866, -0.3302995, 0.180141, -0.085133, 0.0208351))
_OCTAVES = 5
_ORIGIN, _INK = 250.0, 0.005  # where the plane of the caustics starts, in radians, and how fine its lines are
_START, _AWAY = np.float32(-_ORIGIN / math.tau % 1), np.float32(-_ORIGIN)
_TONES, _BRIGHTEST = 4096, 1.75  # size of the table of tones, and where it ends: brighter light has tone 1
_CHANNEL, _BITS, _UNIT = np.uint64((1 << fields.BITS) - 1), np.uint64(fields.BITS), np.float32(2.0**-fields.BITS)


@kernel("float32(float32)")
def _sin(turns: np.float32) -> np.float32:
    r: np.float32 = turns - np.floor(turns + _HALF)
    a = abs(r)
    a = min(a, _HALF - a)
    s = a * a
    up = a * (_S0 + s * (_S1 + s * (_S2 + s * (_S3 + s * _S4))))
    return up if r >= _0 else -up


@kernel("float32(float32, float32)")
def _angle(b: np.float32, a: np.float32) -> np.float32:
    """Return (atan2(b, a) + pi) / 2 pi."""
    high, low = max(abs(a), abs(b)), min(abs(a), abs(b))
    q = np.divide(low, max(high, _TINY))
    s = q * q
    r: np.float32 = q * (_A0 + s * (_A1 + s * (_A2 + s * (_A3 + s * _A4))))
    r = _QUARTER - r if abs(b) > abs(a) else r
    r = _HALF - r if a < _0 else r
    return _HALF - r if b < _0 else _HALF + r


@kernel("void(uint8[:,:,::1], float32[:,:,::1], float32, float32)")
def add(frame: Pixels, noise: NDArray[np.float32], keep: float, strength: float) -> None:
    """Replace x by keep x + strength noise, truncated; `noise` is (H, W, 3), or (H, W, 1) for grey."""
    width, each = 3 * frame.shape[1], 3 // noise.shape[2]
    values, line = frame.reshape(-1, width), np.empty(width, np.float32)
    for y in range(frame.shape[0]):  # short loops, of which the last becomes vector code
        row = noise[y].reshape(-1)
        for x in range(row.size):
            for i in range(each * x, each * x + each):
                line[i] = row[x]
        for i in range(width):
            value = keep * np.float32(values[y, i]) + strength * line[i]
            values[y, i] = np.uint8(min(max(value, _0), _255))


@kernel("void(uint8[:,:,::1], float32[:,::1], float32)")
def lay(frame: Pixels, cover: Plane, colour: float) -> None:
    """Replace x by x + cover (colour - x), truncated; cover in [0, 1] is (H, W)."""
    width = 3 * frame.shape[1]
    values, line = frame.reshape(-1, width), np.empty(width, np.float32)
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            line[3 * x] = line[3 * x + 1] = line[3 * x + 2] = cover[y, x]
        for i in range(width):
            value = np.float32(values[y, i])
            values[y, i] = np.uint8(value + line[i] * (colour - value))


def wave(shape: Shape, fx: float, fy: float, phase: float) -> NDArray[np.float32]:
    """Return sin(fx x + fy y + phase): float32 (H, W, 1)."""
    along_x, along_y = fx * np.arange(shape[1]), fy * np.arange(shape[0])[:, None] + phase
    sines = np.sin(along_y).astype(np.float32) * np.cos(along_x).astype(np.float32)
    sines += np.cos(along_y).astype(np.float32) * np.sin(along_x).astype(np.float32)
    return np.asarray(sines[..., None], np.float32)


@kernel("void(float32[:,:,::1], float32, float32, float32, float32, float32)")
def rings(out: NDArray[np.float32], y0: float, x0: float, lobes: float, amplitude: float, width: float) -> None:
    """Saw teeth in [-1/2, 1/2) of the distance from (y0, x0), which is bent by amplitude sin(lobes angle)."""
    per_ring = _1 / width
    for y in range(out.shape[0]):
        dy = np.float32(y) - y0
        for x in range(out.shape[1]):
            dx = np.float32(x) - x0
            bend = amplitude * _sin(lobes * (_angle(dx, dy) - _HALF))
            ring = (np.sqrt(dx * dx + dy * dy) + bend) * per_ring
            out[y, x, 0] = ring - np.floor(ring) - _HALF


@kernel("void(float32[:,:,::1], float32, int64, float32, float32)")
def plasma(out: NDArray[np.float32], time: float, rounds: int, sharpness: float, scale: float) -> None:
    """Colours in [-1, 1] of a plane folded `rounds` times by sine waves of growing frequency."""
    now, width = time * _TURN, out.shape[1]
    swell = _HALF * _sin(now) * _TURN
    u, v = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(out.shape[0]):
        for x in range(width):
            u[x], v[x] = np.float32(x) * _TURN / scale, np.float32(y) * _TURN / scale
        frequency, moved, weight = _1, now, _TURN
        for _ in range(rounds):
            for x in range(width):
                du = weight * _sin(v[x] * frequency + moved + _QUARTER)
                dv = weight * _sin(u[x] * frequency + moved)
                u[x] += du - np.float32(0.3) * dv
                v[x] += dv + np.float32(0.3) * du
            frequency *= np.float32(1.93)
            moved /= np.float32(1.15)
            weight /= np.float32(2.25) - sharpness
        for x in range(width):
            out[y, x, 0] = _sin(u[x] - now)
            out[y, x, 1] = _sin((u[x] + v[x]) * _HALF + swell)
            out[y, x, 2] = _sin(v[x] + now)


@kernel("void(float32[:,::1], float32, float32, float32[::1], float32)")
def star(clear: Plane, y0: float, x0: float, lengths: NDArray[np.float32], power: float) -> None:
    """Multiply `clear` by 1 - glow of a star: glow = min(1, (1 - (f - 1/2)^2) (length^2 / distance^2)^power).

    `lengths` are those of its rays, the first two repeated at the end; f is the place between two rays.
    """
    rays, width = np.float32(lengths.size - 2), clear.shape[1]
    places, near = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(clear.shape[0]):  # short loops, of which all but the look-up become vector code
        dy = np.float32(y) - y0
        for x in range(width):
            places[x] = _angle(np.float32(x) - x0, dy) * rays
        for x in range(width):
            ray = int(places[x])
            near[x] = lengths[ray] + (places[x] - np.float32(ray)) * (lengths[ray + 1] - lengths[ray])
        for x in range(width):
            dx = np.float32(x) - x0
            near[x] = np.divide(near[x] * near[x], dx * dx + dy * dy + np.float32(1e-4))
        if power != _1:
            for x in range(width):
                near[x] **= power
        for x in range(width):
            f = places[x] - np.floor(places[x]) - _HALF
            clear[y, x] *= _1 - min((_1 - f * f) * near[x], _1)


@kernel("void(float32[:,:,::1], float32, float32[:,::1], int64[::1])")
def turbulence(out: NDArray[np.float32], cell: float, gradients: Plane, order: NDArray[np.int64]) -> None:
    """Sum of |1.5 gradient noise| / f over the octaves f = 1, 2, 4, 8, 16; the lattice of the first has side `cell`.

    The gradient at lattice point (i, j) is gradients[order[order[i] + j]], all modulo 256.
    """
    height, width = out.shape[0], out.shape[1]
    out[:] = _0
    corner, rest = np.empty(width, np.int64), np.empty(width, np.float32)
    for octave in range(_OCTAVES):
        per_pixel = np.float32(1 << octave) / cell
        weight = np.float32(1.5) / np.float32(1 << octave)
        for x in range(width):
            place = np.float32(x) * per_pixel
            corner[x] = int(place)
            rest[x] = place - np.float32(corner[x])
        points = corner[width - 1] + 2
        slope, level = np.empty(points, np.float32), np.empty(points, np.float32)
        for y in range(height):
            place = np.float32(y) * per_pixel
            i = int(place)
            ry = place - np.float32(i)
            sy = ry * ry * (np.float32(3) - np.float32(2) * ry)
            for j in range(points):
                a = gradients[order[(order[i & 255] + j) & 255]]
                b = gradients[order[(order[(i + 1) & 255] + j) & 255]]
                slope[j] = a[1] + sy * (b[1] - a[1])
                level[j] = a[0] * ry + sy * (b[0] * (ry - _1) - a[0] * ry)
            for x in range(width):
                j, rx = corner[x], rest[x]
                sx = rx * rx * (np.float32(3) - np.float32(2) * rx)
                left = slope[j] * rx + level[j]
                right = slope[j + 1] * (rx - _1) + level[j + 1]
                out[y, x, 0] += weight * abs(left + sx * (right - left))


@kernel("void(float32[:,::1], float32, float32, boolean[:,::1])")
def board(cover: Plane, along: float, across: float, covered: NDArray[np.bool_]) -> None:
    """Cover cells of a board whose unit steps are (along, across) cells a pixel; cell (0, 0) is in the middle."""
    middle = covered.shape[0] // 2
    for y in range(cover.shape[0]):
        for x in range(cover.shape[1]):
            i = int(np.floor(along * np.float32(y) + across * np.float32(x)))
            j = int(np.floor(along * np.float32(x) - across * np.float32(y)))
            cover[y, x] = _1 if covered[middle + i, middle + j] else _0


@kernel("void(float32[:,::1], float64, float64, float64, float64, float64)")
def line(clear: Plane, y0: float, x0: float, y1: float, x1: float, width: float) -> None:
    """Multiply `clear` by 1 - coverage of an antialiased line: coverage = (width + 1) / 2 - distance, in [0, 1].

    Lines thinner than a pixel are fainter instead.
    """
    dy, dx = y1 - y0, x1 - x0
    length = math.sqrt(dy * dy + dx * dx)
    strength, reach = min(width, 1.0), (max(width, 1.0) + 1) / 2
    steep = abs(dy) > abs(dx)
    major, minor, main, side = (y0, x0, dy, dx) if steep else (x0, y0, dx, dy)
    rows, columns = (clear.shape[0], clear.shape[1]) if steep else (clear.shape[1], clear.shape[0])
    half = reach * length / abs(main)
    first, last = max(0, math.ceil(min(major, major + main))), min(rows - 1, math.floor(max(major, major + main)))
    for p in range(first, last + 1):
        middle = minor + side / main * (p - major)
        for q in range(max(0, math.ceil(middle - half)), min(columns - 1, math.floor(middle + half)) + 1):
            coverage = strength * min(reach - abs(q - middle) * abs(main) / length, 1.0)
            if steep:
                clear[p, q] *= np.float32(1 - coverage)
            else:
                clear[q, p] *= np.float32(1 - coverage)


@kernel("void(float32[:,::1], float32, float32[::1], float32)")
def _focus(out: Plane, size: float, times: Plane, tone_step: float) -> None:
    """Fill `out` with the brightness of the caustics before the tone curve, as a place in its table."""
    width = out.shape[1]
    p1, i0, i1 = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for x in range(width):
        column = np.float32(x) / size
        p1[x] = column - np.floor(column)
    for y in range(out.shape[0]):
        row = np.float32(y) / size
        p0 = row - np.floor(row)
        far0 = p0 / _TURN + _AWAY
        for x in range(width):
            i0[x], i1[x] = p0 + _START, p1[x] + _START
            out[y, x] = _0
        for t in times:
            for x in range(width):
                step0 = _sin(t - i0[x] + _QUARTER) + _sin(t + i1[x])
                step1 = _sin(t - i1[x]) + _sin(t + i0[x] + _QUARTER)
                i0[x], i1[x] = p0 + _START + _TURN * step0, p1[x] + _START + _TURN * step1
                s, k = _sin(i0[x] + t), _sin(i1[x] + t + _QUARTER)
                a, b = far0 * k, (p1[x] / _TURN + _AWAY) * s
                out[y, x] += np.divide(tone_step * abs(s * k), np.sqrt(a * a + b * b))


@lru_cache(maxsize=1)
def _tones() -> Plane:
    """Return |1.17 - c^1.4|^8, at most 1, for c = 1/5 .. 1/5 + _BRIGHTEST."""
    c = 0.2 + np.linspace(0, _BRIGHTEST, _TONES)
    return np.asarray(np.minimum(np.abs(1.17 - c**1.4) ** 8, 1), np.float32)


def caustics(shape: Shape, time: float, size: float, softness: float) -> Plane:
    """Return light focused by waves, which repeats every `size` pixels: float32 (H, W) in [0, 1]."""
    place = np.empty(shape, np.float32)
    times = np.array([time * (1 - 3.5 / n) / math.tau for n in range(1, 6)], np.float32)
    _focus(place, size, times, (_TONES - 1) / _BRIGHTEST / _INK / 5)
    tones = _tones()
    light = tones[np.minimum(place + 0.5, _TONES - 1).astype(np.int32)]
    side = 2 * int(4 * softness + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(light, (side, side), softness, borderType=cv2.BORDER_REFLECT), np.float32)


@kernel("void(float32[:,:,:,::1], uint64[::1], float32[:,::1])")
def _scatter(out: NDArray[np.float32], words: NDArray[np.uint64], power: Plane) -> None:
    """Give each frequency its power and a random phase, which it shares with the point mirrored in the centre."""
    height, width = power.shape
    last = height * width - 1
    for c in range(out.shape[0]):
        shift = np.uint64(c) * _BITS
        for y in range(height):
            v = y - height // 2 if y >= height // 2 else y - height // 2 + height
            for x in range(width):
                u = x - width // 2 if x >= width // 2 else x - width // 2 + width
                p = y * width + x
                phase = np.float32(np.int32((words[min(p, last - p)] >> shift) & _CHANNEL)) * _UNIT
                out[c, v, u, 0] = power[y, x] * _sin(phase + _QUARTER)
                out[c, v, u, 1] = power[y, x] * _sin(phase)


def frequencies(shape: Shape) -> Plane:
    """Return the frequency of each point of a centred spectrum, in cycles per short side: float32 (H, W)."""
    cycles = [min(shape) / side * (np.arange(side) - side // 2) for side in shape]
    return np.asarray(np.hypot(cycles[0][:, None], cycles[1]), np.float32)


@dataclass(frozen=True, slots=True)
class Coloured:
    """Complex noise, as float32 (H, W, C) each, and by channel the variances of its parts and their covariance."""

    real: NDArray[np.float32]
    imaginary: NDArray[np.float32]
    moments: NDArray[np.float64]


def coloured(power: Plane, words: NDArray[np.uint64], channels: int) -> Coloured:
    """Return complex noise of the given amplitude spectrum and random phases.

    Its real part, turned by any angle, is the published noise: the phases are uniform again.
    """
    spectra = np.empty((channels, *power.shape, 2), np.float32)
    _scatter(spectra, words, power)
    parts = [cv2.split(cv2.idft(spectrum, flags=cv2.DFT_SCALE)) for spectrum in spectra]
    real, imaginary = (np.stack(planes, axis=-1) for planes in zip(*parts, strict=True))
    variances = [cv2.meanStdDev(part)[1][:, 0] ** 2 for part in (real, imaginary, real + imaginary)]
    covariance = (variances[2] - variances[0] - variances[1]) / 2
    return Coloured(real, imaginary, np.stack([variances[0], variances[1], covariance]))


def turned(noise: Coloured, angle: float) -> NDArray[np.float32]:
    """Return the real part of the noise times exp(i angle), of unit standard deviation a channel: float32 (H, W, C)."""
    cos, sin = math.cos(angle), math.sin(angle)
    share = 1 / np.sqrt(np.array([cos * cos, sin * sin, -2 * cos * sin]) @ noise.moments)
    real = np.empty_like(noise.real)
    rows = (array.reshape(len(real), -1) for array in (noise.real, noise.imaginary, real))
    _turn(*rows, *(np.tile(part * share, real.shape[1]).astype(np.float32) for part in (cos, sin)))
    return real


@kernel("void(float32[:,::1], float32[:,::1], float32[:,::1], float32[::1], float32[::1])")
def _turn(real: Plane, imaginary: Plane, out: Plane, cos: NDArray[np.float32], sin: NDArray[np.float32]) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = real[y, x] * cos[x] - imaginary[y, x] * sin[x]
