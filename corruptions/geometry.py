"""Bent geometry (ImageNet-C, ICLR 2019)."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import draws, fields, motion
from corruptions.blur import truncate
from corruptions.motion import Scene
from corruptions.severities import Level

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]

_FINE = 8  # a Gaussian of more pixels than twice this is made on a coarser grid


def elastic_transform(frames: Pixels, level: Level, scene: Scene) -> None:
    """Move three corners by up to c2, then each pixel by c0 times a softened field of noise; borders are mirrored.

    The level is (k, c0 / k, c1 / k, c2 / k), where c1 is the sigma of the Gaussian. In drift the field boils like hot
    air, and the corners stay. At half the size displacements are half as long: c0 / c1 is what they are made of.
    """
    side, strength, smoothness, jitter = level
    scale = side * scene.scale
    height, width = frames.shape[1:3]
    place = np.indices((height, width), np.float32)[::-1]  # x, y
    bend = _boil(scene, (height, width), strength * scale * scene.scale, smoothness * scale)
    held = motion.still(scene)
    poses = motion.layers(held, lambda t: _pose(held, t, width, height, jitter * scale))
    paths = motion.layers(scene, lambda t: place + bend(t))
    for frame, pose, (x, y) in zip(frames, poses, paths, strict=True):
        turned = cv2.warpAffine(frame.astype(np.float32), pose, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        truncate(cv2.remap(turned, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), frame)


def _pose(scene: Scene, t: int, width: int, height: int, reach: float) -> NDArray[np.float64]:
    """Return the affine map (2, 3) that moves three corners of a square by up to `reach` pixels each way."""
    x, y, half = width // 2, height // 2, min(width, height) // 3
    corners = np.array([[x + half, y + half], [x + half, y - half], [x - half, y - half]], np.float32)
    luck = [motion.uniform(scene, f"corner {number}", t) for number in range(6)]
    moved = corners + (2 * np.array(luck, np.float32).reshape(3, 2) - 1) * reach
    return np.asarray(cv2.getAffineTransform(corners, moved.astype(np.float32)), np.float64)


def _boil(scene: Scene, shape: tuple[int, int], strength: float, sigma: float) -> Callable[[int], Field]:
    """Return the displacements (2, H, W) by frame; between two draws they are blended, which keeps their variance."""
    seed = draws.seed(scene.key, scene.corruption, "field")

    @lru_cache(maxsize=2)
    def drawn(knot: int) -> Field:
        return np.stack([strength * soften(noise, sigma) for noise in fields.pair(seed, knot, shape)])

    return lambda t: np.asarray(sum(weight * drawn(knot) for knot, weight in motion.knots(scene, t)), np.float32)


def soften(noise: Field, sigma: float) -> Field:
    """Return a (H, W) field blurred by a Gaussian cut at 3 sigma, borders mirrored."""
    if sigma > 2 * _FINE:
        size = tuple(max(2, round(length * _FINE / sigma)) for length in noise.shape[::-1])
        few = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_AREA), np.float32)
        coarse = soften(few, sigma * size[0] / noise.shape[1])
        return np.asarray(cv2.resize(coarse, noise.shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    side = 2 * int(3 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(noise, (side, side), sigma, borderType=cv2.BORDER_REFLECT), np.float32)
