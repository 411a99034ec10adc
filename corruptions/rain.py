"""Rain before the lens (Mini Kinetics-C, NeurIPS 2021)."""

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng, motion
from corruptions.filling import from_sources
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.photometric import draw_to_mean
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Values = NDArray[np.float64]

_GOLDEN, _MIX_1, _MIX_2 = np.uint64(counter_rng.GOLDEN), np.uint64(counter_rng.MIX_1), np.uint64(counter_rng.MIX_2)
_ONE, _12, _27, _30, _31 = np.uint64(1), np.uint64(12), np.uint64(27), np.uint64(30), np.uint64(31)
GREY = 220
_SHARES = np.arange(256) / 255  # of white, by grey level
_BLURRED = (2 * np.arange(9 * 255 + 1) + 9) // 18 / 255 * (GREY / 255)  # what the mean of nine adds, by their sum
# frame heights a second that the layers fall, near to far: drops of 2 mm, whose terminal speed is 6.5 m/s (The Terminal
# Velocity of Fall for Water Droplets in Stagnant Air, J. Meteorology 1949), where a frame is 2, 2.7 and 4 m high
SPEEDS = (3.25, 2.4375, 1.625)


@from_sources
def rain(frames: Pixels, level: Level, scene: Scene, sources: Iterable[Pixels]) -> None:
    """Draw one streak for every `area` pixels, `length` pixels long, then lower the contrast by `dim`.

    frames contiguous uint8 (T, H, W, 3). In drift the drops fall along their streaks, in three layers of different
    speed; a drop that reaches the bottom is followed by another, elsewhere, at the top.

    Meaning: Streaks of rain in front of the camera, in dull light.
    Formula: x' = (y - mean(y)) d + mean(y), y = blur(x with H W / a streaks of length l and grey 220)
    Level: a, pixels a streak; l, length in pixels; d, factor on the contrast
    """
    area, length, dim = level
    drawn, size = motion.as_published(scene, (frames.shape[1], frames.shape[2]))
    for frame, source, t in zip(frames, sources, scene.times, strict=True):
        wet = _wet(drawn, t, size[0] * size[1] // int(area), int(length), size)
        if size == frame.shape[:2]:
            _shine(source, wet, dim, frame)
        else:
            frame[...] = _shone_through(source, wet, size, dim)


def _wet(scene: Scene, t: int, count: int, length: int, size: motion.Size) -> Numbers:
    """Return the pixels, counted along the rows, that streaks of one pixel's width cover: int64 (n,)."""
    heads = streaks(scene, t, count, length, *size)
    wet, cut = np.zeros(size, np.uint8), np.zeros(count, np.bool_)
    _stamp(heads, _line(length), wet, cut)
    if cut.any():
        lines = np.stack([heads[cut], heads[cut] + np.array([-1, length])], axis=1)
        cv2.polylines(wet, list(lines.astype(np.int32)), False, 1)
    return np.flatnonzero(wet.view(np.bool_))


@lru_cache(maxsize=8)
def _line(length: int) -> Numbers:
    """Return what a streak covers from its head on, rows down and columns right: int64 (n, 2)."""
    canvas = np.zeros((length + 1, 2), np.uint8)
    cv2.polylines(canvas, [np.array([[1, 0], [0, length]], np.int32)], False, 1)
    return np.ascontiguousarray(np.argwhere(canvas) - np.array([0, 1]))


@kernel("void(int64[:,::1], int64[:,::1], uint8[:,::1], boolean[::1])")
def _stamp(heads: Numbers, line: Numbers, wet: Pixels, cut: NDArray[np.bool_]) -> None:
    """Mark what the streaks that lie in the frame cover, and the others in `cut`."""
    height, width = wet.shape
    for i in range(len(heads)):
        x, y = heads[i, 0], heads[i, 1]
        if x < 1 or x >= width or y < 0 or y + line[-1, 0] >= height:
            cut[i] = True
            continue
        for j in range(len(line)):
            wet[y + line[j, 0], x + line[j, 1]] = 1


def streaks(scene: Scene, t: int, count: int, length: int, height: int, width: int) -> Numbers:
    """Return x and y of the upper ends of the streaks at frame `t`: int64 (count, 2); all end above the lower border.

    As published, a slant uniform in -10 .. 9 narrows the columns where they start, and each leans 1 pixel to the left.
    """
    rows = max(height - length, 1)
    slant = int(motion.uniform(scene, "slant", t) * 20) - 10
    drawn = t if scene.mode == "independent" else 0
    heights = t / scene.fps if scene.mode == "drift" else 0.0  # fallen by a layer of speed 1
    layers = np.round(heights * height * np.array(SPEEDS)).astype(np.int64)  # each moves as one
    down, across = (np.uint64(counter_rng.seed(scene.key, scene.corruption, stream)) for stream in ("down", "across"))
    heads = np.empty((count, 2), np.int64)
    _place((down, across), drawn, layers, length, (rows, width - abs(slant)), heads)
    heads[:, 0] += min(slant, 0)
    return heads


@kernel("uint64(uint64)")
def _mix(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> _30)) * _MIX_1
    word = (word ^ (word >> _27)) * _MIX_2
    return word ^ (word >> _31)


