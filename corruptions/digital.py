"""Compression and resampling (ImageNet-C, ICLR 2019). Every function edits a uint8 (T, H, W, 3) clip in place."""

import math
from collections.abc import Iterable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptions.filling import from_sources
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Weights = NDArray[np.uint32]

_WIDEST = 257  # pixels under a box whose sum 16 bits hold: 257 * 255 = 2^16 - 1
BITS = 22  # of a weight
_AS_RGB = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION  # no search for Exif
_HALF, _DOWN = np.uint32(1 << (BITS - 1)), np.uint32(BITS)


@from_sources
def jpeg_compression(frames: Pixels, level: Level, scene: Scene, sources: Iterable[Pixels]) -> None:
    """Code and decode each frame as a JPEG of quality c, chroma halved (4:2:0).

    Meaning: Stored as a JPEG.
    Formula: x' = decode(JPEG(x, q)), 4:2:0
    Level: quality q
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, int(level[0])]
    turned = np.empty(frames.shape[1:], np.uint8)
    for frame, source in zip(frames, sources, strict=True):
        coded = cv2.imencode(".jpg", cv2.cvtColor(source, cv2.COLOR_RGB2BGR, dst=turned), options)[1]
        frame[...] = cv2.imdecode(coded, _AS_RGB)


def color_quant(frames: Pixels, level: Level, scene: Scene) -> None:
    """Keep the b highest of 8 bits of each value (3DCC).

    Meaning: Too few colours.
    Formula: x' = floor(x 2^b) / 2^b, x in units of 256 / 255
    Level: b, bits kept of 8
    """
    frames &= np.uint8((0xFF << (8 - int(level[0]))) & 0xFF)


@from_sources
def pixelate(frames: Pixels, level: Level, scene: Scene, sources: Iterable[Pixels]) -> None:
    """Shrink each frame to the share c of its sides by box averages and enlarge it again by whole pixels.

    Scaled to another resolution, what a block of 1 / c pixels has beyond one pixel is scaled.

    Meaning: Enlarged from too few pixels.
    Formula: x' = enlarge(box average(x, c)), by whole pixels
    Level: c, share of the sides
    """
    height, width = frames.shape[1:3]
    few = blocks(level, scene, (height, width))
    if max(boxes(height, few[0])[1].max(), boxes(width, few[1])[1].max()) > _WIDEST:
        for frame, source in zip(frames, sources, strict=True):
            narrow = Image.fromarray(source).resize((few[1], height), Image.Resampling.BOX)
            small = narrow.resize(few[::-1], Image.Resampling.BOX)
            frame[...] = small.resize((width, height), Image.Resampling.NEAREST)
        return
    columns, shifts, shown = _columns(width, few[1])
    starts, counts, weights = boxes(height, few[0])
    for frame, source in zip(frames, sources, strict=True):
        lines = source.reshape(height, -1), frame.reshape(height, -1)
        _pixelate(lines, columns, (starts, counts, weights), (shifts, shown), nearest(few[0], height))


def blocks(level: Level, scene: Scene, size: tuple[int, int]) -> tuple[int, int]:
    """Return how many blocks stand below each other and side by side in a frame of `size`."""
    (c,) = level
    share = c / (c + (1 - c) * scene.scale)
    return max(int(size[0] * share), 1), max(int(size[1] * share), 1)


@lru_cache(maxsize=32)
def boxes(many: int, few: int) -> tuple[Numbers, Numbers, Weights]:
    """Return first and number of the pixels under each of a few boxes, int64 (few,), and the weight, uint32 (few,).

    As Pillow has it: whole weights of sum 2^22, on the pixels whose centres lie in the box.
    """
    scale = many / few
    middles = (np.arange(few) + 0.5) * scale
    taps = math.ceil(scale) + 1
    first = np.minimum(np.maximum((middles - scale / 2 + 0.5).astype(np.int64), 0), many - taps)
    offsets = (first[:, None] + np.arange(taps) - middles[:, None] + 0.5) / scale
    inside = (offsets > -0.5) & (offsets <= 0.5)
    counts = inside.sum(axis=1)
    return first + inside.argmax(axis=1), counts, ((1 / counts) * (1 << BITS) + 0.5).astype(np.uint32)


@lru_cache(maxsize=32)
def nearest(few: int, many: int) -> Numbers:
    """Return which of a few pixels each of many shows, as Pillow has it: int64 (many,)."""
    line = Image.fromarray(np.arange(few, dtype=np.int32)[None])
    return np.asarray(line.resize((many, 1), Image.Resampling.NEAREST)).astype(np.int64).ravel()


@lru_cache(maxsize=32)
def _columns(width: int, few: int) -> tuple[tuple[Pixels, Weights], Numbers, Pixels]:
    """Return the boxes along a row as masks over its 3 `width` values, for code without look-ups.

    A box stands where it starts: which values to the right of each, by whole pixels, are in its box, uint8 (taps, n),
    and its weight, uint32 (n,). Each pixel then shows a box that starts some pixels aside: the shifts, int64 (k,), and
    which of them is each value's, uint8 (k, n).
    """
    starts, counts, weights = boxes(width, few)
    inside, weight = np.zeros((counts.max(), width), np.uint8), np.zeros(width, np.uint32)
    inside[:, starts] = np.where(np.arange(counts.max())[:, None] < counts, 255, 0)
    weight[starts] = weights
    aside = starts[nearest(few, width)] - np.arange(width)
    shifts = np.unique(aside)
    shown = np.where(aside == shifts[:, None], 255, 0).astype(np.uint8)
    return (inside.repeat(3, axis=1), weight.repeat(3)), 3 * shifts, shown.repeat(3, axis=1)


@kernel(
    "void(Tuple((Array(uint8, 2, 'C', readonly=True), uint8[:,::1])), Tuple((uint8[:,::1], uint32[::1])), "
    "Tuple((int64[::1], int64[::1], uint32[::1])), Tuple((int64[::1], uint8[:,::1])), int64[::1])"
)
def _pixelate(
    lines: tuple[Pixels, Pixels],
    columns: tuple[Pixels, Weights],
    boxes: tuple[Numbers, Numbers, Weights],
    views: tuple[Numbers, Pixels],
    rows: Numbers,
) -> None:
    """Average along rows, then along columns, each rounded to whole grey levels, and show each box at its pixels."""
    (source, made), (shifts, shown) = lines, views
    (height, width), (inside, weight), (starts, counts, row_weights) = made.shape, columns, boxes
    edge = max(np.abs(shifts).max(), 3 * len(inside))
    total, narrow = np.empty(width, np.uint16), np.empty((height, width), np.uint8)
    line, blocks = np.zeros(width + 2 * edge, np.uint8), np.empty((starts.size, width), np.uint8)
    middle = line[edge : edge + width]
    for y in range(height):  # rows by name: with two subscripts these loops are no vector code
        row, out = source[y], narrow[y]
        for i in range(width):
            middle[i], total[i] = row[i], np.uint16(0)
        for tap in range(len(inside)):
            mask, beside = inside[tap], line[edge + 3 * tap :]
            for i in range(width):
                total[i] += mask[i] & beside[i]
        for i in range(width):
            out[i] = np.uint8(np.uint32(np.uint32(total[i] * weight[i]) + _HALF) >> _DOWN)
    for y in range(starts.size):
        total[:], row_weight = np.uint16(0), row_weights[y]
        for number in range(starts[y], starts[y] + counts[y]):
            row = narrow[number]
            for i in range(width):
                total[i] += row[i]
        for i in range(width):
            middle[i] = np.uint8(np.uint32(np.uint32(total[i] * row_weight) + _HALF) >> _DOWN)
        out = blocks[y]
        out[:] = np.uint8(0)
        for number in range(shifts.size):
            mask, aside = shown[number], line[edge + shifts[number] :]
            for i in range(width):
                out[i] |= mask[i] & aside[i]
    for y in range(height):
        row, out = blocks[rows[y]], made[y]
        for i in range(width):
            out[i] = row[i]
