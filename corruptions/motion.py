"""How draws hang together in time: `static` (one draw a video), `independent` (one a frame) or `drift` between them.

Drift holds an independent standard normal e_k at each knot, `tau` seconds apart, and between knots
    x(t) = cos(a) e_k + sin(a) e_k+1,    a = pi/2 (t / (tau fps) - k),
so x(t) is exactly standard normal at every t, moves at a constant rate and forgets itself within two knots: the mean
correlation over a lag d <= tau is (1 - d/2 tau) cos(pi d / 2 tau) + sin(pi d / 2 tau) / pi, about 1/e at tau, as for an
AR(1) process of that time constant. Unlike AR(1), frame t asks for two draws and no earlier frame. Any other marginal
is made from the uniform that x(t) stands for, so the mode never changes how one frame is distributed.
At frame 0 the three modes agree: an image is one frame, whatever the mode.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng
from corruptions.row import Mode

NORMAL: Final = NormalDist()
Knots = tuple[tuple[int, float], ...]
Layer = TypeVar("Layer")
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a corruption may know of its video beside the pixels and the severity.

    `times` are the absolute numbers of the frames at hand, `tau` is in seconds, `fps` in frames a second, `scale` in
    pixels here per pixel of the severity table.
    """

    key: str
    corruption: str
    times: tuple[int, ...]
    mode: Mode
    tau: float
    fps: float
    scale: float


def knots(scene: Scene, t: int) -> Knots:
    """Return the draws that make frame `t`, as (number of the draw, weight); the squares of the weights sum to 1."""
    if scene.mode == "static":
        return ((0, 1.0),)
    if scene.mode == "independent":
        return ((t, 1.0),)
    place = t / (scene.tau * scene.fps)
    knot = math.floor(place)
    if place == knot:
        return ((knot, 1.0),)
    angle = (place - knot) * math.pi / 2
    return ((knot, math.cos(angle)), (knot + 1, math.sin(angle)))


def uniform(scene: Scene, stream: str, t: int) -> float:
    """Return one parameter at frame `t`: uniform in [0, 1] at every `t`, moving as the scene's mode says."""
    seed = counter_rng.seed(scene.key, scene.corruption, stream)
    used = knots(scene, t)
    if len(used) == 1:
        return counter_rng.uniform(seed, used[0][0])
    return NORMAL.cdf(sum(weight * NORMAL.inv_cdf(counter_rng.uniform(seed, knot)) for knot, weight in used))


def layers(scene: Scene, make: Callable[[int], Layer]) -> Iterator[Layer]:
    """Yield make(t) for each frame of the scene; where it stands still, one layer is made and shared."""
    shared = make(0) if scene.mode == "static" else None
    for t in scene.times:
        yield make(t) if shared is None else shared


def still(scene: Scene) -> Scene:
    """Return the scene with drift held at frame 0: for the part of a corruption that stays while another moves."""
    return replace(scene, mode="static") if scene.mode == "drift" else scene


def as_published(scene: Scene, size: Size) -> tuple[Scene, Size]:
    """Return the scene and the size (height, width) at which a layer is drawn: those of the severity table.

    What is drawn in pixels (flakes, drops, lines) cannot be scaled by its parameters alone: there is no line half a
    pixel wide and no flake smaller than a pixel. So it is drawn as published and then fitted to the frame.
    """
    height, width = (max(1, round(side / scene.scale)) for side in size)
    return replace(scene, scale=1.0), (height, width)


def fitted(layer: NDArray[Any], size: Size) -> NDArray[Any]:
    """Return a layer (H, W[, C]) at another size: averaged over each pixel, or magnified smoothly."""
    if layer.shape[:2] == size:
        return layer
    way = cv2.INTER_AREA if size[0] < layer.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(layer, size[::-1], interpolation=way))


def fitted_as_strong(layer: NDArray[Any], size: Size) -> NDArray[Any]:
    """Return a fitted layer whose mean square is the layer's: averaging over larger pixels thins what is fine."""
    made = fitted(layer, size)
    if made is layer or not made.any():
        return made
    return np.asarray(made * np.sqrt(np.square(layer).mean() / np.square(made).mean()), layer.dtype)