@kernel("float64(uint64, int64, int64)")
def _uniform(seed: np.uint64, life: int, drop: int) -> float:
    """Do as counter_rng.uniform for a drop in its life."""
    state = _mix(seed + (np.uint64(life) + _ONE) * _GOLDEN)
    word = _mix(state + (np.uint64(drop) + _ONE) * _GOLDEN)
    return (np.float64(word >> _12) + 0.5) * 2.0**-52


@kernel("void(UniTuple(uint64, 2), int64, int64[::1], int64, UniTuple(int64, 2), int64[:,::1])")
def _place(
    seeds: tuple[np.uint64, np.uint64], drawn: int, layers: Numbers, length: int, size: tuple[int, int], heads: Numbers
) -> None:
    """Fill in where each drop is; one that has fallen through all rows starts anew with other draws."""
    (down, across), (rows, columns) = seeds, size
    for drop in range(len(heads)):
        fallen = layers[drop % layers.size]
        row = np.int64(_uniform(down, drawn, drop) * rows) + fallen
        column = np.int64(_uniform(across, drawn + row // rows, drop) * columns) - fallen // length
        heads[drop, 0], heads[drop, 1] = column % columns, row % rows


def _shine(source: Pixels, wet: Numbers, dim: float, frame: Pixels) -> None:
    """Lighten and blur the wet pixels, then draw every channel towards its mean; results are truncated."""
    level, _, mixed, added = _lit(source, wet)
    mean = level + added / frame[..., 0].size
    draw_to_mean(source, mean, dim, frame)
    _dim(frame.reshape(-1, 3), wet, mixed, mean, dim)


def _shone_through(frame: Pixels, wet: Numbers, size: motion.Size, dim: float) -> Pixels:
    """Return what `_shine` makes with what the streaks add to the frame at a size where they are one pixel wide."""
    _, dry, mixed, _ = _lit(motion.fitted(frame, size), wet)
    added = np.zeros((size[0] * size[1], 3), np.float32)
    added[wet] = mixed - dry
    shown = frame / 255 + motion.fitted_as_strong(added.reshape(*size, 3), frame.shape[:2])
    return _dimmed(shown, shown.mean(axis=(0, 1)), dim)


def _lit(frame: Pixels, wet: Numbers) -> tuple[Values, Values, Values, Values]:
    """Return the mean of each channel (3,), the wet pixels before and after they are lit and blurred (n, 3), and sums.

    The last are those of what each channel gains (3,).
    """
    level = np.array(cv2.mean(frame)[:3]) / 255
    dry, mixed, added = np.empty((len(wet), 3)), np.empty((len(wet), 3)), np.zeros(3)
    gains = (GREY * (1 - _SHARES) * (1 - level.mean())).astype(np.uint8)
    _light(frame, wet, gains, (_SHARES, _BLURRED), frame.copy(), (dry, mixed, added))
    return level, dry, mixed, added


@kernel(
    "void(Array(uint8, 3, 'C', readonly=True), int64[::1], uint8[::1], UniTuple(float64[::1], 2), uint8[:,:,::1], "
    "Tuple((float64[:,::1], float64[:,::1], float64[::1])))"
)
def _light(
    frame: Pixels,
    wet: Numbers,
    gains: Pixels,
    tables: tuple[Values, Values],
    bright: Pixels,
    made: tuple[Values, Values, Values],
) -> None:
    """Fill `made` with the wet pixels as they are, lit and averaged over 3 x 3, and the sums; `bright` is a copy."""
    height, width, (shares, blurred), (dry, mixed, added) = frame.shape[0], frame.shape[1], tables, made
    old, new = frame.reshape(-1, 3), bright.reshape(-1, 3)
    for i in range(wet.size):
        for c in range(3):
            dry[i, c] = shares[old[wet[i], c]]
            new[wet[i], c] += gains[old[wet[i], c]]
    y = 0
    for i in range(wet.size):
        while wet[i] >= (y + 1) * width:
            y += 1
        x = wet[i] - y * width
        above, below = 1 if y == 0 else y - 1, height - 2 if y == height - 1 else y + 1  # mirrored about its middle
        left, right = 1 if x == 0 else x - 1, width - 2 if x == width - 1 else x + 1
        for c in range(3):
            total = np.int64(bright[above, left, c]) + np.int64(bright[above, x, c]) + np.int64(bright[above, right, c])
            total += np.int64(bright[y, left, c]) + np.int64(bright[y, x, c]) + np.int64(bright[y, right, c])
            total += (
                np.int64(bright[below, left, c]) + np.int64(bright[below, x, c]) + np.int64(bright[below, right, c])
            )
            mixed[i, c] = blurred[total] + dry[i, c] * (1 - GREY / 255)
    for c in range(3):
        gained = 0.0
        for i in range(wet.size):
            gained += mixed[i, c] - dry[i, c]
        added[c] = gained


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
