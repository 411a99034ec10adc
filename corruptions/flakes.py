"""Flakes that stand and flakes that fall past the frame (the snow of ImageNet-C, ICLR 2019).

Falling, one sharp layer is laid end to end, each time shifted sideways by another distance, and smeared as a whole. A
window of the frame's own height thus shows every row of the layer once, whatever has fallen: each frame has the
published flakes, what enters is not what has just left, and the mean brightness does not flicker.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng, fields, motion
from corruptions.blur import smear, steps, streak, weigh
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Shape = tuple[int, int]


def standing(scene: Scene, t: int, layer: Pixels, weights: Plane) -> Pixels:
    """Return the published layer of frame `t` from its sharp one: uint8 (H, W); its border is held as it is smeared."""
    smeared = layer.copy()
    smear(smeared, weights, _direction(scene, t))
    return smeared


def falling(scene: Scene, layer: Pixels, weights: Plane) -> Callable[[float], Pixels]:
    """Return what shows the sharp layer of frame 0, after it has fallen some pixels along its streaks: uint8 (H, W)."""
    height, width = layer.shape
    degrees = _direction(scene, 0)
    shifts = counter_rng.seed(scene.key, scene.corruption, "shift")
    down, right = streak(len(weights), degrees)
    top, bottom, left, span = -int(down.min()), int(down.max()), -int(right.min()), int(right.max())
    above, below = (-(-rows // height) for rows in (top, bottom))

    def aside(number: int) -> int:
        return int(counter_rng.uniform(shifts, abs(number), number < 0) * width) if number else 0

    @lru_cache(maxsize=4)
    def smeared(number: int) -> Pixels:
        around = np.empty((top + height + bottom, left + width + span), np.uint8)
        for n in range(-above, below + 1):
            first = top + n * height  # the row at which this copy of the layer begins
            rows = around[max(first, 0) : first + height]
            _wrap(layer[max(-first, 0) :][: len(rows)], (-left - aside(number + n)) % width, rows)
        sheet = np.empty((height, width), np.uint8)
        weigh(around, weights, down + top, right + left, sheet)
        return sheet

    def show(fallen: float) -> Pixels:
        number, low = divmod(round(-fallen * math.sin(math.radians(degrees))), height)
        right_by = round(-fallen * math.cos(math.radians(degrees)))
        sheet, shown = smeared(-number), np.empty((height, width), np.uint8)
        _shift(smeared(-number - 1) if low else sheet, sheet, low, right_by % width, shown)
        return shown

    return show


def _wrap(layer: Pixels, first: int, out: Pixels) -> None:
    """Fill the rows of `out` with those of `layer` from its column `first` on, round and round."""
    done, width = 0, out.shape[1]
    while done < width:
        piece = layer[:, first : first + width - done]
        out[:, done : done + piece.shape[1]] = piece
        done, first = done + piece.shape[1], 0


@kernel("void(uint8[:,::1], uint8[:,::1], int64, int64, uint8[:,::1])")
def _shift(above: Pixels, sheet: Pixels, low: int, aside: int, out: Pixels) -> None:
    """Fill `out` with the last `low` rows of `above` and then `sheet`, shifted round to the right by `aside`."""
    height, width = out.shape
    for y in range(height):
        row, shown = above[height - low + y] if y < low else sheet[y - low], out[y]
        wrapped, moved = row[width - aside :], shown[aside:]
        for x in range(aside):
            shown[x] = wrapped[x]
        for x in range(width - aside):
            moved[x] = row[x]


def _direction(scene: Scene, t: int) -> float:
    """Return where the streaks of frame `t` point, in degrees clockwise from the right: uniform in [-135, -45]."""
    return 90 * motion.uniform(motion.still(scene), "angle", t) - 135


def sharp(scene: Scene, t: int, shape: Shape, level: Level) -> Pixels:
    """Return the flakes of a frame before they are smeared: magnified normals, 0 below the threshold: uint8 (H, W)."""
    mean, deviation, zoom, threshold = level[:4]
    (down, top), (right, left) = (steps(length, zoom) for length in shape)
    rows, columns = (math.ceil(length * step) + 2 for length, step in zip(shape, (down, right), strict=True))
    points = mean + deviation * fields.normals(motion.still(scene), "flake", t, (rows, columns))
    place = np.array([[right, 0, left % 1], [0, down, top % 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grey = cv2.warpAffine(points, place, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.where(grey < threshold, 0, np.clip(grey, 0, 1) * 255), np.uint8)
