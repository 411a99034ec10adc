"""Weather between the scene and the lens, and what it leaves on the glass (ImageNet-C, ICLR 2019).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place. Results are truncated, not rounded, as published.
In drift snow falls along its own streaks and fog banks travel and change; frost and drops sit on the lens.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import draws, fields, ice, motion
from corruptions.blur import smear, steps, streak_weights
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.plasma import plasma
from corruptions.severities import Level

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]

_ROUNDING = 1e-3  # lifts float32 sums that fell just short of a whole grey level, so that truncation keeps it
_EXPOSURE = 1 / 15  # seconds: a flake falls its own streak, down to half its brightness, in that time
_FAR = 0.5  # speed of the second, farther layer of snow
_SLOWEST, _FASTEST = 0.01, 0.05  # of a fog bank, in frame widths a second
_WATER, _MUD = (175.0, 238.0, 238.0), (63.0, 42.0, 20.0)  # pale turquoise, brown
_EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)


def snow(frames: Pixels, level: Level, scene: Scene) -> None:
    """Whiten the frame and add two layers of flakes; the second is the first one turned by 180 degrees.

    A layer is a field of normals, magnified, cut below a threshold and smeared along the fall. In drift both layers
    fall along their streaks, whose length is the way of one exposure, the second at half the speed.
    The level is the field's mean and deviation, zoom, threshold, the streak's radius and sigma, and b of `_snow_over`.
    """
    weights = streak_weights(level[4] * scene.scale, level[5] * scene.scale)
    length = float(np.count_nonzero(weights > weights[0] / 2))
    held = motion.still(scene)

    def layers(t: int) -> Field:
        degrees = 90 * motion.uniform(held, "angle", t) - 135
        seed = draws.state(draws.seed(scene.key, scene.corruption, "flakes"), t if scene.mode == "independent" else 0)
        fallen = length * t / (_EXPOSURE * scene.fps) if scene.mode == "drift" else 0
        near = _flakes(frames.shape[1:3], level, scene.scale, seed, fallen, degrees)
        smear(near, weights, degrees)
        far = near
        if fallen:
            far = _flakes(frames.shape[1:3], level, scene.scale, seed, -_FAR * fallen, degrees)
            smear(far, weights, degrees)
        return np.add(near, far[::-1, ::-1], dtype=np.float32)

    for frame, fallen in zip(frames, motion.layers(scene, layers), strict=True):
        _snow_over(frame.reshape(-1, 3), fallen.reshape(-1), level[6])


def _flakes(shape: tuple[int, ...], level: Level, scale: float, seed: int, fallen: float, degrees: float) -> Pixels:
    """Return the flakes before their smear: uint8 (H, W), a window on the seed's plane `fallen` pixels up the fall.

    The window moves by whole points of the plane, so that every frame is magnified alike.
    """
    mean, deviation, zoom, threshold = level[:4]
    (down, top), (right, left) = (steps(length, max(1.0, zoom * scale)) for length in shape)
    rows, columns = (math.ceil(length * step) + 2 for length, step in zip(shape, (down, right), strict=True))
    up = round(fallen * math.sin(math.radians(degrees)) * down)
    back = round(fallen * math.cos(math.radians(degrees)) * right)
    points = fields.plane(seed, math.floor(top) + up, math.floor(left) + back, (rows, columns))
    place = np.array([[right, 0, left % 1], [0, down, top % 1]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    grey = cv2.warpAffine(mean + deviation * points, place, shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.where(grey < threshold, 0, np.clip(grey, 0, 1) * 255), np.uint8)


@kernel("void(uint8[:,::1], float32[::1], float32)")
def _snow_over(pixels: Pixels, flakes: Field, kept: float) -> None:
    """x' = b x + (1 - b) max(x, 1.5 grey + 0.5) + flakes."""
    for p in range(flakes.size):
        r, g, b = np.float32(pixels[p, 0]), np.float32(pixels[p, 1]), np.float32(pixels[p, 2])
        white = (np.float32(0.299) * r + np.float32(0.587) * g + np.float32(0.114) * b) * np.float32(1.5)
        white += np.float32(127.5)
        for c in range(3):
            x = np.float32(pixels[p, c])
            x = kept * x + (np.float32(1) - kept) * max(x, white) + flakes[p] + np.float32(_ROUNDING)
            pixels[p, c] = np.uint8(min(x, np.float32(255)))


def fog(frames: Pixels, level: Level, scene: Scene) -> None:
    """(x + c p) m / (m + c): p is a plasma map, m the frame's own maximum, or 1 where the table gives 1.

    In drift the map is carried along at 1 to 5 % of the width a second, and its banks change.
    """
    amount, decay, side, white = level
    height, width = frames.shape[1:3]
    side = 1 << (max(height, width, round(side * scene.scale)) - 1).bit_length()
    speed, angle = (motion.uniform(motion.still(scene), stream, 0) for stream in ("speed", "direction"))
    a_second = (_SLOWEST + (_FASTEST - _SLOWEST) * speed) * width / scene.fps if scene.mode == "drift" else 0
    clouds = motion.layers(scene, lambda t: plasma(scene, t, side, decay))
    for frame, cloud, t in zip(frames, clouds, scene.times, strict=True):
        most = white or frame.max() / 255
        down, right = (a_second * t * way(math.tau * angle) % side for way in (math.sin, math.cos))
        _veil(frame, cloud, down, right, most / (most + amount), 255 * amount * most / (most + amount))


