"""Compression and resampling (ImageNet-C, ICLR 2019). Every function edits a uint8 (T, H, W, 3) clip in place."""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Weights = NDArray[np.uint32]

_BITS = 22  # of a weight
_HALF, _DOWN = np.uint32(1 << (_BITS - 1)), np.uint32(_BITS)
_1, _2 = np.uintp(1), np.uintp(2)


def jpeg_compression(frames: Pixels, level: Level, scene: Scene) -> None:
    """Code and decode each frame as a JPEG of quality c, chroma halved (4:2:0).

    Meaning: Stored as a JPEG.
    Formula: x' = decode(JPEG(x, q)), 4:2:0
    Level: quality q
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, int(level[0])]
    for frame in frames:
        coded = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)[1]
        frame[...] = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)


def color_quant(frames: Pixels, level: Level, scene: Scene) -> None:
    """Keep the b highest of 8 bits of each value (3DCC).

    Meaning: Too few colours.
    Formula: x' = floor(x 2^b) / 2^b, x in units of 256 / 255
    Level: b, bits kept of 8
    """
    frames &= np.uint8((0xFF << (8 - int(level[0]))) & 0xFF)


def pixelate(frames: Pixels, level: Level, scene: Scene) -> None:
    """Shrink each frame to the share c of its sides by box averages and enlarge it again by whole pixels.

    Scaled to another resolution, what a block of 1 / c pixels has beyond one pixel is scaled.

    Meaning: Enlarged from too few pixels.
    Formula: x' = enlarge(box average(x, c)), by whole pixels
    Level: c, share of the sides
    """
    (c,) = level
    share = c / (c + (1 - c) * scene.scale)
    height, width = frames.shape[1:3]
    few = int(height * share), int(width * share)
    rows, columns = _boxes(height, few[0]), _boxes(width, few[1])
    for frame in frames:
        small = np.empty((*few, 3), np.uint8)
        _shrink(frame, *columns, *rows, small)
        _enlarge(small, _nearest(few[0], height), _nearest(few[1], width), frame)


@lru_cache(maxsize=32)
def _boxes(many: int, few: int) -> tuple[Numbers, Weights]:
    """Return the first of the pixels under each of a few boxes, int64 (few,), and their weights, uint32 (few, taps).

    As Pillow has it: whole weights of sum 2^22, on the pixels whose centres lie in the box.
    """
    scale = many / few
    middles = (np.arange(few) + 0.5) * scale
    taps = math.ceil(scale) + 1
    first = np.minimum(np.maximum((middles - scale / 2 + 0.5).astype(np.int64), 0), many - taps)
    offsets = (first[:, None] + np.arange(taps) - middles[:, None] + 0.5) / scale
    inside = (offsets > -0.5) & (offsets <= 0.5)
    weights = np.where(inside, (1 / inside.sum(axis=1, keepdims=True)) * (1 << _BITS) + 0.5, 0)
    return first, weights.astype(np.uint32)


@lru_cache(maxsize=32)
def _nearest(few: int, many: int) -> Numbers:
    """Return which of a few pixels each of many shows, as Pillow has it: int64 (many,)."""
    line = Image.fromarray(np.arange(few, dtype=np.int32)[None])
    return np.asarray(line.resize((many, 1), Image.Resampling.NEAREST)).astype(np.int64).ravel()


@kernel("void(uint8[:,:,::1], int64[::1], uint32[:,::1], int64[::1], uint32[:,::1], uint8[:,:,::1])")
def _shrink(
    frame: Pixels, lefts: Numbers, column_weights: Weights, tops: Numbers, row_weights: Weights, small: Pixels
) -> None:
    """Average along rows, then along columns, each rounded to whole grey levels."""
    height, width = frame.shape[0], 3 * small.shape[1]
    lines, narrow = frame.reshape(height, -1), np.empty((height, width), np.uint8)
    for y in range(height):
        for x in range(lefts.size):
            p, q = np.uintp(3 * lefts[x]), np.uintp(3 * x)
            red, green, blue = _HALF, _HALF, _HALF
            for weight in column_weights[x]:
                red += weight * np.uint32(lines[y, p])
                green += weight * np.uint32(lines[y, p + _1])
                blue += weight * np.uint32(lines[y, p + _2])
                p += _1 + _2
            narrow[y, q], narrow[y, q + _1] = np.uint8(red >> _DOWN), np.uint8(green >> _DOWN)
            narrow[y, q + _2] = np.uint8(blue >> _DOWN)
    total, out = np.empty(width, np.uint32), small.reshape(small.shape[0], width)
    for y in range(tops.size):
        total[:] = _HALF
        for tap in range(row_weights.shape[1]):
            for i in range(width):
                total[i] += row_weights[y, tap] * np.uint32(narrow[tops[y] + tap, i])
        for i in range(width):
            out[y, i] = np.uint8(total[i] >> _DOWN)


@kernel("void(uint8[:,:,::1], int64[::1], int64[::1], uint8[:,:,::1])")
def _enlarge(small: Pixels, rows: Numbers, columns: Numbers, frame: Pixels) -> None:
    lines, few = frame.reshape(rows.size, -1), small.reshape(small.shape[0], -1)
    for y in range(rows.size):
        if y and rows[y] == rows[y - 1]:
            for i in range(lines.shape[1]):
                lines[y, i] = lines[y - 1, i]
        else:
            for x in range(columns.size):
                p, q = np.uintp(3 * columns[x]), np.uintp(3 * x)
                lines[y, q], lines[y, q + _1], lines[y, q + _2] = (
                    few[rows[y], p],
                    few[rows[y], p + _1],
                    few[rows[y], p + _2],
                )
