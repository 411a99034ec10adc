"""ImageNet-C-bar's ten corruptions and CIFAR-10-C-bar's six others.

Source: On Interaction Between Augmentations and Corruptions in Natural Corruption Robustness, NeurIPS 2021. In the
formulas x is a grey level in [0, 255], l the published level in [0, 10], p = l / 10 and n the short side in pixels:
published lengths are shares of a square's side, so most need no scale. Parameters are drawn without the level, and
drawn apart from their use; each has its published distribution at every frame, in every temporal mode.

Every function edits a contiguous uint8 (T, H, W, 3) clip in place; those that displace the picture also take labels
(T, H, W), which are 0 outside the frame. Results are truncated, not rounded, as published.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import bar_fields, bar_warps, bilinear, fields, motion
from corruptions.bar_draws import along, held, normals, span, turn, uniforms
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
_BLACK, _GREY, _WHITE = 0.0, 128.0, 255.0
_STARS = 5
_TWIRLS = 3  # along the short side; the published code has 5 at 224 px, which its benchmark never uses


def single_frequency_greyscale(frames: Pixels, level: Level, scene: Scene) -> None:
    """x + 196 p sin(fx x + fy y + phase): the larger frequency is uniform up to pi, the other up to the larger.

    Meaning: Bars of electrical interference.
    Formula: x' = x + 196 p / 255 sin(fx column + fy row + phase)
    Level: level from 0 to 10
    """

    def make(t: int) -> Plane:
        fast = span(held(scene), "fast", t, -math.pi, math.pi)
        slow = abs(fast) * span(held(scene), "slow", t, -1, 1)
        fx, fy = (fast, slow) if motion.uniform(held(scene), "axis", t) < 0.5 else (slow, fast)
        return bar_fields.wave(_shape(frames), fx, fy, turn(scene, "phase", t))

    _add(frames, scene, make, 1, 19.6 * level[0])


def cocentric_sine_waves(frames: Pixels, level: Level, scene: Scene) -> None:
    """x + 128 p (r mod w / w - 1/2): r, the distance from a centre, is bent by a sin(f angle); w, a up to n / 10.

    Meaning: Rings about a point, with wavy edges.
    Formula: x' = x + 128 p / 255 ((r + a sin(f angle)) mod w / w - 1/2); a, w = U(0, n / 10), f = U(0, 10)
    Level: level from 0 to 10
    """
    height, width = _shape(frames)
    tenth = min(height, width) / 10

    def make(t: int) -> Plane:
        noise = np.empty((height, width, 1), np.float32)
        y, x = span(scene, "y", t, 0, height), span(scene, "x", t, 0, width)
        lobes, amplitude = span(held(scene), "lobes", t, 0, 10), span(held(scene), "amplitude", t, 0, tenth)
        bar_fields.rings(noise, y, x, lobes, amplitude, span(held(scene), "ring", t, 0, tenth))
        return noise

    _add(frames, scene, make, 1, 12.8 * level[0])


def plasma_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """(1 - 64 p / 255) x + 64 p times a plane folded 4 to 6 times by sine waves, at a time uniform in [0, 6 pi].

    Meaning: Coloured plasma over the picture.
    Formula: x' = (1 - 64 p / 255) x + 64 p / 255 g, where g is a plane folded by 4 to 6 sine waves
    Level: level from 0 to 10
    """
    side = min(_shape(frames))

    def make(t: int) -> Plane:
        noise = np.empty((*_shape(frames), 3), np.float32)
        rounds, sharpness = int(span(held(scene), "rounds", t, 4, 7)), span(held(scene), "sharpness", t, 0.5, 1)
        scale = span(held(scene), "scale", t, 0.075, 0.2) * side
        bar_fields.plasma(noise, span(scene, "time", t, 0, 6 * math.pi), rounds, sharpness, scale)
        return noise

    _add(frames, scene, make, 1 - 6.4 * level[0] / 255, 6.4 * level[0])


def perlin_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """(1 - a) x + 255 a min(1/2 + turbulence / 2, 1) with a = p / 2, in cells of n / 7.

    Meaning: Smoke, as computer graphics draw it.
    Formula: x' = (1 - a) x + a min(1/2 + turbulence / 2, 1), a = p / 2, cells of n / 7
    Level: level from 0 to 10
    """
    share = level[0] / 20

    def make(t: int) -> Plane:
        arrows = 2 * uniforms(scene, "gradients", t, 256)[:, :2] - 1
        gradients = (arrows / np.linalg.norm(arrows, axis=1, keepdims=True)).astype(np.float32)
        noise = np.empty((*_shape(frames), 1), np.float32)
        order = np.argsort(uniforms(held(scene), "order", t, 256)[:, 0])
        bar_fields.turbulence(noise, min(_shape(frames)) / 7, gradients, order)
        return np.asarray(np.minimum(0.5 + 0.5 * noise, 1), np.float32)

    _add(frames, scene, make, 1 - share, 255 * share)


def brownish_noise(frames: Pixels, level: Level, scene: Scene) -> None:
    """x + 64 p noise: each channel's spectrum falls as 1 / (r^2 + 1), r in cycles per n; unit standard deviation.

    Meaning: Coarse coloured stains.
    Formula: x' = x + 64 p / 255 g, where the amplitude of g falls as 1 / (r^2 + 1)
    Level: level from 0 to 10
    """
    power = np.asarray(1 / (bar_fields.frequencies(_shape(frames)) ** 2 + 1), np.float32)
    _add(frames, scene, _coloured(scene, power, 3), 1, 6.4 * level[0])


def blue_noise_sample(frames: Pixels, level: Level, scene: Scene) -> None:
    """0 where noise of unit standard deviation, whose spectrum grows as r, is at most 3 p - 5/2.

    Meaning: Pixels are missing, evenly scattered.
    Formula: x' = 0 where g <= 3 p - 5/2, else x; g is noise of unit deviation whose amplitude grows as the
        frequency
    Level: level from 0 to 10
    """
    noise = _coloured(scene, bar_fields.frequencies(_shape(frames)), 1)
    least = 0.3 * level[0] - 2.5
    _lay(frames, scene, lambda t: (noise(t)[..., 0] <= least).astype(np.float32), _BLACK)


def checkerboard_cutout(frames: Pixels, level: Level, scene: Scene) -> None:
    """128 on a share p of one colour of a board, turned about the top left corner, with cells of n / 10 to n / 4.

    Meaning: Grey tiles cover cells of a turned chequerboard.
    Formula: x' = 128 / 255 on a share p of one colour's cells, else x; cells are U(1/10, 1/4) n wide
    Level: level from 0 to 10
    """
    height, width = _shape(frames)

    def make(t: int) -> Plane:
        cell = max(span(held(scene), "cell", t, 0.1, 0.25) * min(height, width), 1)
        angle = turn(scene, "angle", t)
        side = 2 * math.ceil((height + width) / cell) + 3
        luck = uniforms(held(scene), "cells", t, side * side)[:, 0].reshape(side, side)
        one_colour = np.indices((side, side)).sum(axis=0) % 2 == 0
        cover = np.empty((height, width), np.float32)
        covered = one_colour & (luck < level[0] / 10)
        bar_fields.board(cover, math.cos(angle) / cell, math.sin(angle) / cell, covered)
        return cover

    _lay(frames, scene, make, _GREY)


def sparkles(frames: Pixels, level: Level, scene: Scene) -> None:
    """x + glow (255 - x) for five stars of 50 to 199 rays, whose lengths are N(r, r / 4) with r = n p / 10.

    Meaning: Bright stars on the picture.
    Formula: x' = x + g (1 - x) for five stars of 50 to 199 rays, lengths N(r, r / 4), r = n p / 10
    Level: level from 0 to 10
    """
    height, width = _shape(frames)
    radius = 0.01 * level[0] * min(height, width)

    def make(t: int) -> Plane:
        clear = np.ones((height, width), np.float32)
        for s in range(_STARS):
            y, x = span(scene, f"y{s}", t, 0, height), span(scene, f"x{s}", t, 0, width)
            lengths = np.maximum(radius * _rays(scene, f"rays{s}", t), np.float32(scene.scale))
            bar_fields.star(clear, y, x, lengths, 1)
        return 1 - clear

    _lay(frames, scene, make, _WHITE)


def inverse_sparkles(frames: Pixels, level: Level, scene: Scene) -> None:
    """255 + glow (x - 255) for one star about the middle, of rays N(n / 4, n / 16), which fades as distance^-2.6 p.

    Meaning: Glare everywhere but about one spot.
    Formula: x' = 1 + g (x - 1) for one star about the middle, rays N(n / 4, n / 16), fading as distance^(-2.6 p)
    Level: level from 0 to 10
    """
    height, width = _shape(frames)

    def make(t: int) -> Plane:
        cover = np.ones((height, width), np.float32)
        y, x = span(scene, "y", t, height / 4, 3 * height / 4), span(scene, "x", t, width / 4, 3 * width / 4)
        lengths = np.float32(min(height, width) / 4) * _rays(scene, "rays", t)
        bar_fields.star(cover, y, x, lengths, 0.13 * level[0])
        return cover

    _lay(frames, scene, make, _WHITE)


def lines(frames: Pixels, level: Level, scene: Scene) -> None:
    """128 along n p lines of length 2 n and width 1, through uniform points, at angles spread about a common one.

    Meaning: Scratches on the lens.
    Formula: x' = 128 / 255 along n p lines of length 2 n and width 1 in similar directions, else x
    Level: level from 0 to 10
    """
    height, width = _shape(frames)
    side = min(height, width)

    def make(t: int) -> Plane:
        places = uniforms(held(scene), "lines", t, int(level[0] / 10 * side / scene.scale))
        angles = turn(scene, "angle", t) + math.tau * span(held(scene), "spread", t, 0.1, 1) * (places[:, 2] - 0.5)
        middles = places[:, :2] * (height, width)
        halves = side * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        clear = np.ones((height, width), np.float32)
        for (y0, x0), (y1, x1) in zip(np.trunc(middles - halves), np.trunc(middles + halves), strict=True):
            bar_fields.line(clear, y0, x0, y1, x1, scene.scale)
        return 1 - clear

    _lay(frames, scene, make, _GREY)


def caustic_refraction(frames: Pixels, level: Level, scene: Scene) -> None:
    """x seen through water of index 4 and depth n p / 2 under caustic light, plus 255 * 2 p times the light's slope.

    Meaning: Seen through moving water in the sun.
    Formula: x'(q) = x(q + refraction through depth n p / 2 at index 4) + 2 p slope of the light
    Level: level from 0 to 10
    """
    side = min(_shape(frames))

    def make(t: int) -> tuple[bilinear.Plan, Plane]:
        size = span(held(scene), "size", t, 0.75, 1.25) * side
        light = bar_fields.caustics(_shape(frames), span(scene, "time", t, 0.5, 2), size, scene.scale)
        seen = np.empty((3, *light.shape), np.float32)
        bar_warps.refract(light, scene.scale, 0.05 * level[0] * side, 0.2 * level[0], seen)
        return bilinear.plan(seen[0], seen[1], _shape(frames)), seen[2]

    for frame, (where, light) in along(frames, scene, make):
        if frame.ndim == 2:  # labels, which no light changes
            bilinear.move(frame, where)
        else:
            bilinear.look_lit(bilinear.pack(frame), where, light, frame)


def ripple(frames: Pixels, level: Level, scene: Scene) -> None:
    """Each coordinate q looks at q + n p / 40 sin(2 pi q / wavelength + phase), wavelength n / 10 to 3 n / 10.

    Meaning: Waves run over the picture along both axes.
    Formula: x'(q) <- x(q + n p / 40 sin(2 pi q / w + phase)) on each axis, w = U(n / 10, 3 n / 10)
    Level: level from 0 to 10
    """
    side = min(_shape(frames))

    def make(t: int) -> bar_warps.Maps:
        wavelengths = [side * span(held(scene), f"wavelength {axis}", t, 0.1, 0.3) for axis in "yx"]
        phases = [turn(scene, f"phase {axis}", t) for axis in "yx"]
        return bar_warps.ripples(_shape(frames), 0.0025 * level[0] * side, wavelengths, phases)

    _warp(frames, scene, make)


def pinch_and_twirl(frames: Pixels, level: Level, scene: Scene) -> None:
    """Discs on a grid of three a side are pinched by 0.4 p + 0.1 and twirled by p pi / 2, each to one side or other.

    Meaning: Moulded glass: discs on a grid are pinched and twirled.
    Formula: x'(r, angle) <- x(r sin(pi r / 2)^(-0.4 p - 0.1), angle +- p pi / 2 (1 - r)^2), with r from 0 to 1
    Level: level from 0 to 10
    """
    cell = min(_shape(frames)) // _TWIRLS
    rows, columns = (side // cell for side in _shape(frames))

    def make(t: int) -> bar_warps.Maps:
        signs = np.where(uniforms(scene, "signs", t, rows * columns)[:, 0] < 0.5, -1, 1).reshape(rows, columns)
        return bar_warps.twirls(_shape(frames), cell, 0.04 * level[0] + 0.1, math.pi / 20 * level[0] * signs)

    _warp(frames, scene, make)


def circular_motion_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Mean of 21 turns of up to 15 p degrees about the centre; corners that turn in are black.

    Meaning: The camera turns about its axis while the shutter is open.
    Formula: x' = weighted mean of 21 turns of x from -15 p to 15 p degrees, weights exp(-2 share^2)
    Level: level from 0 to 10
    """
    for frame in frames:
        frame[...] = bar_warps.spin(frame, 1.5 * level[0])


