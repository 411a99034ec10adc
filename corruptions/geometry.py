"""Bent geometry (ImageNet-C, ICLR 2019)."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import bilinear, counter_rng, fields, motion
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]

_FINE = 8  # a Gaussian of more pixels than twice this is made on a coarser grid


def elastic_transform(frames: Pixels, level: Level, scene: Scene) -> None:
    """Move three corners by up to c2, then each pixel by c0 times a softened field of noise; borders are mirrored.

    The level is (k, c0 / k, c1 / k, c2 / k), where c1 is the sigma of the Gaussian. In drift the field boils like hot
    air, and the corners stay. At half the size displacements are half as long: c0 / c1 is what they are made of.
    Labels (T, H, W) are those of the pixel nearest to the place where both moves together look.

    Meaning: The scene is turned, sheared and bent, as seen through hot air.
    Formula: x'(q) <- A x(q + a k (G(s k) * U(-1, 1)^2)), where A moves three corners by U(-c k, c k)
    Level: k, length in pixels; a, strength; s, smoothness; c, reach of the corners
    """
    height, width = frames.shape[1:3]
    pose, bend = moves(level, scene, (height, width))
    held = motion.still(scene)
    if frames.ndim == 3:
        bends = motion.layers(scene, bend)
        for labels, moved, bent in zip(frames, motion.layers(held, pose), bends, strict=True):
            rows, columns = np.rint(turned(moved, *bent)).astype(np.intp)
            labels[...] = labels[rows, columns]
        return
    grid = np.indices((height, width), np.float32)
    turns = motion.layers(held, lambda t: bilinear.plan(*turned(pose(t), *grid), (height, width)))
    paths = motion.layers(scene, lambda t: bilinear.plan(*bend(t), (height, width), 256))
    for frame, turn, path in zip(frames, turns, paths, strict=True):
        bilinear.look(bilinear.looked(bilinear.pack(frame), turn), path, frame)


def moves(
    level: Level, scene: Scene, size: tuple[int, int]
) -> tuple[Callable[[int], NDArray[np.float64]], Callable[[int], tuple[Field, Field]]]:
    """Return by frame the affine map (2, 3) that turns it, and the rows and columns (H, W) where the bent one looks."""
    side, strength, smoothness, jitter = level
    scale, held = side * scene.scale, motion.still(scene)
    bend = _boil(scene, size, strength * scale * scene.scale, smoothness * scale)
    return lambda t: _pose(held, t, size[1], size[0], jitter * scale), bend


def turned(pose: NDArray[np.float64], y: Field, x: Field) -> tuple[Field, Field]:
    """Return the rows and columns where places y, x look when the frame is moved by an affine map, borders mirrored."""
    (a, b, right), (c, d, down) = cv2.invertAffineTransform(pose)
    looks = np.stack([c * x + d * y + down, a * x + b * y + right])
    last = np.array(y.shape)[:, None, None] - 1.0
    rows, columns = np.abs(looks - 2 * last * np.rint(looks / (2 * last))).astype(np.float32)
    return rows, columns


def _pose(scene: Scene, t: int, width: int, height: int, reach: float) -> NDArray[np.float64]:
    """Return the affine map (2, 3) that moves three corners of a square by up to `reach` pixels each way."""
    x, y, half = width // 2, height // 2, min(width, height) // 3
    corners = np.array([[x + half, y + half], [x + half, y - half], [x - half, y - half]], np.float32)
    luck = [motion.uniform(scene, f"corner {number}", t) for number in range(6)]
    moved = corners + (2 * np.array(luck, np.float32).reshape(3, 2) - 1) * reach
    return np.asarray(cv2.getAffineTransform(corners, moved.astype(np.float32)), np.float64)


def _boil(scene: Scene, shape: tuple[int, int], strength: float, sigma: float) -> Callable[[int], tuple[Field, Field]]:
    """Return the rows and columns at which each pixel looks, by frame.

    Between two draws the displacements are blended, which keeps their variance.
    """
    seed = counter_rng.seed(scene.key, scene.corruption, "field")

    @lru_cache(maxsize=2)
    def drawn(knot: int) -> Field:
        return np.stack([strength * soften(noise, sigma) for noise in fields.pair(seed, knot, shape)])

    def bend(t: int) -> tuple[Field, Field]:
        (first, weight), (second, other) = (*motion.knots(scene, t), (0, 0.0))[:2]
        before = drawn(first)
        after = drawn(second) if other else before
        rows, columns = np.empty(shape, np.float32), np.empty(shape, np.float32)
        _blend(before[1], after[1], weight, other, True, rows)
        _blend(before[0], after[0], weight, other, False, columns)
        return rows, columns

    return bend


@kernel("void(float32[:,::1], float32[:,::1], float32, float32, boolean, float32[:,::1])")
def _blend(before: Field, after: Field, weight: float, other: float, down: bool, out: Field) -> None:
    """Fill `out` with each pixel's row or column plus the displacement, mirrored in the borders of the pixels."""
    length = np.float32(out.shape[0] if down else out.shape[1])
    last, half = length - np.float32(1), np.float32(0.5)
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            q = np.float32(y if down else x) + weight * before[y, x] + other * after[y, x] + half
            turns = q / length
            q = abs(q - np.float32(2) * length * np.floor((turns + np.float32(1)) * half))
            out[y, x] = min(max(q - half, np.float32(0)), last)


def soften(noise: Field, sigma: float) -> Field:
    """Return a (H, W) field blurred by a Gaussian cut at 3 sigma, borders mirrored."""
    height, width = noise.shape
    if sigma <= 2 * _FINE:
        return _gaussian(noise, sigma, sigma)
    size = tuple(max(2, round(length * _FINE / sigma)) for length in (width, height))
    few = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_AREA), np.float32)
    coarse = _gaussian(few, sigma * size[0] / width, sigma * size[1] / height)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _gaussian(noise: Field, across: float, down: float) -> Field:
    sides = tuple(2 * int(3 * sigma + 0.5) + 1 for sigma in (across, down))
    return np.asarray(cv2.GaussianBlur(noise, sides, across, sigmaY=down, borderType=cv2.BORDER_REFLECT), np.float32)
