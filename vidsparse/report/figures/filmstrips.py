"""Figures made of pictures: where networks look, and clips on which two of them part."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray
from PIL import Image

from vidsparse.report.figures.charts import INK, SMALL, WIDTH
from vidsparse.report.figures.frequencies import shortened

Pixels = NDArray[np.uint8]
_SIDE = 64  # px of a drawn frame
_KEPT = 0.25  # of the contrast of what a network does not look at
_GAP = 2  # px between frames


def faded(frames: Pixels, maps: Pixels) -> Pixels:
    """Frames (F, S, S, 3) as they are where the maps (F, S, S) are 255, faded towards white where they are less.

    The weight of the frame is the root of the map, so that the whole of what counts is seen; readable without colour.

    >>> faded(np.zeros((1, 1, 2, 3), np.uint8), np.array([[[0, 255]]], np.uint8))[0, 0, :, 0].tolist()
    [191, 0]
    """
    kept = _KEPT + (1 - _KEPT) * np.sqrt(maps[..., None].astype(np.float32) / 255)
    return (255 - (255 - frames.astype(np.float32)) * kept).round().astype(np.uint8)


def stretched(maps: Pixels) -> tuple[Pixels, float]:
    """Maps (F, S, S) from 0 to 255 whatever their range, and their largest over their smallest value.

    For maps that are never near 0, as a mean over tokens is; even ones stay clear all over.

    >>> stretched(np.array([[[102, 255]]], np.uint8))[0].tolist(), stretched(np.full((1, 1, 2), 9, np.uint8))[1]
    ([[[0, 255]]], 1.0)
    """
    least, most = int(maps.min()), int(maps.max())
    if least == most:
        return np.full_like(maps, 255), 1.0
    wide = (maps.astype(np.float32) - least) * (255 / (most - least))
    return wide.round().astype(np.uint8), most / max(least, 1)


def saliency(table: pd.DataFrame, strips: Mapping[str, Sequence[Pixels]], headings: Sequence[str]) -> Figure:
    """A row a `condition` of one clip: strips of frames (F, S, S, 3) beside each other under `headings`.

    `table`: one row a (condition, arm) with `answer`, said under the strip of that arm.
    """
    conditions = list(strips)
    joined = {name: [_joined(frames) for frames in found] for name, found in strips.items()}
    high, wide = joined[conditions[0]][0].shape[:2]
    each = (WIDTH - 0.1) / len(headings) * high / wide
    size = (WIDTH, 0.35 + (min(each, 1.4) + 0.45) * len(conditions))
    close = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, hspace=0, wspace=0.02)
    figure = Figure(figsize=size, layout=close)
    rows = figure.subplots(len(conditions), len(headings), squeeze=False)
    answers = table.set_index(["condition", "arm"])["answer"].to_dict()
    for number, (axes_of, name) in enumerate(zip(rows, conditions, strict=True)):
        corruption, _, severity = name.partition("/")
        for axes, heading, picture in zip(axes_of, headings, joined[name], strict=True):
            _show(axes, picture)
            above = [shortened(heading, 30)] if not number else []
            below = [condition(corruption, int(severity or 0)) if axes is axes_of[0] else ""]
            axes.set_title("\n".join(above + below), fontsize=SMALL, loc="left", pad=3)
            axes.set_xlabel(answers.get((name, heading), ""), fontsize=SMALL, loc="left", labelpad=1, color=INK)
    return figure


def parted(table: pd.DataFrame, strips: Sequence[bytes]) -> Figure:
    """A strip (JPEG) a row of `table`, above it `what` was done to the clip, below it each network's answer."""
    pictures = [np.asarray(Image.open(BytesIO(strip)).convert("RGB")) for strip in strips]
    ratio = pictures[0].shape[1] / pictures[0].shape[0]
    columns, words = (1, 0.72) if ratio >= 2 else (3, 1.16)
    lines = -(-len(pictures) // columns)
    width = 3.4 if columns == 1 else WIDTH / columns
    figure = Figure(figsize=(WIDTH, lines * (width / ratio + words)), layout="constrained")
    places = figure.subplots(lines, columns, squeeze=False).flat
    for axes, picture, row in zip(places, pictures, table.itertuples(), strict=False):
        _show(axes, picture)
        said = f"{row.dense_said}\n{row.sparse_said}"
        axes.set_title(
            shortened(str(row.what), 62) if columns == 1 else narrow(str(row.what), " · "),
            fontsize=SMALL,
            loc="left",
            pad=3,
        )
        axes.set_xlabel(said if columns == 1 else narrow(said, ": "), fontsize=SMALL, loc="left", labelpad=2, color=INK)
    for axes in list(figure.axes)[len(pictures) :]:
        axes.set_axis_off()
    return figure


def narrow(text: str, mark: str) -> str:
    """Each line of a text broken after its first `mark`, no line longer than a third of the figure.

    >>> narrow("dense: airplane 0.30, wrong", ": ").splitlines(), narrow("fog, severity 3 · ship · test_12", " · ")
    (['dense:', 'airplane 0.30, wrong'], 'fog, severity 3\\nship · test_12')
    """
    end = mark.rstrip(" ·")
    parts = [part for line in text.splitlines() for part in line.replace(mark, f"{end}\n", 1).splitlines()]
    return "\n".join(shortened(part, 23) for part in parts)


def _joined(frames: Pixels) -> Pixels:
    """Frames (F, S, S, 3) side by side, made smaller, white between them."""
    small = [
        np.asarray(Image.fromarray(f).resize((_SIDE, _SIDE), Image.Resampling.BOX)) if len(f) > _SIDE else f
        for f in frames
    ]
    padded = np.pad(np.stack(small), ((0, 0), (0, 0), (0, _GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(padded), axis=1)[:, :-_GAP]


def _show(axes: Any, picture: Pixels) -> None:
    axes.imshow(picture, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def condition(corruption: str, severity: int) -> str:
    """
    >>> condition("motion_blur", 3), condition("clean", 0)
    ('motion blur, severity 3', 'clean')
    """
    return corruption.replace("_", " ") + (f", severity {severity}" if severity else "")


def answer(classes: Sequence[str], prediction: int, confidence: float, label: int) -> str:
    """What a network said of a clip.

    >>> answer(["Punch", "PushUps"], 1, 0.914, 0), answer(["Punch"], -1, float("nan"), 0)
    ('PushUps 0.91, wrong', 'unreadable, wrong')
    """
    if prediction < 0:
        return "unreadable, wrong" if prediction == -1 else "no numbers, wrong"
    name = shortened(classes[prediction], 20) if prediction < len(classes) else f"class {prediction}"
    return f"{name} {confidence:.2f}, {'right' if prediction == label else 'wrong'}"
