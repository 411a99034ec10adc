"""Figures of where the weights lie: kernel maps with their test, channels of every layer, both over training."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from vidsparse.report.figures import charts
from vidsparse.report.figures.charts import INK, SMALL, WIDTH
from vidsparse.report.figures.frequencies import SHADES, shortened
from vidsparse.report.figures.looks import Looks

Map = NDArray[np.generic]
Column = tuple[str, str, Mapping[str, Map]]  # heading, what is counted, {layer: map (O, I)}
SIDES = {"output": "output channels", "input": "input channels"}
_FINEST = 128  # squares a side of a drawn map


def kernel_maps(table: pd.DataFrame, columns: Sequence[Column]) -> Figure:
    """Maps of a few layers, one row each, above it what `table` (one row a `layer`) says of its channels."""
    layers = [layer for layer in columns[0][2] if all(layer in maps for _, _, maps in columns)]
    rows = table.set_index("layer")
    figure = Figure(figsize=(WIDTH, 0.5 + 2.05 * len(layers)), layout="constrained")
    parts = figure.subfigures(len(layers), 1, squeeze=False)[:, 0]
    for number, (part, layer) in enumerate(zip(parts, layers, strict=True)):
        part.suptitle(_found(layer, rows.loc[layer]), fontsize=SMALL, x=0.01, ha="left")
        panels = part.subplots(1, len(columns), squeeze=False)[0]
        for axes, (heading, unit, maps) in zip(panels, columns, strict=True):
            whole = np.asarray(maps[layer], np.float32)
            shown = axes.imshow(coarse(whole), cmap=SHADES, vmin=0, aspect="auto", interpolation="nearest",
                                extent=(0, whole.shape[1], whole.shape[0], 0))  # fmt: skip
            bar = part.colorbar(shown, ax=axes, pad=0.02, aspect=12)
            bar.ax.yaxis.set_major_locator(MaxNLocator(3))
            bar.ax.tick_params(labelsize=SMALL)
            axes.set_title(f"{shortened(heading, 24)}:\n{unit}", fontsize=SMALL, loc="left")
            axes.tick_params(labelsize=SMALL)
            axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.grid(visible=False)
            if number == len(layers) - 1:
                axes.set_xlabel("input channel", fontsize=SMALL)
        panels[0].set_ylabel("output channel", fontsize=SMALL)
    return figure


def _found(layer: str, row: Any) -> str:
    """What the test says of one layer, in two or three lines."""
    name = f"{shortened(layer.removesuffix('.weight'), 40)}, density {100 * row['density']:.0f} %"
    if math.isnan(row["output_dispersion"]):
        return f"{name}\nall or none of its weights are there: nothing to test"
    said = [
        f"{side}s: D = {row[f'{side}_dispersion']:.2f} ({probability(row[f'{side}_p_dispersion'])}), "
        f"{row[f'{side}_empty']:.0f} empty ({probability(row[f'{side}_p_empty'])})"
        for side in SIDES
    ]
    return "\n".join([name, *said])


def probability(p: float) -> str:
    """
    >>> probability(0.0312), probability(1e-9), probability(float("nan"))
    ('p = 0.031', 'p < 0.001', 'no p')
    """
    return "no p" if math.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def channels(table: pd.DataFrame, looks: Looks) -> Figure:
    """`dispersion` of each `layer`, a panel a `side`, a mark an `arm`; filled where `p_holm` is below 0.05."""
    table = table.dropna(subset="dispersion")
    layers, arms = list(table["layer"].unique()), list(table["arm"].unique())
    height = min(1.1 + 0.24 * max(len(layers), 4), 10)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, sharex=True)
    place = {layer: at for at, layer in enumerate(layers)}
    for axes, (side, title) in zip(panels, SIDES.items(), strict=True):
        for arm in arms:
            part = table[(table["arm"] == arm) & (table["side"] == side)]
            for sure in (True, False):
                some = part[(part["p_holm"] < 0.05) == sure]
                axes.plot(some["dispersion"], some["layer"].map(place), **looks[arm].mark(4.5, sure), linestyle="")
            axes.plot([], [], **looks[arm].mark(4.5, filled=True), linestyle="", label=arm)
        axes.axvline(1, color=INK, linewidth=1, linestyle="--")
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xscale("log")
        axes.set_xlim(min(axes.get_xlim()[0], 0.5), max(axes.get_xlim()[1], 2))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter("")
    charts.name_layers(panels[0], pd.Series(layers))
    panels[0].tick_params(axis="y", labelsize=SMALL)
    figure.supxlabel("dispersion of their counts (1: a random mask)", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def over_training(table: pd.DataFrame, looks: Looks) -> Figure:
    """`output_dispersion`, `input_dispersion` (medians over layers) and `empty` over `step`, a line an `arm`.

    Channels that are empty have a panel where there are any.
    """
    names = {"output_dispersion": "dispersion,\noutputs", "input_dispersion": "dispersion,\ninputs",
             "empty": "empty\nchannels"}  # fmt: skip
    if not table["empty"].any():
        del names["empty"]  # a line along zero says less than no panel
    figure = Figure(figsize=(WIDTH, 0.4 + 1.4 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 1, sharex=True)
    for axes, (name, label) in zip(panels, names.items(), strict=True):
        for arm in table["arm"].unique():
            part = table[table["arm"] == arm]
            axes.plot(part["step"], part[name], **looks[arm].line(), label=arm)
        if name != "empty":
            axes.axhline(1, color=INK, linewidth=1, linestyle=":")
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, 0.5), max(high, 1.5))
        axes.set(ylabel=label)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=name == "empty"))
    panels[-1].set(xlabel="optimizer step")
    charts.whole_steps(panels[-1])
    if "empty" in names:
        panels[-1].set_ylim(0, max(1.0, 1.05 * float(table["empty"].max())))
    figure.align_ylabels()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def coarse(whole: NDArray[np.float32]) -> NDArray[np.float32]:
    """The map averaged over blocks, at most 128 a side: what a figure can show."""
    for axis in (0, 1):
        count = whole.shape[axis]
        if count > _FINEST:
            starts = np.linspace(0, count, _FINEST, endpoint=False).astype(int)
            sizes = np.diff([*starts, count])
            whole = np.add.reduceat(whole, starts, axis) / np.expand_dims(sizes, 1 - axis)
    return whole
