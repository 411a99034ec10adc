"""Exposure and tone (ImageNet-C, ICLR 2019). Every function edits a contiguous uint8 (T, H, W, 3) clip in place.

Kernels work along whole rows of values, three a pixel, in short loops without branches, which become vector code.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Line = NDArray[np.float32]

_LIFTS = (1e-4, 1e-5)  # tried in turn: float32 quotients that fall just short of a whole grey level reach it
_0, _1, _255 = np.float32(0), np.float32(1), np.float32(255)


def brightness(frames: Pixels, level: Level, scene: Scene) -> None:
    """Add c to the HSV value V = max(r, g, b); hue and saturation stay, so each channel scales by V' / V.

    Meaning: Exposed for too long.
    Formula: HSV: V' = V + c
    Level: c, added to V in [0, 1]
    """
    table = scaled_to_value(level[0])
    lift = _lift(level[0])
    if lift:
        _brighten(frames.reshape(-1, 3 * frames.shape[2]), 255 * level[0], lift)
    else:
        _look_up(frames.reshape(-1, 3), table)


@lru_cache(maxsize=16)
def scaled_to_value(c: float) -> Pixels:
    """Return uint8 (256, 256): the new grey level of a channel, by the pixel's V and the channel's old level."""
    value = np.arange(256)[:, None] / 255
    share = np.where(value > 0, np.minimum(np.arange(256) / np.maximum(255 * value, 1), 1), 1)
    return (share * np.minimum(value + c, 1) * 255 + 1e-6).astype(np.uint8)


@lru_cache(maxsize=16)
def _lift(c: float) -> float:
    """Return with what `_brighten` gives the table's grey level for every V and every channel up to it, or 0."""
    value, x = np.indices((256, 256), np.uint8)
    pixels = np.stack([value, np.minimum(value, x), value], axis=-1)
    wanted = pixels.copy()
    _look_up(wanted.reshape(-1, 3), scaled_to_value(c))
    for lift in _LIFTS:
        made = pixels.copy()
        _brighten(made.reshape(256, -1), 255 * c, lift)
        if np.array_equal(made, wanted):
            return lift
    return 0.0


@kernel("void(uint8[:,::1], uint8[:,::1])")
def _look_up(pixels: Pixels, table: Pixels) -> None:
    for p in range(pixels.shape[0]):
        r, g, b = pixels[p, 0], pixels[p, 1], pixels[p, 2]
        value = max(r, g, b)
        pixels[p, 0], pixels[p, 1], pixels[p, 2] = table[value, r], table[value, g], table[value, b]


@kernel("void(uint8[:,::1], float32, float32)")
def _brighten(rows: Pixels, added: float, lift: float) -> None:
    """x min(V + added, 255) / V + lift, truncated; black becomes `added`."""
    width = rows.shape[1]
    most, places = np.zeros(width + 2, np.uint8), np.zeros((3, width), np.uint8)
    value, dark = np.empty(width, np.uint8), np.uint8(min(added, 255.0) + lift)
    for i in range(width):
        places[i % 3, i] = 255
    red, green, blue = places[0], places[1], places[2]
    here, before, first = most[2:], most[1:], most
    for y in range(rows.shape[0]):
        row, second, third = rows[y], rows[y, 1:], rows[y, 2:]
        for i in range(width - 2):
            here[i] = max(max(row[i], second[i]), third[i])
        for i in range(width):  # the same at all three channels of a pixel
            value[i] = (here[i] & red[i]) | (before[i] & green[i]) | (first[i] & blue[i])
        for i in range(width):
            v = np.float32(value[i])
            row[i] = np.uint8(np.divide(np.float32(row[i]) * min(v + added, _255), max(v, _1)) + lift)
        for i in range(width):
            row[i] |= dark if value[i] == 0 else np.uint8(0)


def contrast(frames: Pixels, level: Level, scene: Scene) -> None:
    """(x - m) c + m, with m the mean of the channel over its own frame.

    Meaning: Flat light.
    Formula: x' = (x - m) c + m, where m is the mean of the frame's channel
    Level: c, factor
    """
    (c,) = level
    for frame in frames:
        mean = np.array(cv2.sumElems(frame)[:3]) / (255 * frame[..., 0].size)  # cv2.mean is an ulp off: white fades
        draw_to_mean(frame, mean, c)


def draw_to_mean(frame: Pixels, mean: NDArray[np.float64], c: float) -> None:
    """Replace `frame` (H, W, 3) by (x - m) c + m, truncated, of each channel's m, float64 (3,) in [0, 1]."""
    table, offsets = np.empty((3, 256), np.uint8), np.empty(3, np.float32)
    if _fit(mean, c, table, offsets):
        _scale(frame.reshape(len(frame), -1), c, offsets)
    else:
        cv2.LUT(frame, np.ascontiguousarray(table.T)[None], dst=frame)


@kernel("boolean(float64[::1], float64, uint8[:,::1], float32[::1])")
def _fit(mean: NDArray[np.float64], c: float, table: Pixels, offsets: Line) -> bool:
    """Fill in (x - m) c + m of each channel and level, and the b with which c x + b has its whole parts, if any."""
    slope, whole = np.float32(c), True
    for channel in range(3):
        m, low, high = mean[channel], -1e9, 1e9
        for x in range(256):
            level = np.uint8(min(max((x / 255 - m) * c + m, 0.0), 1.0) * 255)
            table[channel, x] = level
            low, high = max(low, level - c * x), min(high, level + 1 - c * x)
        offsets[channel] = np.float32((low + high) / 2)
        for x in range(256):
            whole &= np.float32(table[channel, x]) == np.floor(np.float32(x) * slope + offsets[channel])
    return whole


@kernel("void(uint8[:,::1], float32, float32[::1])")
def _scale(rows: Pixels, slope: float, offsets: Line) -> None:
    """Replace each value x of the three channels in turn by c x + b, truncated."""
    width = rows.shape[1]
    added = np.empty(width, np.float32)
    for i in range(width):
        added[i] = offsets[i % 3]
    for y in range(rows.shape[0]):
        row = rows[y]
        for i in range(width):
            row[i] = np.uint8(np.float32(row[i]) * slope + added[i])


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
