"""How an arm looks: one colour and mark for a method wherever it is drawn; mark, dash and hatch tell it in grey."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.markers import MarkerStyle

from vidsparse.report.figures.palette import LIGHT

Marker = str | tuple[int, int, int]  # of Matplotlib: a letter, or a star of so many points
PAPER = LIGHT["paper"]
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1)), "-.", (0, (1, 1)))
_FILLS = ("full", "none", "left", "top")
_HATCHES = ("", "////", "....", "xxxx", "----", "++++")
_METHODS: dict[str, tuple[str, Marker]] = {
    "dense": ("ink", "D"),
    "static": ("muted", "s"),
    "rigl": ("blue", "o"),
    "set": ("orange", "^"),
    "mest": ("green", "v"),
    "mest_r": ("green", "<"),
    "mest_g": ("green", ">"),
    "granet_r": ("purple", "P"),
    "granet_g": ("purple", "X"),
    "granet_dense": ("purple", "*"),
    "itop_r": ("sky", "d"),
    "itop_g": ("sky", "h"),
    "snfs": ("amber", "p"),
    "srigl": ("blue", "8"),
    "gmp": ("amber", "H"),
    "chase": ("amber", (4, 1, 0)),
    "rigl_channels": ("blue", (3, 1, 0)),
}
_SPARE: tuple[tuple[str, Marker], ...] = (
    ("blue", "o"),
    ("orange", "^"),
    ("green", "v"),
    ("purple", "P"),
    ("sky", "d"),
    ("amber", "p"),
)


@dataclass(frozen=True)
class Look:
    """`colour`: of the palette. `marker` and `fill`: Matplotlib's. `turn`: which of a method's arms this is, from 0."""

    colour: str
    marker: Marker
    hatch: str = ""
    turn: int = 0

    @property
    def shade(self) -> str:
        """The colour by value, as figures take it."""
        return LIGHT[self.colour]

    @property
    def fill(self) -> str:
        """How much of the mark is filled; dense training is always an open diamond."""
        return "none" if self.colour == "ink" else _FILLS[self.turn % 4]

    def mark(self, size: float = 6, filled: bool | None = None) -> dict[str, Any]:
        """The mark alone, as `Axes.plot` takes it; `filled` says more than which arm it is where it is not None."""
        fill = self.fill if filled is None else "full" if filled else "none"
        face = PAPER if fill == "none" else self.shade
        parts = {"fillstyle": "full" if fill == "none" else fill, "markerfacecoloralt": PAPER}
        edge = {"markeredgecolor": self.shade, "markerfacecolor": face}
        return {"color": self.shade, "marker": self.marker, "markersize": size, "zorder": 3, **edge, **parts}

    def line(self, size: float = 6) -> dict[str, Any]:
        """The line with its marks."""
        dash = "--" if self.colour == "ink" else _DASHES[self.turn % 4]
        return self.mark(size) | {"linestyle": dash, "linewidth": 1.2 if self.colour == "ink" else 1.8}

    def bar(self) -> dict[str, Any]:
        """A bar, as `Axes.barh` takes it."""
        return {"color": self.shade, "hatch": self.hatch}

    def svg(self) -> Markup:
        """The mark for the page, beside the arm's name."""
        shape = MarkerStyle(self.marker)
        path = shape.get_path().transformed(shape.get_transform())
        outlines = [np.asarray(outline, float) for outline in path.to_polygons()]
        points = [" ".join(f"{7 + 9 * x:.1f},{7 - 9 * y:.1f}" for x, y in outline) for outline in outlines]
        inside = {"full": "1", "none": "0"}.get(self.fill, "0.45")
        colour = f'fill="var(--{self.colour})" fill-opacity="{inside}" stroke="var(--{self.colour})"'
        parts = "".join(f'<polygon points="{each}"/>' for each in points)
        return Markup(f'<svg class="mark" viewBox="0 0 14 14" aria-hidden="true" {colour}>{parts}</svg>')


Looks = Mapping[str, Look]


def looks_of(methods: Mapping[str, str]) -> dict[str, Look]:
    """{label: look} of arms, given {label: method}; arms of one method share colour and mark and differ by fill.

    Weights that somebody gave, and methods of one's own, get what is left over, in the order in which they stand.

    >>> found = looks_of({"RigL, 30 %": "rigl", "RigL, 60 %": "rigl", "mine": "given"})
    >>> [(look.colour, look.marker, look.fill) for look in found.values()]
    [('blue', 'o', 'full'), ('blue', 'o', 'none'), ('orange', '^', 'full')]
    """
    left = [each for each in _SPARE if each not in {_METHODS.get(method) for method in methods.values()}] or _SPARE
    found: dict[str, Look] = {}
    turns: dict[tuple[str, Marker], int] = {}
    spare = 0
    for number, (label, method) in enumerate(methods.items()):
        colour, marker = _METHODS.get(method) or left[spare % len(left)]
        spare += method not in _METHODS
        turn = turns.get((colour, marker), 0)
        turns[colour, marker] = turn + 1
        found[label] = Look(colour, marker, _HATCHES[number % len(_HATCHES)], turn)
    return found


def alone(look: Look) -> Look:
    """The look of an arm that is drawn by itself: nothing hatched, since nothing is to be told from it."""
    return replace(look, hatch="")


def series(at: int) -> Look:
    """The at-th of things that are no arms, such as corruptions."""
    colour, marker = _SPARE[at % len(_SPARE)]
    return Look(colour, marker, _HATCHES[at % len(_HATCHES)], at)