@kernel("void(uint8[:,:,::1], float32[:,::1], float32, float32, float32, float32)")
def _veil(frame: Pixels, cloud: Field, down: float, right: float, kept: float, added: float) -> None:
    """x kept + p added, with p read `down` rows and `right` columns away on its torus, bilinearly."""
    mask = cloud.shape[0] - 1
    top, left = np.int64(down), np.int64(right)
    fy, fx = down - np.float32(top), right - np.float32(left)
    for y in range(frame.shape[0]):
        upper, lower = cloud[(y + top) & mask], cloud[(y + top + 1) & mask]
        before = upper[left & mask] + fy * (lower[left & mask] - upper[left & mask])
        for x in range(frame.shape[1]):
            i = (x + left + 1) & mask
            after = upper[i] + fy * (lower[i] - upper[i])
            p = added * (before + fx * (after - before)) + np.float32(_ROUNDING)
            before = after
            for c in range(3):
                frame[y, x, c] = np.uint8(min(np.float32(frame[y, x, c]) * kept + p, np.float32(255)))


def frost(frames: Pixels, level: Level, scene: Scene) -> None:
    """a x + b f: f is a place drawn on one of the textures of `ice`, in drift a place that wanders slowly."""
    kept, added, shrink = level
    height, width = frames.shape[1:3]
    side = max(round(ice.SIDE * shrink * scene.scale), height, width)  # a larger frame enlarges the ice

    def pane(t: int) -> Pixels:
        number = int(motion.uniform(motion.still(scene), "texture", t) * ice.TEXTURES)
        down, right = (int(motion.uniform(scene, axis, t) * side) for axis in ("down", "right"))
        rows, columns = (np.arange(height) + down) % side, (np.arange(width) + right) % side
        return np.asarray(cv2.resize(ice.texture(number), (side, side))[rows[:, None], columns], np.uint8)

    for frame, ice_here in zip(frames, motion.layers(scene, pane), strict=True):
        cv2.addWeighted(frame, kept, ice_here, added, _ROUNDING - 0.5, dst=frame)


def spatter(frames: Pixels, level: Level, scene: Scene) -> None:
    """Cover with drops where a softened field of normals passes a threshold: water with a rim of light, or mud.

    At half the size the field has half the deviation, so that after half the softening drops cover as much.
    """
    mean, deviation, softness, threshold, amount, mud = level
    colour = np.array(_MUD if mud else _WATER, np.float32)

    def drops(t: int) -> Field:
        field = mean + deviation * scene.scale * fields.normals(scene, "liquid", t, frames.shape[1:3])
        liquid = _gaussian(field, softness * scene.scale)
        liquid[liquid < threshold] = 0
        return _mud(liquid, amount * scene.scale) if mud else amount * _water(liquid)

    for frame, mask in zip(frames, motion.layers(scene, drops), strict=True):
        _cover(frame.reshape(-1, 3), mask.reshape(-1), colour, float(mud))


def _gaussian(field: Field, sigma: float) -> Field:
    side = 2 * int(4 * sigma + 0.5) + 1
    return np.asarray(cv2.GaussianBlur(field, (side, side), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


def _mud(liquid: Field, softness: float) -> Field:
    """Return how much mud covers each pixel: float32 (H, W), 0 or from 0.8 to 1."""
    mask = _gaussian((liquid > 0).astype(np.float32), softness)
    mask[mask < 0.8] = 0
    return mask


def _water(liquid: Field) -> Field:
    """Return how much light the drops add: float32 (H, W) from 0 to 1, embossed by the distance from their rims."""
    grey = (liquid * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(grey, 50, 150), cv2.DIST_L2, 5)
    depth = cv2.equalizeHist(cv2.blur(np.minimum(distance, 20), (3, 3)).astype(np.uint8))
    light = cv2.blur(cv2.filter2D(depth, cv2.CV_8U, _EMBOSS), (3, 3))
    drops = grey.astype(np.float32) * light
    return np.asarray(drops / max(drops.max(), 1), np.float32)


@kernel("void(uint8[:,::1], float32[::1], float32[::1], float32)")
def _cover(pixels: Pixels, mask: Field, colour: Field, opacity: float) -> None:
    """x (1 - opacity m) + m colour."""
    for p in range(mask.size):
        for c in range(3):
            x = np.float32(pixels[p, c]) * (np.float32(1) - opacity * mask[p]) + mask[p] * colour[c]
            pixels[p, c] = np.uint8(min(x + np.float32(_ROUNDING), np.float32(255)))
