"""Point spread functions on whole pixels, as published and at another resolution.

On whole pixels a small kernel is not what its parameters say: a sampled Gaussian of sigma 0.25 has a tenth of that
variance, a disk of radius 0.7 may be a single pixel, and the first of few taps weighs too much. So a length is not
scaled by its parameter: `scaled_...` looks for the parameters whose kernel, on its pixels, has the published kernel's
second moment times the square of the scale, which is how far light is spread.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]
_ROUNDS = 30


def _factor(moment: Callable[[float], float], wanted: float, scale: float) -> float:
    """Return the factor, about `scale`, on a kernel's lengths at which its second moment is `wanted`."""
    low, high = 1e-3, 2 * scale + 1
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if moment(middle) < wanted else (low, middle)
    return high


@lru_cache(maxsize=64)
def scaled_sigma(sigma: float, scale: float) -> float:
    """Return the sigma, in pixels, of a Gaussian cut at 4 sigma that spreads `scale` times as far as `sigma` does."""

    def moment(factor: float) -> float:
        reach = int(4 * sigma * factor + 0.5)
        places = np.arange(-reach, reach + 1)
        weights = np.exp(-((places / (sigma * factor)) ** 2) / 2)
        return float((weights * places**2).sum() / weights.sum())

    return sigma if scale == 1 else sigma * _factor(moment, scale**2 * moment(1), scale)


def streak_weights(radius: float, sigma: float) -> Weights:
    """Return exp(-i^2 / 2 sigma^2) for i = 0 .. 2 radius, float32 of sum 1."""
    steps = np.arange(round(2 * radius) + 1)
    weights = np.exp(-((steps / sigma) ** 2) / 2)
    return np.asarray(weights / weights.sum(), np.float32)


@lru_cache(maxsize=64)
def scaled_streak(radius: float, sigma: float, scale: float) -> Weights:
    """Return the weights of a streak that moves and spreads light `scale` times as far as the published one."""

    def moment(factor: float) -> float:
        weights = streak_weights(radius * factor, sigma * factor)
        return float(weights @ np.arange(len(weights)) ** 2.0)

    factor = 1.0 if scale == 1 else _factor(moment, scale**2 * moment(1), scale)
    return streak_weights(radius * factor, sigma * factor)


@lru_cache(maxsize=32)
def disk(radius: float, softness: float) -> Weights:
    """Return the published disk: float32, square, of odd side. The centre of each pixel is in it or not.

    It is softened on a grid of 17 pixels, or of its own width, by 3 taps, or 5 where the radius is above 8: the
    mirrored borders of the grid cut the rims of radius 8 and 10 and raise the sum to 1.01.
    """
    reach, taps = max(8, math.ceil(radius)), 3 if radius <= 8 else 5
    return _trimmed(cv2.GaussianBlur(_tested(radius, reach), (taps, taps), softness))


@lru_cache(maxsize=32)
def scaled_disk(radius: float, softness: float, scale: float) -> Weights:
    """Return a softened disk that spreads light `scale` times as far as the published one: float32, of sum 1."""
    published = disk(radius, softness)
    wanted = scale**2 * _moment(published / published.sum())
    factor = _factor(lambda f: _moment(_soft_disk(radius * f, softness * f)), wanted, scale)
    return _soft_disk(radius * factor, softness * factor)


def _soft_disk(radius: float, softness: float) -> Weights:
    reach, tail = math.ceil(radius + 0.5), math.ceil(3 * softness)
    covered = np.pad(_covered(radius, reach), tail)
    return _trimmed(cv2.GaussianBlur(covered, (2 * tail + 1, 2 * tail + 1), softness, borderType=cv2.BORDER_CONSTANT))


def _tested(radius: float, reach: int) -> Weights:
    """Return 1 / n for each of the n pixels whose centre lies in a disk: float32 of side 2 reach + 1."""
    squared = np.arange(-reach, reach + 1) ** 2
    inside = squared[:, None] + squared <= radius**2
    return np.asarray(inside / inside.sum(), np.float32)


def _covered(radius: float, reach: int) -> Weights:
    """Return the share of a disk that falls on each pixel, of sum 1: float32 of side 2 reach + 1."""
    radius = max(radius, 0.1)
    samples = min(max(math.ceil(16 / radius), 2), 8)  # a side of a pixel
    sub = (np.arange(samples) - (samples - 1) / 2) / samples
    squared = (np.arange(-reach, reach + 1)[:, None] + sub).reshape(-1) ** 2
    depth = radius - np.sqrt(squared[:, None] + squared)
    inside = np.clip(depth * samples + 0.5, 0, 1)  # softened, so that it grows evenly with the radius
    covered = inside.reshape(2 * reach + 1, samples, 2 * reach + 1, samples).mean((1, 3))
    return np.asarray(covered / covered.sum(), np.float32)


def _trimmed(soft: NDArray[Any]) -> Weights:
    empty = int(np.argmax((soft > 1e-6).any(axis=1)))
    return np.ascontiguousarray(soft[empty : len(soft) - empty, empty : len(soft) - empty], np.float32)


def _moment(weights: Weights) -> float:
    """Return the mean square of the rows' distances from the middle."""
    places = np.arange(len(weights)) - len(weights) // 2
    return float(weights.sum(axis=1) @ places**2.0)
