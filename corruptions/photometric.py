"""Exposure and tone (ImageNet-C, ICLR 2019). Every function edits a contiguous uint8 (T, H, W, 3) clip in place.

Kernels work along whole rows of values, three a pixel, in short loops without branches, which become vector code.
"""

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.filling import from_sources
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]

_RAISES = (5e-7, 1e-6, 2.4e-7, 1.2e-7)  # tried in turn: products that fall just short of a whole grey level reach it
_UNIT, _BYTE = 1 << 16, np.uint16(8)  # of a slope, and the bits of its fractions that 16 bits hold
_FIRST, _SECOND, _THIRD, _CHANNELS = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
_0, _1, _255 = np.float32(0), np.float32(1), np.float32(255)


@from_sources
def brightness(frames: Pixels, level: Level, scene: Scene, sources: Iterable[Pixels]) -> None:
    """Add c to the HSV value V = max(r, g, b); hue and saturation stay, so each channel scales by V' / V.

    Meaning: Exposed for too long.
    Formula: HSV: V' = V + c
    Level: c, added to V in [0, 1]
    """
    raised = _raised(level[0])
    for frame, source in zip(frames, sources, strict=True):
        if raised:
            _brighten(source.reshape(-1), 255 * level[0], raised, frame.reshape(-1))
        else:
            frame[...] = source
            _look_up(frame.reshape(-1, 3), scaled_to_value(level[0]))


@lru_cache(maxsize=16)
def scaled_to_value(c: float) -> Pixels:
    """Return uint8 (256, 256): the new grey level of a channel, by the pixel's V and the channel's old level."""
    value = np.arange(256)[:, None] / 255
    share = np.where(value > 0, np.minimum(np.arange(256) / np.maximum(255 * value, 1), 1), 1)
    return (share * np.minimum(value + c, 1) * 255 + 1e-6).astype(np.uint8)


@lru_cache(maxsize=16)
def _raised(c: float) -> float:
    """Return with what factor `_brighten` gives the table's grey level for every V and every channel up to it, or 0."""
    value, x = np.indices((256, 256), np.uint8)
    pixels = np.stack([value, np.minimum(value, x), value], axis=-1)
    wanted, made = pixels.copy(), np.empty_like(pixels)
    _look_up(wanted.reshape(-1, 3), scaled_to_value(c))
    for more in _RAISES:
        _brighten(pixels.reshape(-1), 255 * c, 1 + more, made.reshape(-1))
        if np.array_equal(made, wanted):
            return 1 + more
    return 0.0


@kernel("void(uint8[:,::1], uint8[:,::1])")
def _look_up(pixels: Pixels, table: Pixels) -> None:
    for p in range(pixels.shape[0]):
        r, g, b = pixels[p, 0], pixels[p, 1], pixels[p, 2]
        value = max(r, g, b)
        pixels[p, 0], pixels[p, 1], pixels[p, 2] = table[value, r], table[value, g], table[value, b]


@kernel("void(Array(uint8, 1, 'C', readonly=True), float32, float32, uint8[::1])")
def _brighten(values: Pixels, added: float, raised: float, out: Pixels) -> None:
    """x raised min(V + added, 255) / V, truncated; black becomes `added`."""
    dark, most, more = np.uint8(min(np.float32(added), _255) + np.float32(1e-4)), _255 * raised, added * raised
    for red in range(_FIRST, np.uint64(values.size), _CHANNELS):  # indices without a sign: vector code
        green, blue = red + _SECOND, red + _THIRD
        r, g, b = values[red], values[green], values[blue]
        v = np.float32(max(max(r, g), b))
        share, ground = np.divide(min(v * raised + more, most), max(v, _1)), dark if v == 0 else np.uint8(0)
        out[red] = np.uint8(np.float32(r) * share) | ground
        out[green] = np.uint8(np.float32(g) * share) | ground
        out[blue] = np.uint8(np.float32(b) * share) | ground


@from_sources
def contrast(frames: Pixels, level: Level, scene: Scene, sources: Iterable[Pixels]) -> None:
    """(x - m) c + m, with m the mean of the channel over its own frame.

    Meaning: Flat light.
    Formula: x' = (x - m) c + m, where m is the mean of the frame's channel
    Level: c, factor
    """
    (c,) = level
    for frame, source in zip(frames, sources, strict=True):
        mean = np.array(cv2.sumElems(source)[:3]) / (255 * frame[..., 0].size)  # cv2.mean is an ulp off: white fades
        draw_to_mean(source, mean, c, frame)


def draw_to_mean(source: Pixels, mean: NDArray[np.float64], c: float, frame: Pixels) -> None:
    """Fill `frame` (H, W, 3) with (x - m) c + m, truncated, of each channel's m, float64 (3,) in [0, 1]."""
    table, offsets = np.empty((3, 256), np.uint8), np.empty(3, np.uint16)
    slope = round(c * _UNIT)
    if _fit(mean, c, slope, table, offsets) and 0 <= slope < _UNIT:
        _scale(source.reshape(len(frame), -1), slope, offsets, frame.reshape(len(frame), -1))
    else:
        _look_up_each(source.reshape(-1), table, frame.reshape(-1))


