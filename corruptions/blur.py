"""Blur of the lens and of the moving camera (ImageNet-C, ICLR 2019).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place. Results are truncated, not rounded, as published.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import motion
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.severities import Level

Pixels = NDArray[np.uint8]
_ROUNDING = 1e-3  # lifts float32 sums that fell just short of a whole grey level, so that truncation keeps it


def defocus_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Convolve with a disk of `radius` pixels whose rim is softened by a Gaussian; borders are mirrored."""
    radius, softness = level
    psf = disk(radius * scene.scale, softness * scene.scale, 1 if scene.scale == 1 else 8)
    for frame in frames:
        frame[...] = np.clip(cv2.filter2D(frame.astype(np.float32), -1, psf) + _ROUNDING, 0, 255)


@lru_cache(maxsize=32)
def disk(radius: float, softness: float, samples: int) -> NDArray[np.float32]:
    """Return the disk's point spread function: float32, square, of odd side.

    The published disk tests the centre of each pixel (`samples` 1); small scaled radii need several tests a side. It is
    softened on a grid of 17 pixels, or of the disk's own width, whose mirrored borders cut the rims of radius 8 and 10
    and raise the sum to 1.01; the scaled disk has room and sums to 1.
    """
    reach = max(8, math.ceil(radius)) + (0 if samples == 1 else 2)
    sub = (np.arange(samples) - (samples - 1) / 2) / samples
    squared = (np.arange(-reach, reach + 1)[:, None] + sub).reshape(-1) ** 2
    inside = squared[:, None] + squared <= radius**2
    covered = inside.reshape(2 * reach + 1, samples, 2 * reach + 1, samples).mean((1, 3))
    taps = 3 if radius <= 8 else 5
    soft = cv2.GaussianBlur((covered / covered.sum()).astype(np.float32), (taps, taps), softness)
    empty = int(np.argmax((soft > 1e-6).any(axis=1)))
    return np.asarray(soft[empty : len(soft) - empty, empty : len(soft) - empty], np.float32)


def motion_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Smear along a line at an angle uniform in [-45, 45] degrees, with half-Gaussian weights; borders are held."""
    weights = streak_weights(level[0] * scene.scale, level[1] * scene.scale)
    for frame, t in zip(frames, scene.times, strict=True):
        smear(frame, weights, 90 * motion.uniform(scene, "angle", t) - 45)


def streak_weights(radius: float, sigma: float) -> NDArray[np.float32]:
    """Return exp(-i^2 / 2 sigma^2) for i = 0 .. 2 radius, float32 of sum 1."""
    steps = np.arange(round(2 * radius) + 1)
    weights = np.exp(-((steps / sigma) ** 2) / 2)
    return np.asarray(weights / weights.sum(), np.float32)


def smear(frame: Pixels, weights: NDArray[np.float32], degrees: float) -> None:
    """Replace `frame` (H, W, 3) by the weighted sum of its copies shifted by whole pixels along the direction."""
    steps = np.arange(len(weights))
    down = np.ceil(steps * math.sin(math.radians(degrees)) - 0.5).astype(np.int64)
    right = np.ceil(steps * math.cos(math.radians(degrees)) - 0.5).astype(np.int64)
    top, bottom, left, span = -int(down.min()), int(down.max()), -int(right.min()), int(right.max())
    padded = np.asarray(cv2.copyMakeBorder(frame, top, bottom, left, span, cv2.BORDER_REPLICATE), np.uint8)
    rows = padded.reshape(len(padded), -1)
    _weigh(rows, weights, down + top, 3 * (right + left), frame.reshape(len(frame), -1))


@kernel("void(uint8[:,::1], float32[::1], int64[::1], int64[::1], uint8[:,::1])")
def _weigh(
    padded: Pixels, weights: NDArray[np.float32], down: NDArray[np.int64], right: NDArray[np.int64], out: Pixels
) -> None:
    total = np.empty(out.shape[1], np.float32)
    for y in range(out.shape[0]):
        total[:] = np.float32(_ROUNDING)
        for tap in range(weights.size):
            row = padded[y + down[tap], right[tap] : right[tap] + out.shape[1]]
            for i in range(total.size):
                total[i] += weights[tap] * np.float32(row[i])
        for i in range(total.size):
            out[y, i] = np.uint8(min(total[i], np.float32(255)))
