"""Weather between the scene and the lens, and what it leaves on the glass (ImageNet-C, ICLR 2019).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place. Results are truncated, not rounded, as published.
In drift snow falls along its own streaks and fog banks travel and change; frost and drops sit on the lens.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import fields, flakes, motion, panes
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.plasma import plasma
from corruptions.psf import streak_weights
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Field = NDArray[np.float32]

_ROUNDING = 1e-3  # lifts float32 sums that fell just short of a whole grey level, so that truncation keeps it
_EXPOSURE = 1 / 8  # seconds: a flake falls its own streak, down to half its brightness, in that time
_FADE = 1.0  # seconds in which the border that the generator holds gives way to flakes that come in
_FAR = 0.5  # speed of the second, farther layer of snow
_SLOWEST, _FASTEST = 0.01, 0.05  # of a fog bank, in frame widths a second
_WATER, _MUD = (175.0, 238.0, 238.0), (63.0, 42.0, 20.0)  # pale turquoise, brown
_EMBOSS = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)


def snow(frames: Pixels, level: Level, scene: Scene) -> None:
    """Whiten the frame and add two layers of flakes; the second is the first one turned by 180 degrees.

    A layer is a field of normals, magnified, cut below a threshold and smeared along the fall. In drift both layers
    fall along their streaks, whose length is the way of one exposure, the second at half the speed.
    The level is the field's mean and deviation, zoom, threshold, the streak's radius and sigma, and b of `_snow_over`.

    Meaning: Flakes fall through the picture and the light turns white.
    Formula: x' = b x + (1 - b) max(x, 1.5 grey(x) + 0.5) + f + turn(f, 180), f = motion_blur(cut(zoom(N(m, s), z),
        c), r, sigma, a), a = U(-135, -45)
    Level: m, mean of the field; s, its deviation; z, zoom; c, threshold; r, half the taps of the streak; sigma of
        the streak in pixels; b, share of the frame that stays
    """
    scene, shape = motion.as_published(scene, (frames.shape[1], frames.shape[2]))
    weights = streak_weights(level[4], level[5])

    def stand(t: int) -> Field:
        return _stand(scene, t, flakes.sharp(scene, t, shape, level), weights)

    falls = scene.mode == "drift"
    layers = _fall(scene, flakes.sharp(scene, 0, shape, level), weights) if falls else motion.layers(scene, stand)
    for frame, fallen in zip(frames, layers, strict=True):
        fits = fallen.shape == frame.shape[:2]  # magnified smoothly, a layer may fall below 0
        _snow_over(frame, fallen if fits else np.maximum(motion.fitted(fallen, frame.shape[:2]), 0), level[6])


def _stand(scene: Scene, t: int, layer: Pixels, weights: Field) -> Field:
    """Return both layers of a frame as published, from its sharp flakes."""
    smeared = flakes.standing(scene, t, layer, weights)
    return np.add(smeared, smeared[::-1, ::-1], dtype=np.float32)


def _fall(scene: Scene, layer: Pixels, weights: Field) -> Iterator[Field]:
    """Yield both layers of each frame as they fall, from frame 0's; what the held border adds to that one fades."""
    show, shape = flakes.falling(scene, layer, weights), layer.shape
    speed = float(np.count_nonzero(weights > weights[0] / 2)) / (_EXPOSURE * scene.fps)

    nothing = np.zeros(shape, np.float32)

    def both(fallen: float, fade: float, held: Field) -> Field:
        layer = np.empty(shape, np.float32)
        _lay(show(fallen), show(-_FAR * fallen), fade, held, layer)
        return layer

    held = _stand(scene, 0, layer, weights) - both(0, 0, nothing)
    for t in scene.times:
        yield both(speed * t, max(0.0, 1 - t / (_FADE * scene.fps)), held)


@kernel("void(uint8[:,::1], uint8[:,::1], float32, float32[:,::1], float32[:,::1])")
def _lay(near: Pixels, far: Pixels, fade: float, held: Field, out: Field) -> None:
    """Fill `out` with near + turn(far, 180) + fade held, at least 0."""
    (height, width), last = out.shape, np.uintp(out.shape[1] - 1)
    for y in range(height):
        row, turned, kept, layer = near[y], far[height - 1 - y], held[y], out[y]
        for x in range(width):
            both = np.float32(np.int32(row[x]) + np.int32(turned[last - np.uintp(x)]))
            layer[x] = max(both + fade * kept[x], np.float32(0))


