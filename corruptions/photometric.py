"""Exposure and tone (ImageNet-C, ICLR 2019). Every function edits a contiguous uint8 (T, H, W, 3) clip in place."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.severities import Level

Pixels = NDArray[np.uint8]


def brightness(frames: Pixels, level: Level, scene: Scene) -> None:
    """Add c to the HSV value V = max(r, g, b); hue and saturation stay, so each channel scales by V' / V."""
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
    """(x - m) c + m, with m the mean of the channel over its own frame."""
    (c,) = level
    x = np.arange(256)[:, None] / 255
    for frame in frames:
        mean = np.array(cv2.mean(frame)[:3]) / 255
        table = (np.clip((x - mean) * c + mean, 0, 1) * 255).astype(np.uint8)
        cv2.LUT(frame, table[None], dst=frame)
