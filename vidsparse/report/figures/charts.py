"""Figures: each function draws one table and returns a Matplotlib figure; nothing global, no pyplot, no window.

All are 4.5 inches wide and no letter is smaller than 8.5 pt, so that they stay legible on a phone. Colours come from
the palette by value; the page's SVG has them as CSS variables (`inline_svg`), so one drawing serves light, dark and
print.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from vidsparse.report.figures.looks import Look, Looks
from vidsparse.report.figures.palette import LIGHT
from vidsparse.tasks import Words

WIDTH = 4.5  # inches
INK, MUTED, LINE, PAPER = LIGHT["ink"], LIGHT["muted"], LIGHT["line"], LIGHT["paper"]
BLUE, ORANGE, GREEN = LIGHT["blue"], LIGHT["orange"], LIGHT["green"]
STYLE: Any = {
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "hatch.color": PAPER,
    "hatch.linewidth": 0.8,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "savefig.facecolor": PAPER,
}
PERCENT = PercentFormatter(xmax=1, decimals=0, symbol=" %")
POINTS = FuncFormatter(lambda value, _: f"{round(100 * value, 6):+g}".replace("-", "−") if value else "0")
DENSE, RIGL = Look("ink", "D"), Look("blue", "o")
SMALL = 8.5  # pt, of the smallest letters


# what a matplotlibrc of the user says, such as text.usetex, is for the user's own figures
_DEFAULTS: dict[str, Any] = {
    key: value for key, value in matplotlib.rcParamsDefault.items() if not key.startswith(("backend", "date.epoch"))
}


@contextmanager
def style() -> Iterator[None]:
    """The house style, for drawing and for saving."""
    with matplotlib.rc_context(_DEFAULTS | STYLE):
        yield


def corruption_bars(table: pd.DataFrame, clean: float, chance: float, words: Words, look: Look = RIGL) -> Figure:
    """Bars of the column `accuracy` (0..1), one a corruption; diamonds for the column `reference`, if there is one."""
    figure, axes = panel(_tall(len(table)))
    rows = np.arange(len(table))
    axes.barh(rows, table["accuracy"], height=0.62, color=look.shade)
    for row, value in enumerate(table["accuracy"]):
        axes.text(1.02, row, f"{100 * value:.1f}", transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
    if "reference" in table:
        axes.plot(table["reference"], rows, **DENSE.mark(4.5), linestyle="", label="dense")
    axes.axvline(clean, color=INK, linewidth=1, linestyle="--", label="clean")
    axes.axvline(chance, color=INK, linewidth=1, linestyle=":", label=words.chance)
    name_rows(axes, spaced(table.index))
    axes.set(xlabel=f"{words.score}, mean over severities", xlim=(0, 1.04 * max(table.max().max(), clean, chance)))
    axes.xaxis.set_major_formatter(PERCENT)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def gain_bars(table: pd.DataFrame, words: Words, look: Look = RIGL) -> Figure:
    """Bars of the gain of a run (the one column, -1..1) over the dense reference, one a corruption."""
    figure, axes = panel(_tall(len(table)))
    rows, gains = np.arange(len(table)), table.iloc[:, 0]
    bars = axes.barh(rows, gains, height=0.65, color=look.shade)
    labels = [f"{100 * value:+.1f}".replace("-", "−") for value in gains]
    axes.bar_label(bars, labels, padding=3, fontsize=SMALL, color=INK)
    axes.axvline(0, color=INK, linewidth=1)
    name_rows(axes, spaced(table.index))
    reach = 1.35 * max(float(gains.abs().max()), 0.03)
    axes.set(xlabel=f"gain over dense training, points of {words.score}", xlim=(-reach, reach))
    axes.xaxis.set_major_formatter(POINTS)
    return figure


def severity_curves(table: pd.DataFrame, looks: Looks, chance: float, words: Words) -> Figure:
    """Scores (0..1) over severity (rows, 0 is clean): columns that have a look drawn out, others thin and grey."""
    figure, axes = panel(3.3)
    thin = table.columns.difference([*looks], sort=False)
    axes.plot(table.index, table[thin], color=MUTED, alpha=0.45, linewidth=0.9)
    for name in (each for each in looks if each in table):
        axes.plot(table.index, table[name], **looks[name].line(5.5), label=name)
    if len(thin):
        axes.plot([], [], color=MUTED, alpha=0.6, linewidth=0.9, label="each corruption")
    axes.axhline(chance, color=INK, linewidth=1, linestyle=":", label=words.chance)
    axes.set(xlabel="severity", ylabel=words.score, ylim=(0, None))
    axes.set_xticks(list(table.index), ["clean" if level == 0 else str(level) for level in table.index])
    axes.yaxis.set_major_formatter(PERCENT)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def training_curves(table: pd.DataFrame, right: str = "accuracy") -> Figure:
    """Loss, accuracy (called `right`) and learning rate over `step`, stacked; `val_accuracy` where measured."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    loss, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2))
    lone: Any = {"marker": "o"} if len(table) == 1 else {}  # one step makes no line
    loss.plot(table["step"], table["loss"], color=BLUE, **lone)
    loss.set(ylabel="loss", ylim=(0, None))
    accuracy.plot(table["step"], table["accuracy"], color=BLUE, label="train", **lone)
    if "val_accuracy" in table and table["val_accuracy"].notna().any():
        seen = table.dropna(subset="val_accuracy")
        accuracy.plot(seen["step"], seen["val_accuracy"], "o--", color=ORANGE, markersize=4, label="held out")
        accuracy.legend(loc="lower right")
    accuracy.set(ylabel=right, ylim=(0, 1.02))
    accuracy.yaxis.set_major_formatter(PERCENT)
    rate.plot(table["step"], table["learning_rate"], color=GREEN, **lone)
    rate.set(ylabel="learning rate", xlabel="optimizer step", ylim=(0, None))
    whole_steps(rate)
    figure.align_ylabels()
    return figure