@kernel("void(uint8[:,:,::1], float32[:,::1], float32)")
def _snow_over(frame: Pixels, flakes: Field, kept: float) -> None:
    """x' = b x + (1 - b) max(x, 1.5 grey + 0.5) + flakes."""
    width, lost = frame.shape[1], np.float32(1) - kept
    light, white, added = np.empty(width, np.float32), np.empty(3 * width, np.float32), np.empty(3 * width, np.float32)
    rows = frame.reshape(-1, 3 * width)
    for y in range(len(rows)):  # short loops, which become vector code but for the middle one
        row, fallen = rows[y], flakes[y]
        for x in range(width):
            r, g, b = np.float32(row[3 * x]), np.float32(row[3 * x + 1]), np.float32(row[3 * x + 2])
            light[x] = (np.float32(0.299) * r + np.float32(0.587) * g + np.float32(0.114) * b) * np.float32(1.5)
        for x in range(width):
            bright, flake = light[x] + np.float32(127.5), fallen[x] + np.float32(_ROUNDING)
            white[3 * x], white[3 * x + 1], white[3 * x + 2] = bright, bright, bright
            added[3 * x], added[3 * x + 1], added[3 * x + 2] = flake, flake, flake
        for i in range(3 * width):
            value = np.float32(row[i])
            row[i] = np.uint8(min(kept * value + lost * max(value, white[i]) + added[i], np.float32(255)))


def fog(frames: Pixels, level: Level, scene: Scene) -> None:
    """(x + c p) m / (m + c): p is a plasma map, m the frame's own maximum, or 1 where the table gives 1.

    In drift the map is carried along at 1 to 5 % of the width a second, and its banks change.

    Meaning: Banks of fog between the camera and the scene.
    Formula: x' = (x + c p) m / (m + c), p a plasma map in [0, 1], m the white level, or max(x) where that is 0
    Level: c, amount; decay of the map; side of the map in pixels; white level
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
    mask, width = cloud.shape[0] - 1, 3 * frame.shape[1]
    top, left = np.int64(down), np.int64(right)
    fy, fx = down - np.float32(top), right - np.float32(left)
    veil, values = np.empty(width, np.float32), frame.reshape(-1, width)
    for y in range(frame.shape[0]):
        upper, lower = cloud[(y + top) & mask], cloud[(y + top + 1) & mask]
        before = upper[left & mask] + fy * (lower[left & mask] - upper[left & mask])
        for x in range(frame.shape[1]):
            at = (x + left + 1) & mask
            after = upper[at] + fy * (lower[at] - upper[at])
            for i in range(3 * x, 3 * x + 3):
                veil[i] = added * (before + fx * (after - before)) + np.float32(_ROUNDING)
            before = after
        for i in range(width):
            values[y, i] = np.uint8(min(np.float32(values[y, i]) * kept + veil[i], np.float32(255)))


def frost(frames: Pixels, level: Level, scene: Scene) -> None:
    """a x + b f: f is a place drawn on one of the `panes`, in drift a place that wanders slowly.

    Meaning: Ice has grown on the lens.
    Formula: x' = a x + b f, where f is a random window on one of five ice textures, each as likely
    Level: a, factor on the frame; b, factor on the ice; size of the texture
    """
    kept, added, shrink = level
    shape = frames.shape[1], frames.shape[2]

    def pane(t: int) -> Pixels:
        number = motion.uniform(motion.still(scene), "texture", t)
        down, right = (motion.uniform(scene, axis, t) for axis in ("down", "right"))
        return panes.window(number, down, right, shape, shrink * scene.scale)

    for frame, ice_here in zip(frames, motion.layers(scene, pane), strict=True):
        cv2.addWeighted(frame, kept, ice_here, added, _ROUNDING - 0.5, dst=frame)


def spatter(frames: Pixels, level: Level, scene: Scene) -> None:
    """Cover with drops where a softened field of normals passes a threshold: water with a rim of light, or mud.

    Meaning: Drops of water or mud on the lens.
    Formula: x' = x + s l pale turquoise (water), or x (1 - k) + k brown (mud); l and k are made of where G(sigma) *
        N(m, d) > c
    Level: m, mean of the field; d, its deviation; sigma in pixels; c, threshold; s, strength of the water, or sigma
        of the mud's rim; 1 for mud, 0 for water
    """
    mean, deviation, softness, threshold, amount, mud = level
    colour = np.array(_MUD if mud else _WATER, np.float32)
    scene, shape = motion.as_published(scene, (frames.shape[1], frames.shape[2]))

    def drops(t: int) -> Field:
        liquid = _gaussian(mean + deviation * fields.normals(scene, "liquid", t, shape), softness)
        liquid[liquid < threshold] = 0
        mask = _mud(liquid, amount) if mud else amount * _water(liquid)
        return np.asarray(motion.fitted_as_strong(mask, (frames.shape[1], frames.shape[2])).clip(0, 1), np.float32)

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
