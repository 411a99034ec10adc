"""One draw a pixel and channel: fields of uniform numbers that evolve as the scene's mode says.

A pixel's word is 64 bits: channel c owns the 21 bits from 21 c upward, a uniform integer in [0, 2^21).
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng
from corruptions.jit import kernel
from corruptions.motion import NORMAL, Scene, knots

BITS = 21
QUANTILE_BITS = 16

_GOLDEN, _MIX_1, _MIX_2 = np.uint64(counter_rng.GOLDEN), np.uint64(counter_rng.MIX_1), np.uint64(counter_rng.MIX_2)
_ONE, _27, _30, _31 = np.uint64(1), np.uint64(27), np.uint64(30), np.uint64(31)
CHANNEL = np.uint64((1 << BITS) - 1)  # of a word, three channels of so many bits: word >> SHIFTS[c] & CHANNEL
SHIFTS = (np.uint64(0), np.uint64(BITS), np.uint64(2 * BITS))
TO_QUANTILE = np.uint64(BITS - QUANTILE_BITS)
_LEVELS = 1 << BITS
_WHOLE = np.float32(1)
_TOP = np.uint64(64 - QUANTILE_BITS)


@kernel("void(uint64, uint64[::1])")
def _fill(state: np.uint64, words: NDArray[np.uint64]) -> None:
    for pixel in range(words.size):
        x = state + (np.uint64(pixel) + _ONE) * _GOLDEN
        x = (x ^ (x >> _30)) * _MIX_1
        x = (x ^ (x >> _27)) * _MIX_2
        words[pixel] = x ^ (x >> _31)


@kernel("void(uint64[::1], uint64[::1], float64, float64, float32[::1])")
def _blend(
    words: NDArray[np.uint64], later: NDArray[np.uint64], a: float, b: float, quantiles: NDArray[np.float32]
) -> None:
    """Replace uniform u by Phi(a z(u) + b z(v)), which is uniform again when a^2 + b^2 = 1."""
    for pixel in range(words.size):
        blended = np.uint64(0)
        for shift in SHIFTS:
            u = ((words[pixel] >> shift) & CHANNEL) >> TO_QUANTILE
            v = ((later[pixel] >> shift) & CHANNEL) >> TO_QUANTILE
            z = a * quantiles[u] + b * quantiles[v]
            phi = np.uint64(0.5 * math.erfc(-z * math.sqrt(0.5)) * _LEVELS)
            blended |= min(phi, CHANNEL) << shift
        words[pixel] = blended


@kernel("void(uint64[::1], float32, float32[::1], float32[::1])")
def _add_normals(
    words: NDArray[np.uint64], weight: float, quantiles: NDArray[np.float32], total: NDArray[np.float32]
) -> None:
    for pixel in range(words.size):
        total[pixel] += weight * quantiles[words[pixel] >> _TOP]


@lru_cache(maxsize=1)
def normal_quantiles() -> NDArray[np.float32]:
    """Return the standard normal at the middles of 2^16 equal slices of probability: float32 (65536,)."""
    half = 1 << (QUANTILE_BITS - 1)
    upper = np.array([NORMAL.inv_cdf(0.5 + (i + 0.5) / (2 * half)) for i in range(half)], np.float32)
    return np.concatenate([-upper[::-1], upper])


def words(scene: Scene, stream: str, t: int, pixels: int) -> NDArray[np.uint64]:
    """Return the field of frame `t`: uint64 (pixels,), three uniform 21-bit integers each."""
    seed = counter_rng.seed(scene.key, scene.corruption, stream)
    used = knots(scene, t)
    drawn = _draw(seed, used[0][0], pixels)
    if len(used) == 2:
        _blend(drawn, _draw(seed, used[1][0], pixels), used[0][1], used[1][1], normal_quantiles())
    return drawn


def normals(scene: Scene, stream: str, t: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a field of independent standard normals at frame `t`: float32 of `shape`."""
    seed = counter_rng.seed(scene.key, scene.corruption, stream)
    total = np.zeros(shape, np.float32)
    for knot, weight in knots(scene, t):
        _add_normals(_draw(seed, knot, total.size), weight, normal_quantiles(), total.reshape(-1))
    return total


def pair(seed: int, frame: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return two fields of independent uniforms from -1 to 1: float32 (2, *shape)."""
    drawn, both = _draw(seed, frame, math.prod(shape)), np.empty((2, *shape), np.float32)
    _centre(drawn, both.reshape(2, -1))
    return both


@kernel("void(uint64[::1], float32[:,::1])")
def _centre(words: NDArray[np.uint64], both: NDArray[np.float32]) -> None:
    unit = np.float32(2) / np.float32(_LEVELS - 1)
    for channel in range(2):
        for pixel in range(words.size):
            both[channel, pixel] = np.float32(np.int32((words[pixel] >> SHIFTS[channel]) & CHANNEL)) * unit - _WHOLE


def _draw(seed: int, knot: int, pixels: int) -> NDArray[np.uint64]:
    drawn = np.empty(pixels, np.uint64)
    _fill(np.uint64(counter_rng.state(seed, knot)), drawn)
    return drawn


def along(
    frames: NDArray[np.uint8], scene: Scene, stream: str = ""
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint64]]]:
    """Yield for each frame of a contiguous clip its pixels, a uint8 (H*W, 3) view, and their words, uint64 (H*W,)."""
    for frame, t in zip(frames, scene.times, strict=True):
        pixels = frame.reshape(-1, 3)
        yield pixels, words(scene, stream, t, len(pixels))
