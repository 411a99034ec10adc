"""Rain before the lens (Mini Kinetics-C, NeurIPS 2021)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng, motion
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Words = NDArray[np.uint64]
Values = NDArray[np.float64]

GREY = 220
# frame heights a second that the layers fall, near to far: drops of 2 mm, whose terminal speed is 6.5 m/s (The Terminal
# Velocity of Fall for Water Droplets in Stagnant Air, J. Meteorology 1949), where a frame is 2, 2.7 and 4 m high
SPEEDS = (3.25, 2.4375, 1.625)


def rain(frames: Pixels, level: Level, scene: Scene) -> None:
    """Draw one streak for every `area` pixels, `length` pixels long, then lower the contrast by `dim`; in place.

    frames contiguous uint8 (T, H, W, 3). In drift the drops fall along their streaks, in three layers of different
    speed; a drop that reaches the bottom is followed by another, elsewhere, at the top.

    Meaning: Streaks of rain in front of the camera, in dull light.
    Formula: x' = (y - mean(y)) d + mean(y), y = blur(x with H W / a streaks of length l and grey 220)
    Level: a, pixels a streak; l, length in pixels; d, factor on the contrast
    """
    area, length, dim = level
    drawn, size = motion.as_published(scene, (frames.shape[1], frames.shape[2]))
    for frame, t in zip(frames, scene.times, strict=True):
        wet = _wet(drawn, t, size[0] * size[1] // int(area), int(length), size)
        if size == frame.shape[:2]:
            _shine(frame, wet, dim)
        else:
            _shine_through(frame, wet, size, dim)


def _wet(scene: Scene, t: int, count: int, length: int, size: motion.Size) -> Numbers:
    """Return the pixels, counted along the rows, that streaks of one pixel's width cover: int64 (n,)."""
    heads = streaks(scene, t, count, length, *size)
    wet = np.zeros(size, np.uint8)
    lines = np.stack([heads, heads + np.array([-1, length])], axis=1)
    cv2.polylines(wet, list(lines.astype(np.int32)), False, 1)
    return np.flatnonzero(wet.view(np.bool_))


def streaks(scene: Scene, t: int, count: int, length: int, height: int, width: int) -> Numbers:
    """Return x and y of the upper ends of the streaks at frame `t`: int64 (count, 2); all end above the lower border.

    As published, a slant uniform in -10 .. 9 narrows the columns where they start, and each leans 1 pixel to the left.
    """
    drop = np.arange(count)
    rows = max(height - length, 1)
    slant = int(motion.uniform(scene, "slant", t) * 20) - 10
    columns = width - abs(slant)
    drawn = np.full(count, t if scene.mode == "independent" else 0)
    heights = t / scene.fps if scene.mode == "drift" else 0.0  # fallen by a layer of speed 1
    layers = np.round(heights * height * np.resize(SPEEDS, count)).astype(np.int64)  # each moves as one
    lives, down = np.divmod((_uniforms(scene, "down", drawn, drop) * rows).astype(np.int64) + layers, rows)
    across = (_uniforms(scene, "across", drawn + lives, drop) * columns).astype(np.int64) - layers // length
    return np.stack([across % columns + min(slant, 0), down], axis=1)


def _uniforms(scene: Scene, stream: str, life: Numbers, drop: Numbers) -> NDArray[np.float64]:
    """Return what draws.uniform draws for each drop in its life: float64 (drops,)."""
    seed = np.uint64(counter_rng.seed(scene.key, scene.corruption, stream))
    word = _mix(_mix(seed + _step(life)) + _step(drop))
    return ((word >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _step(number: Numbers) -> Words:
    return (number.astype(np.uint64) + np.uint64(1)) * np.uint64(counter_rng.GOLDEN)


def _mix(word: Words) -> Words:
    word = (word ^ (word >> np.uint64(30))) * np.uint64(counter_rng.MIX_1)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(counter_rng.MIX_2)
    return word ^ (word >> np.uint64(31))


def _shine(frame: Pixels, wet: Numbers, dim: float) -> None:
    """Lighten and blur the wet pixels, then draw every channel towards its mean; results are truncated."""
    level, dry, mixed = _lit(frame, wet)
    mean = level + (mixed - dry).sum(axis=0) / frame[..., 0].size
    table = _dimmed(np.arange(256)[:, None] / 255, mean, dim)
    cv2.LUT(frame, table[None], dst=frame)
    _dim(frame.reshape(-1, 3), wet, mixed, mean, dim)


def _shine_through(frame: Pixels, wet: Numbers, size: motion.Size, dim: float) -> None:
    """Do as `_shine` with what the streaks add to the frame at another size, where they are one pixel wide."""
    _, dry, mixed = _lit(motion.fitted(frame, size), wet)
    added = np.zeros((size[0] * size[1], 3), np.float32)
    added[wet] = mixed - dry
    shown = frame / 255 + motion.fitted_as_strong(added.reshape(*size, 3), frame.shape[:2])
    frame[...] = _dimmed(shown, shown.mean(axis=(0, 1)), dim)


def _lit(frame: Pixels, wet: Numbers) -> tuple[Values, Values, Values]:
    """Return the mean of each channel (3,), and the wet pixels before and after they are lit and blurred (n, 3)."""
    level = np.array(cv2.mean(frame)[:3]) / 255
    dry, mixed = np.empty((len(wet), 3)), np.empty((len(wet), 3))
    _light(frame, wet, 1 - level.mean(), frame.copy(), dry, mixed)
    return level, dry, mixed


@kernel("void(uint8[:,:,::1], int64[::1], float64, uint8[:,:,::1], float64[:,::1], float64[:,::1])")
def _light(frame: Pixels, wet: Numbers, dark: float, bright: Pixels, dry: Values, mixed: Values) -> None:
    """Fill `dry` and `mixed` with the wet pixels as they are, and lit and averaged over 3 x 3; `bright` is a copy."""
    height, width = frame.shape[0], frame.shape[1]
    for i in range(wet.size):
        y, x = wet[i] // width, wet[i] % width
        for c in range(3):
            dry[i, c] = frame[y, x, c] / 255
            bright[y, x, c] = np.uint8(bright[y, x, c] + np.uint8(GREY * (1 - dry[i, c]) * dark))
    for i in range(wet.size):
        y, x = wet[i] // width, wet[i] % width
        for c in range(3):
            total = np.int64(0)
            for j in range(y - 1, y + 2):
                row = 1 if j < 0 else height - 2 if j == height else j  # mirrored, the border itself once
                for k in range(x - 1, x + 2):
                    column = 1 if k < 0 else width - 2 if k == width else k
                    total += np.int64(bright[row, column, c])
            mixed[i, c] = ((2 * total + 9) // 18) / 255 * (GREY / 255) + dry[i, c] * (1 - GREY / 255)


@kernel("void(uint8[:,::1], int64[::1], float64[:,::1], float64[::1], float64)")
def _dim(pixels: Pixels, wet: Numbers, mixed: Values, mean: Values, dim: float) -> None:
    """Do as `_dimmed` for the wet pixels, in place."""
    for i in range(wet.size):
        for c in range(3):
            value = (mixed[i, c] - mean[c]) * dim + mean[c]
            pixels[wet[i], c] = np.uint8(min(max(value, 0.0), 1.0) * 255)


def _dimmed(x: Values, mean: Values, dim: float) -> Pixels:
    """Return the grey levels of x in [0, 1], (..., 1 or 3), at a lower contrast: uint8 (..., 3)."""
    return (np.clip((x - mean) * dim + mean, 0, 1) * 255).astype(np.uint8)
