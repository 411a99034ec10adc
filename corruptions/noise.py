"""Noise of the sensor and the wire, drawn for each channel value alone (ImageNet-C, ICLR 2019).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place. Results are truncated, not rounded, as published.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptions import fields
from corruptions.fields import CHANNEL, SHIFTS, TO_QUANTILE
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.poisson import TO_GUIDE, tables
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Words = NDArray[np.uint64]


@kernel("void(uint8[:,::1], uint64[::1], float32[::1], float32, float32)")
def _add_normal(pixels: Pixels, words: Words, quantiles: NDArray[np.float32], fixed: float, per_level: float) -> None:
    for p in range(words.size):
        for c in range(3):
            z = quantiles[((words[p] >> SHIFTS[c]) & CHANNEL) >> TO_QUANTILE]
            value = np.float32(pixels[p, c])
            value += (fixed + per_level * value) * z
            pixels[p, c] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@kernel("void(uint8[:,::1], uint64[::1], uint64)")
def _salt_and_pepper(pixels: Pixels, words: Words, each: np.uint64) -> None:
    for p in range(words.size):
        for c in range(3):
            u = (words[p] >> SHIFTS[c]) & CHANNEL
            if u < each:
                pixels[p, c] = 255
            elif u > CHANNEL - each:
                pixels[p, c] = 0


@kernel("void(uint8[:,::1], uint64[::1], uint64, uint8)")
def _set_some(pixels: Pixels, words: Words, below: np.uint64, value: np.uint8) -> None:
    for p in range(words.size):
        for c in range(3):
            if (words[p] >> SHIFTS[c]) & CHANNEL < below:
                pixels[p, c] = value


@kernel("void(uint8[:,::1], uint64[::1], uint32[:,::1], uint16[:,::1], uint8[::1])")
def _count_photons(
    pixels: Pixels, words: Words, cdf: NDArray[np.uint32], guide: NDArray[np.uint16], values: NDArray[np.uint8]
) -> None:
    """Invert the Poisson distribution of each grey level; the guide says where to start looking."""
    for p in range(words.size):
        for c in range(3):
            u = (words[p] >> SHIFTS[c]) & CHANNEL
            level = pixels[p, c]
            count = guide[level, u >> TO_GUIDE]
            while cdf[level, count] <= u:
                count += 1
            pixels[p, c] = values[count]


def gaussian_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """x + N(0, c), x in [0, 1].

    Meaning: Read noise of a sensor in low light.
    Formula: x' = x + N(0, c)
    Level: c, standard deviation for x in [0, 1]
    """
    (c,) = level
    for pixels, words in fields.along(frames, scene):
        _add_normal(pixels, words, fields.normal_quantiles(), 255 * c, 0.0)


def speckle_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """x + x N(0, c).

    Meaning: Noise in proportion to the light.
    Formula: x' = x + x N(0, c)
    Level: c, standard deviation of the factor
    """
    (c,) = level
    for pixels, words in fields.along(frames, scene):
        _add_normal(pixels, words, fields.normal_quantiles(), 0.0, c)


def impulse_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """A share c of the channel values becomes 255 or 0, half each.

    Meaning: Single values are lost to black or white: salt and pepper.
    Formula: x' = 1 with probability c / 2, 0 with probability c / 2, else x
    Level: c, share of the channel values
    """
    (c,) = level
    each = np.uint64(round(c / 2 * (1 << fields.BITS)))
    for pixels, words in fields.along(frames, scene):
        _salt_and_pepper(pixels, words, each)


def pepper_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """A share c of the channel values becomes 0.

    Meaning: Single values are lost to black: pepper.
    Formula: x' = 0 with probability c, else x
    Level: c, share of the channel values
    """
    _lose(frames, level, scene, 0)


def salt_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """A share c of the channel values becomes 255.

    Meaning: Single values are lost to white: salt.
    Formula: x' = 1 with probability c, else x
    Level: c, share of the channel values
    """
    _lose(frames, level, scene, 255)


def _lose(frames: Pixels, level: Level, scene: Scene, value: int) -> None:
    below = np.uint64(round(level[0] * (1 << fields.BITS)))
    for pixels, words in fields.along(frames, scene):
        _set_some(pixels, words, below, np.uint8(value))


def shot_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """Poisson(x c) / c, by the inverse of its distribution, so that one uniform serves every severity.

    Meaning: Light arrives as photons, and their number is random.
    Formula: x' = Poisson(c x) / c
    Level: c, photons at white
    """
    (c,) = level
    photons = photon_tables(c)
    for pixels, words in fields.along(frames, scene):
        _count_photons(pixels, words, *photons)


@lru_cache(maxsize=16)
def photon_tables(c: float) -> tuple[NDArray[np.uint32], NDArray[np.uint16], Pixels]:
    """Return cdf (256, K) in units of 2^-21, guide (256, 256) into it, and the grey value (K,) of each count."""
    cdf, guide, counts = tables(np.arange(256)[:, None] / 255 * c, c)
    return cdf, guide, (np.minimum(counts / c, 1) * 255).astype(np.uint8)
