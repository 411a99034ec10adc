"""How the parameters of the C-bar patterns are drawn and move, each with its published distribution at every frame."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from corruptions import fields, motion
from corruptions.motion import Scene

Pattern = TypeVar("Pattern")
_CHANNEL = np.uint64((1 << fields.BITS) - 1)


def held(scene: Scene) -> Scene:
    """Return the scene of draws that drift leaves alone: sizes, counts and whatever would have to jump."""
    return replace(scene, mode="static") if scene.mode == "drift" else scene


def span(scene: Scene, stream: str, t: int, low: float, high: float) -> float:
    """Return one parameter, uniform in [low, high]; in drift it wanders."""
    return low + (high - low) * motion.uniform(scene, stream, t)


def turn(scene: Scene, stream: str, t: int) -> float:
    """Return one angle, uniform on the circle, in radians; in drift it turns by one radian each `tau` seconds."""
    turned = t / (scene.tau * scene.fps) if scene.mode == "drift" else 0.0
    return (math.tau * motion.uniform(held(scene), stream, t) + turned) % math.tau


def uniforms(scene: Scene, stream: str, t: int, count: int) -> NDArray[np.float64]:
    """Return uniform numbers in (0, 1): float64 (count, 3); in drift each wanders."""
    words = fields.words(scene, stream, t, count)
    shifts = np.arange(0, 3 * fields.BITS, fields.BITS, dtype=np.uint64)
    return (((words[:, None] >> shifts) & _CHANNEL) + 0.5) / (1 << fields.BITS)


def normals(scene: Scene, stream: str, t: int, count: int) -> NDArray[np.float32]:
    """Return standard normal numbers: float32 (count,); in drift each wanders."""
    share = uniforms(scene, stream, t, count)[:, 0]
    return fields.normal_quantiles()[(share * (1 << fields.QUANTILE_BITS)).astype(np.int64)]


def along(
    frames: NDArray[np.uint8], scene: Scene, make: Callable[[int], Pattern]
) -> Iterator[tuple[NDArray[np.uint8], Pattern]]:
    """Yield each frame with the pattern that `make` gives for its number, made once where nothing moves."""
    pattern: Pattern | None = None
    for frame, t in zip(frames, scene.times, strict=True):
        if pattern is None or scene.mode != "static":
            pattern = make(t)
        yield frame, pattern
