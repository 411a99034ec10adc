"""Exposure and tone (ImageNet-C, ICLR 2019). Every function edits a contiguous uint8 (T, H, W, 3) clip in place."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]


def brightness(frames: Pixels, level: Level, scene: Scene) -> None:
    """Add c to the HSV value V = max(r, g, b); hue and saturation stay, so each channel scales by V' / V.

    Meaning: Exposed for too long.
    Formula: HSV: V' = V + c
    Level: c, added to V in [0, 1]
    """
    table = _scaled_to_value(level[0])
    _brighten(frames.reshape(-1, 3), table)


@lru_cache(maxsize=16)
def _scaled_to_value(c: float) -> Pixels:
    """Return uint8 (256, 256): the new grey level of a channel, by the pixel's V and the channel's old level."""
    value = np.arange(256)[:, None] / 255
    share = np.where(value > 0, np.minimum(np.arange(256) / np.maximum(255 * value, 1), 1), 1)
    return (share * np.minimum(value + c, 1) * 255 + 1e-6).astype(np.uint8)


@kernel("void(uint8[:,::1], uint8[:,::1])")
def _brighten(pixels: Pixels, table: Pixels) -> None:
    for p in range(pixels.shape[0]):
        r, g, b = pixels[p, 0], pixels[p, 1], pixels[p, 2]
        value = max(r, g, b)
        pixels[p, 0], pixels[p, 1], pixels[p, 2] = table[value, r], table[value, g], table[value, b]


def contrast(frames: Pixels, level: Level, scene: Scene) -> None:
    """(x - m) c + m, with m the mean of the channel over its own frame.

    Meaning: Flat light.
    Formula: x' = (x - m) c + m, where m is the mean of the frame's channel
    Level: c, factor
    """
    (c,) = level
    x = np.arange(256)[:, None] / 255
    for frame in frames:
        mean = np.array(cv2.sumElems(frame)[:3]) / (255 * frame[..., 0].size)  # cv2.mean is an ulp off: white fades
        table = (np.clip((x - mean) * c + mean, 0, 1) * 255).astype(np.uint8)
        cv2.LUT(frame, table[None], dst=frame)


def saturate(frames: Pixels, level: Level, scene: Scene) -> None:
    """S a + b for the HSV saturation S = 1 - min / max; hue and value stay.

    Meaning: Too little colour, or too much.
    Formula: HSV: S' = a S + b
    Level: a, factor; b, added
    """
    _saturate(frames.reshape(-1, 3), *level)


@kernel("void(uint8[:,::1], float32, float32)")
def _saturate(pixels: Pixels, factor: float, added: float) -> None:
    """Move each channel x towards or away from V: V - (V - x) S' / S; grey has hue 0 and so turns red."""
    one, ends = np.float32(1), np.float32(1e-3)
    for p in range(pixels.shape[0]):
        r, g, b = pixels[p, 0], pixels[p, 1], pixels[p, 2]
        value, least = max(r, g, b), min(r, g, b)
        if value == 0:
            continue
        v, chroma = np.float32(value), np.float32(value) - np.float32(least)
        saturation = min(max(factor * chroma / v + added, np.float32(0)), one)
        if chroma == 0:
            pixels[p, 1] = pixels[p, 2] = np.uint8(v * (one - saturation) + ends)
            continue
        ratio = v * saturation / chroma
        for c in range(3):
            pixels[p, c] = np.uint8(max(v - ratio * (v - np.float32(pixels[p, c])), np.float32(0)) + ends)
