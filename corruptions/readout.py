"""Rows of one frame that were exposed one after the other, while the camera shook.

A function edits a contiguous uint8 (T, H, W, 3) clip in place, or labels (T, H, W), by the same map.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import motion
from corruptions.exposure import READOUT
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Values = NDArray[np.float64]
Places = NDArray[np.float32]

_SHAKES = 3  # sines a direction
_SLOWEST, _FASTEST = 4.0, 40.0  # Hz: hands, steps, propellers and engines


def rolling_shutter(frames: Pixels, level: Level, scene: Scene) -> None:
    """Displace each row by where the shaking camera looked when it was read; borders are mirrored.

    The camera shakes in three sines of 4 to 40 Hz a direction, down half as far as sideways. In drift the clock of the
    video runs; static keeps one moment for every frame, independent takes another each.

    Meaning: A shaking camera with a rolling shutter: upright things lean, bend and wobble like jelly.
    Formula: x'(q) = x(q + c s(t / fps + y / 50 H)), s a sum of sines of variance 1
    Level: c, root of the mean square displacement in pixels
    """
    height, width = frames.shape[1:3]
    for frame, t in zip(frames, scene.times, strict=True):
        rows, columns = looks(level, scene, t, (height, width))
        across, along = columns, np.repeat(rows[:, None], width, axis=1)
        way = cv2.INTER_LINEAR if frame.ndim == 3 else cv2.INTER_NEAREST
        frame[...] = cv2.remap(frame, across, along, way, borderMode=cv2.BORDER_REFLECT_101)


def looks(level: Level, scene: Scene, t: int, size: tuple[int, int]) -> tuple[Places, Places]:
    """Return the rows (H,) and the columns (H, W) at which the pixels of frame `t` look: float32."""
    c, (height, width) = level[0] * scene.scale, size
    held, rows = motion.still(scene), np.arange(height)
    start = t / scene.fps if scene.mode == "drift" else 0.0
    moments = np.asarray(start + rows * (READOUT / height), np.float64)
    right, down = c * _shake(held, "right", t, moments), 0.5 * c * _shake(held, "down", t, moments)
    return (rows + down).astype(np.float32), (np.arange(width)[None] + right[:, None]).astype(np.float32)


def _shake(scene: Scene, stream: str, t: int, moments: Values) -> Values:
    """Return where the camera looks at each moment, in seconds: a sum of sines of variance 1."""
    total = np.zeros(len(moments))
    for number in range(_SHAKES):
        luck = motion.uniform(scene, f"{stream} rate {number}", t)
        rate = _SLOWEST * (_FASTEST / _SLOWEST) ** luck
        total += np.sin(2 * math.pi * (rate * moments + motion.uniform(scene, f"{stream} phase {number}", t)))
    return total * math.sqrt(2 / _SHAKES)
