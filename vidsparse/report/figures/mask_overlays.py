"""Pictures of segmentation: frames beside truth and prediction, classes told apart by hue, hatch and outline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidsparse.evaluation.metrics import CLEAN
from vidsparse.report.figures.example_frames import GAP, TALLEST, Strip, data_address
from vidsparse.report.figures.palette import LIGHT, SERIES
from vidsparse.tasks import VOID

MOMENTS = 2  # frames of a clip that are shown, one above the other
LEAD = (
    "One test clip. Left the picture as it reaches the network, in the middle the truth, right the prediction; of a "
    "video two moments, one above the other. Masks move with the picture where a corruption displaces it; grey pixels "
    "are not judged."
)
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Key:
    """An entry of the legend: a class, its colour, and its pattern as a picture."""

    name: str
    source: str


def strips(arrays: Mapping[str, Pixels], folder: Path) -> list[Strip]:
    """One picture a condition, clean first, written as `folder`/frames_NAME.png; old ones are removed.

    `arrays` is what `save_overlays` kept: "frames/CELL", "truth/CELL" and "prediction/CELL".
    """
    for old in folder.glob("frames_*.png"):
        old.unlink()
    cells = [name.removeprefix("frames/") for name in arrays if name.startswith("frames/")]
    made = []
    for cell in sorted(cells, key=lambda each: each != CLEAN):
        name, _, severity = cell.partition("/")
        image = triptych(*(arrays[f"{part}/{cell}"] for part in ("frames", "truth", "prediction")))
        image.save(folder / f"frames_{name}.png")
        made.append(Strip(name, int(severity or 0), data_address(image), *image.size))
    return made


def legend(classes: Sequence[str], arrays: Mapping[str, Pixels]) -> list[Key]:
    """The classes that the pictures show, in the order of their ids."""
    shown = {int(label) for name, maps in arrays.items() if not name.startswith("frames/") for label in np.unique(maps)}
    grey = np.full((14, 22, 3), 190, np.uint8)
    keys = []
    for label in sorted(shown - {VOID}):
        swatch = painted(grey, np.full(grey.shape[:2], label, np.uint8))
        keys.append(Key(classes[label] if label < len(classes) else str(label), data_address(Image.fromarray(swatch))))
    return keys


def triptych(frames: Pixels, truth: Pixels, prediction: Pixels) -> Image.Image:
    """Picture, truth and prediction side by side, at up to two moments of uint8 (T, H, W, 3) and (T, H, W)."""
    scale = max(1, TALLEST // frames.shape[1])
    moments = np.unique(np.linspace(0, len(frames) - 1, MOMENTS).round().astype(int))
    rows = []
    for moment in moments:
        picture, here, said = (_grown(part[moment], scale) for part in (frames, truth, prediction))
        panels = [picture, painted(picture, here), painted(picture, said)]
        rows.append(np.concatenate([np.pad(p, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for p in panels], 1))
    image = Image.fromarray(np.concatenate(rows)[:-GAP, :-GAP])
    image.thumbnail((3 * TALLEST + 2 * GAP, MOMENTS * TALLEST + GAP))
    return image


def painted(picture: Pixels, labels: Pixels) -> Pixels:
    """uint8 (H, W, 3): the picture in grey, every class in its hue and hatch, black and white outlines between them.

    Class 0, the background of most sets, keeps the plain picture; pixels that are not judged are flat grey.
    """
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    out = 0.35 * grey + 0.65 * 255
    out[labels == 0] = 0.6 * picture[labels == 0] + 0.4 * 255
    for label in np.unique(labels):
        here = labels == label
        if label in (0, VOID):
            continue
        out[here] = 0.3 * grey[here] + 0.7 * _hue(int(label))
        out[here & _hatch(int(label), labels.shape)] *= 0.6
    out[labels == VOID] = 128
    inner, outer = _edges(labels)
    out[outer], out[inner] = 255, 0
    return np.asarray(out.clip(0, 255), np.uint8)


def _hue(label: int) -> NDArray[np.float64]:
    """The colour of a class: the palette's six, then the same, lighter and darker."""
    code = LIGHT[SERIES[(label - 1) % len(SERIES)]]
    colour = np.array([int(code[at : at + 2], 16) for at in (1, 3, 5)], float)
    turn = (label - 1) // len(SERIES) % 3
    return colour if not turn else (colour + 255) / 2 if turn == 1 else colour / 2


def _hatch(label: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Lines that tell a class without colour: none, rising, falling, level, upright, dotted, in turn."""
    y, x = np.indices(shape[:2])
    kind, step = (label - 1) % 6, 7
    lines = (np.zeros(shape[:2], bool), (x + y) % step == 0, (x - y) % step == 0, y % step == 0, x % step == 0,
             (x % step < 2) & (y % step < 2))  # fmt: skip
    return np.asarray(lines[kind])


def _edges(labels: Pixels) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels that border on another class to the right or below, and those two wide."""
    inner = np.zeros(labels.shape, bool)
    inner[:-1] |= labels[:-1] != labels[1:]
    inner[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    outer = inner.copy()
    outer[1:] |= inner[:-1]
    outer[:, 1:] |= inner[:, :-1]
    return inner, outer & ~inner


def _grown(pixels: Pixels, scale: int) -> Pixels:
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)