@kernel("boolean(float64[::1], float64, int64, uint8[:,::1], uint16[::1])")
def _fit(mean: NDArray[np.float64], c: float, slope: int, table: Pixels, offsets: NDArray[np.uint16]) -> bool:
    """Fill in (x - m) c + m of each channel and level, and the b with which `_scale` gives the same, if any."""
    found, high, low = True, slope >> 8, slope & 255
    for channel in range(3):
        m, least, most = mean[channel], 0, 65535
        for x in range(256):
            level = int(min(max((x / 255 - m) * c + m, 0.0), 1.0) * 255)
            table[channel, x] = np.uint8(level)
            scaled = x * high + ((x * low) >> 8)
            least, most = max(least, 256 * level - scaled), min(most, 256 * level + 255 - scaled)
        found &= least <= most
        offsets[channel] = np.uint16(least)
    return found


@kernel("void(Array(uint8, 2, 'C', readonly=True), uint16, uint16[::1], uint8[:,::1])")
def _scale(rows: Pixels, slope: int, offsets: NDArray[np.uint16], out: Pixels) -> None:
    """Fill `out` with x slope / 2^16 + b / 2^8, truncated, of each value x of the three channels in turn.

    Sums are whole numbers of 1 / 256 that 16 bits hold, which is twice as many a vector as of float32.
    """
    width, high, low = rows.shape[1], np.uint16(slope >> 8), np.uint16(slope & 255)
    added = np.empty(width, np.uint16)
    for i in range(width):
        added[i] = offsets[i % 3]
    for y in range(rows.shape[0]):
        row, made = rows[y], out[y]
        for i in range(width):
            x = np.uint16(row[i])
            fine = np.uint16(np.uint16(x * low) >> _BYTE)
            made[i] = np.uint8(np.uint16(np.uint16(x * high) + fine + added[i]) >> _BYTE)


@kernel("void(Array(uint8, 1, 'C', readonly=True), uint8[:,::1], uint8[::1])")
def _look_up_each(values: Pixels, table: Pixels, out: Pixels) -> None:
    reds, greens, blues = table[0], table[1], table[2]
    for red in range(_FIRST, np.uint64(values.size), _CHANNELS):
        green, blue = red + _SECOND, red + _THIRD
        r, g, b = values[red], values[green], values[blue]
        out[red], out[green], out[blue] = reds[r], greens[g], blues[b]


def saturate(frames: Pixels, level: Level, scene: Scene) -> None:
    """S a + b for the HSV saturation S = 1 - min / max; hue and value stay.

    Meaning: Too little colour, or too much.
    Formula: HSV: S' = a S + b
    Level: a, factor; b, added
    """
    _saturate(frames.reshape(-1, 3 * frames.shape[2]), *level)


@kernel("void(uint8[:,::1], float32, float32)")
def _saturate(rows: Pixels, factor: float, added: float) -> None:
    """Move each channel x towards or away from V: V - (V - x) S' / S; grey has hue 0 and so turns red."""
    width, ends = rows.shape[1], np.float32(1e-3)
    most, least, places = np.zeros(width + 2, np.uint8), np.zeros(width + 2, np.uint8), np.zeros((3, width), np.uint8)
    value, lowest, not_red = np.empty(width, np.uint8), np.empty(width, np.uint8), np.ones(width, np.float32)
    for i in range(width):
        places[i % 3, i] = 255
        not_red[i] = np.float32(i % 3 != 0)
    red, green, blue = places[0], places[1], places[2]
    high, high_before, high_first = most[2:], most[1:], most
    low, low_before, low_first = least[2:], least[1:], least
    for y in range(rows.shape[0]):
        row, second, third = rows[y], rows[y, 1:], rows[y, 2:]
        for i in range(width - 2):
            high[i] = max(max(row[i], second[i]), third[i])
            low[i] = min(min(row[i], second[i]), third[i])
        for i in range(width):  # the same at all three channels of a pixel
            value[i] = (high[i] & red[i]) | (high_before[i] & green[i]) | (high_first[i] & blue[i])
            lowest[i] = (low[i] & red[i]) | (low_before[i] & green[i]) | (low_first[i] & blue[i])
        for i in range(width):
            v, x = np.float32(value[i]), np.float32(row[i])
            chroma = v - np.float32(lowest[i])
            grey, black = _1 if chroma == 0 else _0, _1 if v == 0 else _0
            saturation = min(max(np.divide(factor * chroma, v + black) + added, _0), _1)
            coloured = max(v - np.divide(v * saturation, chroma + grey) * (v - x), _0)
            reddened = v * (_1 - saturation * not_red[i])
            row[i] = np.uint8((reddened if chroma == 0 else coloured) + ends)
