"""Light and exposure that change while a camera records. Every function edits a contiguous uint8 (T, H, W, 3) clip.

Gains are of the light; a frame holds values of gamma 2.2, so that a gain g multiplies them by g^(1 / 2.2).
"""

import math

import numpy as np
from numpy.typing import NDArray

from corruptions import motion
from corruptions.blur import truncate
from corruptions.motion import NORMAL, Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Gain = NDArray[np.float64]

_GAMMA = 2.2
READOUT = 1 / 50  # seconds from the first row of a frame to the last
_LAMPS = (100, 120)  # flashes a second under mains of 50 and of 60 Hz


def exposure_flicker(frames: Pixels, level: Level, scene: Scene) -> None:
    """Lighten and darken rows by lamps on mains of 50 or 60 Hz, read row by row.

    Which mains is drawn once a video; independent, for each frame.

    In drift the clock of the video runs: of a lamp of 100 flashes a second bands stand still at 25 frames a second and
    roll at 30. Static bands stand still at any rate, independent ones jump.

    Meaning: Lamps on the mains flicker: dark bands stand in the picture or roll through it.
    Formula: light' = light (1 + c sin(2 pi f (t / fps + y / 50 H) + U(0, 2 pi))), f = 100 or 120 Hz
    Level: c, depth of the flicker
    """
    for frame, t in zip(frames, scene.times, strict=True):
        _gained(frame, flicker(level, scene, t, len(frame))[:, None, None])


def flicker(level: Level, scene: Scene, t: int, height: int) -> Gain:
    """Return by what each row of frame `t` is multiplied: float64 (height,)."""
    held, rows = motion.still(scene), np.arange(height) * (READOUT / height)
    rate = _LAMPS[motion.uniform(held, "mains", t) > 0.5]
    start = t / scene.fps if scene.mode == "drift" else 0.0
    turns = rate * (start + rows) + motion.uniform(held, "phase", t)
    gain: Gain = (1 + level[0] * np.sin(2 * math.pi * turns)) ** (1 / _GAMMA)
    return gain


def auto_exposure(frames: Pixels, level: Level, scene: Scene) -> None:
    """Multiply the light of each frame by 2^(c n), n normal and hunting for the right exposure.

    Meaning: The automatic exposure pumps: the picture grows too bright and too dark.
    Formula: light' = light 2^(c N(0, 1))
    Level: c, stops
    """
    for frame, t in zip(frames, scene.times, strict=True):
        _gained(frame, exposed(level, scene, t))


def exposed(level: Level, scene: Scene, t: int) -> Gain:
    """Return by what frame `t` is multiplied: float64 ()."""
    return np.array(_stops(level[0] * _normal(scene, "stops", t)))


def white_balance(frames: Pixels, level: Level, scene: Scene) -> None:
    """Move the light from red to blue by c n stops each way, and green by a third of that on its own.

    Meaning: The automatic white balance drifts: too warm, too cold, with a tint.
    Formula: light' = light (2^(c N(0, 1)), 2^(c N(0, 1) / 3), 2^(-c N(0, 1))), red and blue of one draw
    Level: c, stops
    """
    for frame, t in zip(frames, scene.times, strict=True):
        _gained(frame, balanced(level, scene, t))


def balanced(level: Level, scene: Scene, t: int) -> Gain:
    """Return by what each colour of frame `t` is multiplied: float64 (3,)."""
    (c,), warm, tint = level, _normal(scene, "warm", t), _normal(scene, "tint", t)
    return np.array([_stops(c * warm), _stops(c * tint / 3), _stops(-c * warm)])


def flash(frames: Pixels, level: Level, scene: Scene) -> None:
    """Add to each pixel its share of a flash at the camera, which falls off from the middle of the frame.

    Meaning: A flash at the camera.
    Formula: x' = x (1 + r / c), r = (1 + (d / 0.6)^2)^-2, d the distance from the middle in half diagonals
    Level: c, the less the brighter
    """
    gain = flashed(level, (frames.shape[1], frames.shape[2]))
    for frame in frames:
        _gained(frame, gain[..., None])


def flashed(level: Level, size: tuple[int, int]) -> Gain:
    """Return by what each pixel of a frame of `size` is multiplied: float64 (H, W)."""
    height, width = size
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    squared = (x * x + y * y) / max(((height - 1) ** 2 + (width - 1) ** 2) / 4, 1)
    gain: Gain = 1 + (1 + squared / 0.36) ** -2 / level[0]
    return gain


def _normal(scene: Scene, stream: str, t: int) -> float:
    return NORMAL.inv_cdf(motion.uniform(scene, stream, t))


def _stops(stops: float) -> float:
    return float(2.0 ** (stops / _GAMMA))


def _gained(frame: Pixels, gain: Gain) -> None:
    truncate(frame * np.asarray(gain, np.float32), frame)
