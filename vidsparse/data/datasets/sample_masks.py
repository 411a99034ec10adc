"""Built-in sample data with a class for every pixel: coloured things that move over a natural texture.

It lies as the source "video_masks" has it. Things are told from the background by being colourful and patterned. The
two of a pair share their hues: discs from squares, and triangles from rings, only shape and pattern tell. Everything
is a function of the number of a video; those of the test part are never seen in training.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.mask_files import Labels
from vidsparse.utils.files import made_once
from vidsparse.utils.machine import user_cache

Plane = NDArray[np.float64]
Rng = np.random.Generator

VERSION = 2  # part of the folder's name: a change of anything below needs the next number
WIDTH, HEIGHT, FRAMES = 96, 72, 12
VIDEOS = {"train": 72, "test": 20}
_CANVAS = 128  # pixels of the background, which repeats seamlessly


@dataclass(frozen=True)
class Thing:
    """A class: its hue (degrees), where it is, and its pattern from -1 to 1; both of unit coordinates x, y."""

    hue: float
    within: Callable[[Plane, Plane], NDArray[np.bool_]]
    pattern: Callable[[Plane, Plane], Plane]


_STRIPES = 9.0  # radians a unit
_THINGS = {
    "disc": Thing(20, lambda x, y: x * x + y * y < 1, lambda x, y: np.sin(_STRIPES * x)),
    "square": Thing(
        20, lambda x, y: np.maximum(abs(x), abs(y)) < 0.85, lambda x, y: np.sin(_STRIPES * x) * np.sin(_STRIPES * y)
    ),
    "triangle": Thing(210, lambda x, y: (y < 0.7) & (abs(x) < 0.55 * (y + 1)), lambda x, y: np.sin(_STRIPES * y)),
    "ring": Thing(210, lambda x, y: abs(np.hypot(x, y) - 0.72) < 0.28, lambda x, y: np.cos(3 * np.arctan2(y, x))),
}
MASK_CLASSES = ("background", *_THINGS)
_PALETTE = (0, 0, 0, 230, 120, 50, 240, 220, 70, 70, 140, 240, 90, 220, 220)  # how viewers show the masks


def ensure_masks(cache_dir: Path | None = None) -> Path:
    """The folder of the sample set (read it with the source "video_masks"); made at the first call, then found again.

    It stands where `sample.ensure_sample` puts its own.
    """
    return made_once((cache_dir or user_cache()) / f"sample-masks-v{VERSION}", _make)


def video(part: int, number: int) -> tuple[Frames, Labels]:
    """The frames uint8 (12, 72, 96, 3) of one video, and their masks (12, 72, 96)."""
    rng = np.random.default_rng([VERSION, part, number])
    background, start, drift = _background(rng), rng.uniform(0, _CANVAS, 2), rng.uniform(-1.5, 1.5, 2)
    things = [_thing(rng) for _ in range(rng.integers(2, 5))]
    frames, masks = np.empty((FRAMES, HEIGHT, WIDTH, 3), np.uint8), np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    for t in range(FRAMES):
        y, x = (start + t * drift).astype(int)
        frames[t] = np.roll(background, (-y, -x), (0, 1))[:HEIGHT, :WIDTH]
        for draw in things:
            draw(t, frames[t], masks[t])
    return frames, masks


def _make(root: Path) -> None:
    (root / "classes.txt").write_text("".join(f"{name}\n" for name in MASK_CLASSES))
    for part, (name, count) in enumerate(VIDEOS.items()):
        for number in range(count):
            folders = [root / name / kind / f"video{number:03d}" for kind in ("images", "masks")]
            for folder in folders:
                folder.mkdir(parents=True)
            for t, (frame, mask) in enumerate(zip(*video(part, number), strict=True)):
                Image.fromarray(frame).save(folders[0] / f"{t:05d}.jpg", quality=95, subsampling=0)
                picture = Image.fromarray(mask)
                picture.putpalette(_PALETTE)
                picture.save(folders[1] / f"{t:05d}.png")


def _background(rng: Rng) -> Frames:
    """uint8 (128, 128, 3): noise whose amplitude falls as 1 / frequency, with little colour."""
    frequency = np.hypot(np.fft.fftfreq(_CANVAS)[:, None], np.fft.rfftfreq(_CANVAS))
    frequency[0, 0] = np.inf
    spectra = np.fft.rfft2(rng.standard_normal((4, _CANVAS, _CANVAS))) / frequency
    fields = np.fft.irfft2(spectra)
    grey, *tints = fields / fields.std(axis=(1, 2), keepdims=True)
    levels = rng.uniform(90, 150) + 35 * grey[..., None] + 9 * np.stack(tints, axis=-1)
    return np.asarray(levels.clip(0, 255), np.uint8)


def _thing(rng: Rng) -> Callable[[int, Frames, Labels], None]:
    """A thing on its way: draws itself into a frame and its mask, over what is there."""
    label = int(rng.integers(1, len(MASK_CLASSES)))
    thing = _THINGS[MASK_CLASSES[label]]
    radius, place, speed = rng.uniform(11, 19), rng.uniform((8, 8), (HEIGHT - 8, WIDTH - 8)), rng.uniform(-2.5, 2.5, 2)
    angle, turning = rng.uniform(-0.4, 0.4), rng.uniform(-0.06, 0.06)
    colour = _colour((thing.hue + rng.uniform(-20, 20)) % 360, rng.uniform(0.5, 0.8), rng.uniform(0.55, 0.9))

    def draw(t: int, frame: Frames, mask: Labels) -> None:
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        dy, dx = rows - place[0] - t * speed[0], columns - place[1] - t * speed[1]
        cos, sin = np.cos(angle + t * turning) / radius, np.sin(angle + t * turning) / radius
        x, y = cos * dx + sin * dy, cos * dy - sin * dx
        within = thing.within(x, y)
        shade = 1 + 0.3 * thing.pattern(x[within], y[within])
        frame[within] = (shade[:, None] * colour).clip(0, 255).astype(np.uint8)
        mask[within] = label

    return draw


def _colour(hue: float, saturation: float, value: float) -> Plane:
    """Red, green and blue, 0 to 255, of a hue in degrees."""
    pixel = np.array([[[hue, saturation, value]]], np.float32)
    return np.asarray(255.0 * cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0], np.float64)