def layer_densities(table: pd.DataFrame, mean: float) -> Figure:
    """Bars of `density` (0..1), one a layer in the order of the network; at most some forty of them are named."""
    figure, axes = panel(min(_tall(len(table)), 7.5))
    axes.barh(np.arange(len(table)), table["density"], height=0.7, color=BLUE)
    axes.axvline(mean, color=INK, linewidth=1, linestyle="--", label=f"whole model, {100 * mean:.1f} %")
    name_layers(axes, table["name"])
    axes.set(xlabel="density (share of weights that are not zero)", xlim=(0, 1.02))
    axes.xaxis.set_major_formatter(PERCENT)
    figure.legend(loc="outside upper right")
    return figure


def topology_updates(table: pd.DataFrame) -> Figure:
    """Connections `changed` at each update and their running total over `step`, stacked."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    each, total = figure.subplots(2, 1, sharex=True)
    each.vlines(table["step"], 0, table["changed"], color=BLUE, linewidth=2)
    each.plot(table["step"], table["changed"], "o", color=BLUE, markersize=4)
    each.set(ylabel="changed\nat the update", ylim=(0, None))
    total.step(table["step"], table["changed"].cumsum(), where="post", color=ORANGE)
    total.set(ylabel="changed\nso far", xlabel="optimizer step", ylim=(0, None))
    for axes in (each, total):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    whole_steps(total)
    figure.align_ylabels()
    return figure


def whole_steps(axes: Axes) -> None:
    """Ticks across at whole numbers: there is no half a step."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def binned(table: pd.DataFrame, bins: int = 300) -> pd.DataFrame:
    """The table's rows averaged in at most `bins` runs of neighbours: what a curve can show."""
    width = -(-len(table) // bins)
    return table.groupby(np.arange(len(table)) // width).mean(numeric_only=True)


def finish(figure: Figure, note: str = "") -> Figure:
    """Set `note` small in the lower right corner and lay the figure out, once for all formats."""
    if note:
        figure.supxlabel(note, x=0.995, ha="right", fontsize=SMALL, color=MUTED)
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)  # "none" would draw it twice for each format
    return figure


def save(figure: Figure, path: Path, formats: Sequence[str] = ("png", "pdf")) -> None:
    """Write the figure to `path` with the ending of each format: PNG at 200 dots an inch, PDF whose letters stay."""
    options: dict[str, Any] = {"png": {"dpi": 200, "metadata": {"Software": None}},
                               "pdf": {"metadata": {"CreationDate": None}}}  # fmt: skip
    with style():
        for kind in formats:
            figure.savefig(path.with_suffix(f".{kind}"), **options[kind])


def inline_svg(figure: Figure, title: str) -> str:
    """The figure as an <svg> element for the page: scalable, no ids but the ones it uses, colours as CSS variables."""
    buffer = StringIO()
    with style(), matplotlib.rc_context({"svg.hashsalt": title}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'(<image [^>]*?) id="[^"]*"', r"\1", svg)
    svg = re.sub(r' (xmlns(:xlink)?|width|height|version)="[^"]*"', "", svg, count=5)
    for name, colour in LIGHT.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg.replace("<svg", '<svg role="img" aria-hidden="true"', 1)


def panel(height: float) -> tuple[Figure, Axes]:
    """One plot of the house's width, `height` in inches."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def name_layers(axes: Axes, names: "pd.Series[str]") -> None:
    """Rows for layers in the order of the network; at most some forty are named."""
    every = -(-len(names) // 40)
    axes.set_yticks(np.arange(0, len(names), every), [ending(each, 28) for each in names.iloc[::every]])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    axes.grid(axis="y", visible=False)


def ending(name: str, width: int) -> str:
    """The name of a layer without ".weight", its end alone where it is longer than `width` letters.

    >>> ending("blocks.1.res_blocks.0.branch2.conv_a.weight", 12)
    '…nch2.conv_a'
    """
    name = name.removesuffix(".weight")
    return name if len(name) <= width else "…" + name[1 - width :]


def spaced(names: "pd.Index") -> list[str]:
    """Names of corruptions as words."""
    return [str(name).replace("_", " ") for name in names]


def name_rows(axes: Axes, names: "Sequence[str] | pd.Series[str]") -> None:
    """Rows from the top down, each with its name."""
    axes.set_yticks(np.arange(len(names)), list(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _tall(rows: float) -> float:
    return 0.9 + 0.24 * max(rows, 3)


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"
