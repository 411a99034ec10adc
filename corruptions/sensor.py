"""Faults of the sensor: photons and electrons in little light, pixels that are stuck, patterns that stand still.

Every function edits a contiguous uint8 (T, H, W, 3) clip in place.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import fields, motion, poisson
from corruptions.blur import truncate
from corruptions.fields import CHANNEL, SHIFTS, TO_QUANTILE
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.poisson import TO_GUIDE
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
Words = NDArray[np.uint64]

_ROUNDING = np.float32(1e-3)
ISO_PHOTONS, ISO_READ, LOW_PHOTONS, LOW_SIGMA = 25.0, 0.7, 120.0, 0.018
MAGNIFIED = np.float32(1.2)  # gives a field between few draws a variance of about 1
_BLOTCH = 12.0  # pixels of a frame of 224 that a chroma denoiser smears a fault over
# what interpolation between the pixels of one colour makes of a fault of one: red or blue, and green
SPARSE = np.array([[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]], np.float32)
DENSE = np.array([[0, 0.25, 0], [0.25, 1, 0.25], [0, 0.25, 0]], np.float32)


def iso_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """Poisson noise of 25 photons at white, then Gaussian noise of 0.7 c, truncated once.

    Meaning: A high ISO setting: photon noise stays, electronic noise grows.
    Formula: x' = Poisson(25 x) / 25 + N(0, 0.7 c)
    Level: c, a standard deviation of gaussian_noise
    """
    (c,) = level
    tables = photon_tables(0, 255, 1.0, 1.0, ISO_PHOTONS)
    for (pixels, words), t in zip(fields.along(frames, scene), scene.times, strict=True):
        read = fields.words(scene, "read", t, len(pixels))
        _expose(pixels, words, read, tables, fields.normal_quantiles(), 255 * ISO_READ * c)


def low_light(frames: Pixels, level: Level, scene: Scene) -> None:
    """Map a frame's darkest to brightest value to 0 .. c by a square, then add noise of 120 photons and sigma 0.018.

    Meaning: Too little light: the dark parts sink, and what is left is noisy.
    Formula: y = c ((x - min) / (max - min))^2; x' = Poisson(120 y) / 120 + N(0, 0.018), min and max of the frame
    Level: c, the brightest value
    """
    (c,) = level
    for (pixels, words), t in zip(fields.along(frames, scene), scene.times, strict=True):
        read = fields.words(scene, "read", t, len(pixels))
        tables = photon_tables(int(pixels.min()), int(pixels.max()), c, 2.0, LOW_PHOTONS)
        _expose(pixels, words, read, tables, fields.normal_quantiles(), 255 * LOW_SIGMA)


@lru_cache(maxsize=64)
def photon_tables(
    low: int, high: int, top: float, gamma: float, photons: float
) -> tuple[NDArray[np.uint32], NDArray[np.uint16], Values]:
    """Return cdf (256, K) in units of 2^-21, guide (256, 256) into it, and the grey value (K,) of each count.

    A grey level x means top ((x - low) / (high - low))^gamma of `photons` photons; a flat frame is all dark.
    """
    share = np.clip((np.arange(256) - low) / max(high - low, 1), 0, 1)
    cdf, guide, counts = poisson.tables(photons * top * share[:, None] ** gamma, photons)
    return cdf, guide, np.asarray(np.minimum(counts / photons, 1) * 255, np.float32)


@kernel(
    "void(uint8[:,::1], uint64[::1], uint64[::1], Tuple((uint32[:,::1], uint16[:,::1], float32[::1])), "
    "float32[::1], float32)"
)
def _expose(
    pixels: Pixels,
    words: Words,
    read: Words,
    photons: tuple[NDArray[np.uint32], NDArray[np.uint16], Values],
    quantiles: Values,
    sigma: float,
) -> None:
    """Count photons by the inverse of their distribution, add normal noise, truncate."""
    cdf, guide, values = photons
    for p in range(words.size):
        for c in range(3):
            u = (words[p] >> SHIFTS[c]) & CHANNEL
            level = pixels[p, c]
            count = guide[level, u >> TO_GUIDE]
            while cdf[level, count] <= u:
                count += 1
            z = quantiles[((read[p] >> SHIFTS[c]) & CHANNEL) >> TO_QUANTILE]
            pixels[p, c] = np.uint8(min(max(values[count] + sigma * z + _ROUNDING, np.float32(0)), np.float32(255)))


def dead_pixels(frames: Pixels, level: Level, scene: Scene) -> None:
    """Let a share c of the sensor's pixels show black or white, half each, and interpolate the colours between.

    Under the mosaic of colours (Bayer: red, green; green, blue) each pixel has one colour, so that a fault is a
    coloured blot of three pixels.

    Meaning: Pixels of the sensor that are dead or stuck, always the same ones.
    Formula: x' = demosaic(y), y = 1 with probability c / 2, 0 with probability c / 2, else x, at each pixel's colour
    Level: c, share of the pixels
    """
    (share,) = level
    size = frames.shape[1], frames.shape[2]
    for frame, (weights, values) in zip(frames, motion.layers(scene, lambda t: _faults(scene, t, size, share)),
                                        strict=True):  # fmt: skip
        truncate(frame * (1 - weights) + values, frame)


def _faults(scene: Scene, t: int, size: tuple[int, int], share: float) -> tuple[Values, Values]:
    """Return how much of each value is a fault, 0 to 1, and what it adds: float32 (H, W, 3) each."""
    words = fields.words(scene, "", t, size[0] * size[1]).reshape(size)
    hit = (words & CHANNEL).astype(np.float32) < share * (1 << fields.BITS)
    white = (((words >> SHIFTS[1]) & CHANNEL) >> np.uint64(fields.BITS - 1)).astype(np.float32)  # the lowest bit jumps
    y, x = np.indices(size)
    weights, values = np.zeros((*size, 3), np.float32), np.zeros((*size, 3), np.float32)
    for c in range(3):
        at = np.asarray(hit & (y % 2 + x % 2 == c), np.float32)
        spread = DENSE if c == 1 else SPARSE
        weight = cv2.filter2D(at, -1, spread, borderType=cv2.BORDER_CONSTANT)
        value = cv2.filter2D(at * white, -1, spread, borderType=cv2.BORDER_CONSTANT)
        over = np.maximum(weight, 1)
        weights[..., c], values[..., c] = weight / over, 255 * value / over
    return weights, values


def fixed_pattern_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """Add an offset to each column, each row and each pixel, and scale each pixel's gain.

    Meaning: No two columns, rows and pixels of the sensor are alike: stripes and grain that stand still.
    Formula: x' = x (1 + N(0, 0.5 c)) + N(0, c) of the column + N(0, 0.4 c) of the row + N(0, 0.5 c) of the pixel
    Level: c, standard deviation of the columns for x in [0, 1]
    """
    (c,) = level
    height, width = frames.shape[1:3]

    def pattern(t: int) -> tuple[Values, Values]:
        columns = fields.normals(scene, "column", t, (1, width))
        rows = fields.normals(scene, "row", t, (1, height)).T
        grain = fields.normals(scene, "pixel", t, (height, width))
        gain = fields.normals(scene, "gain", t, (height, width))
        return (columns + 0.4 * rows + 0.5 * grain)[..., None], (0.5 * gain)[..., None]

    for frame, (offset, gain) in zip(frames, motion.layers(scene, pattern), strict=True):
        truncate(frame * (1 + np.float32(c) * gain) + np.float32(255 * c) * offset, frame)


def night(frames: Pixels, level: Level, scene: Scene) -> None:
    """Dim the frame, add noise that follows the light, and the coloured blotches that a denoiser leaves.

    Luma noise is what photons leave, of the square root of the light; chroma noise is smeared over `_BLOTCH` pixels.

    Meaning: A phone at night: dim, grainy, with blotches of colour where its denoiser gave up.
    Formula: y = d x; x' = y + s sqrt(y + 0.02) N(0, 1) + k sqrt(y + 0.02) (B, -(B + C) / 2, C), B and C blotches
    Level: d, share of the light; s, luma noise; k, chroma noise
    """
    light, luma, chroma = (np.float32(value) for value in level)
    size = frames.shape[1], frames.shape[2]
    for frame, t in zip(frames, scene.times, strict=True):
        y = frame * (light / np.float32(255))
        grain = luma * fields.normals(scene, "luma", t, size)
        red, blue = (chroma * _blotches(scene, stream, t, size) for stream in ("red", "blue"))
        noise = np.stack([grain + red, grain - (red + blue) / 2, grain + blue], axis=-1)
        truncate(255 * (y + noise * np.sqrt(y + np.float32(0.02))), frame)


def _blotches(scene: Scene, stream: str, t: int, size: tuple[int, int]) -> Values:
    """Return a smooth field of variance about 1: float32 (H, W)."""
    coarse = fields.normals(scene, stream, t, few(scene, size))
    return np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32) * MAGNIFIED


def few(scene: Scene, size: tuple[int, int]) -> tuple[int, int]:
    """Return how many blotches stand below each other and side by side."""
    step = max(_BLOTCH * scene.scale, 1.0)
    return max(2, math.ceil(size[0] / step)), max(2, math.ceil(size[1] / step))
