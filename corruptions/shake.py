"""The camera held in a hand: rolled or displaced frames (UCF101-P, CVPR 2023).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place, or labels (T, H, W), by the same map. In drift the
hand has inertia: it moves through the same angles and offsets, but slowly.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptions import motion
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]


def rotate(frames: Pixels, level: Level, scene: Scene) -> None:
    """Turn by a whole number of degrees, uniform in [-c, c]; nearest pixel, black corners, as published.

    Meaning: The camera rolls in the hand.
    Formula: x' = turn(x, U{-c, ..., c} degrees)
    Level: c, largest angle in degrees
    """
    for frame, t in zip(frames, scene.times, strict=True):
        turn(frame, angle(level, scene, t))


def angle(level: Level, scene: Scene, t: int) -> int:
    """Return the whole degrees by which frame `t` is turned."""
    most = int(level[0])
    return int(motion.uniform(scene, "angle", t) * (2 * most + 1)) - most


def static_rotate(frames: Pixels, level: Level, scene: Scene) -> None:
    """Turn every frame by c degrees; nearest pixel, black corners, as published.

    Meaning: The camera is held askew.
    Formula: x' = turn(x, c degrees)
    Level: c, angle in degrees
    """
    for frame in frames:
        turn(frame, level[0])


def turn(frame: Pixels, degrees: float) -> None:
    """Turn a frame (H, W, 3) or labels (H, W) in place, anticlockwise about the centre, 0 from outside."""
    frame[...] = np.asarray(Image.fromarray(frame).rotate(degrees))


def translate(frames: Pixels, level: Level, scene: Scene) -> None:
    """Show the scene from an offset of a whole number of pixels, each side's uniform in [0, c).

    Meaning: The camera shakes up, down and sideways.
    Formula: x'(q) = x(q + (U{0, ..., c - 1}, U{0, ..., c - 1}))
    Level: c, span of the offsets in pixels
    """
    for frame, t in zip(frames, scene.times, strict=True):
        down, right = offset(level, scene, t)
        frame[...] = cv2.copyMakeBorder(frame, 0, down, 0, right, cv2.BORDER_REFLECT_101)[down:, right:]


def offset(level: Level, scene: Scene, t: int) -> tuple[int, int]:
    """Return by how many pixels down and to the right frame `t` looks."""
    span = level[0] * scene.scale
    return int(motion.uniform(scene, "down", t) * span), int(motion.uniform(scene, "right", t) * span)