def transverse_chromatic_abberation(frames: Pixels, level: Level, scene: Scene) -> None:
    """The channels, in random order, are enlarged about the centre by 1, 1 + p / 4 and 1 + p / 2.

    Meaning: A lens that magnifies each colour differently.
    Formula: the channels, in random order, are enlarged by 1, 1 + p / 4 and 1 + p / 2 about the centre
    Level: level from 0 to 10
    """
    orders = list(permutations((1, 1 + level[0] / 40, 1 + level[0] / 20)))
    for frame, scales in along(frames, scene, lambda t: orders[min(int(span(scene, "order", t, 0, 6)), 5)]):
        planes = [np.asarray(plane, np.uint8) for plane in cv2.split(frame)]
        frame[...] = cv2.merge([bar_warps.magnify(*each) for each in zip(planes, scales, strict=True)])


def _shape(frames: Pixels) -> tuple[int, int]:
    return frames.shape[1], frames.shape[2]


def _add(frames: Pixels, scene: Scene, make: Callable[[int], Plane], keep: float, strength: float) -> None:
    for frame, noise in along(frames, scene, make):
        bar_fields.add(frame, noise, keep, strength)


def _lay(frames: Pixels, scene: Scene, make: Callable[[int], Plane], colour: float) -> None:
    for frame, cover in along(frames, scene, make):
        bar_fields.lay(frame, cover, colour)


def _warp(frames: Pixels, scene: Scene, make: Callable[[int], bar_warps.Maps]) -> None:
    for frame, where in along(frames, scene, lambda t: bilinear.plan(*make(t), _shape(frames))):
        bilinear.move(frame, where)


def _rays(scene: Scene, stream: str, t: int) -> Plane:
    """Return the lengths of a star's rays in units of their mean, the first two repeated at the end."""
    count = int(span(held(scene), f"{stream} count", t, 50, 200))
    lengths = 1 + np.float32(0.25) * normals(scene, stream, t, count)
    return np.concatenate([lengths, lengths[:2]])


def _coloured(scene: Scene, power: Plane, channels: int) -> Callable[[int], Plane]:
    """Return the noise of a frame number, of unit standard deviation; drift turns all phases by a radian each `tau`."""

    @lru_cache(maxsize=1)
    def draw(t: int) -> bar_fields.Coloured:
        return bar_fields.coloured(power, fields.words(held(scene), "phases", t, power.size), channels)

    def make(t: int) -> Plane:
        if scene.mode == "independent":
            return bar_fields.turned(draw(t), 0)
        return bar_fields.turned(draw(0), t / (scene.tau * scene.fps) if scene.mode == "drift" else 0)

    return make
