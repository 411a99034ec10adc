"""Figures of what a network does at each frequency: attenuation curves, Fourier heat maps, power spectra."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from vidsparse.report.figures import charts
from vidsparse.report.figures.charts import INK, PAPER, PERCENT, SMALL, WIDTH
from vidsparse.report.figures.looks import Looks, series
from vidsparse.report.figures.palette import LIGHT

SHADES = LinearSegmentedColormap.from_list("shades", [PAPER, LIGHT["sky"], LIGHT["blue"], INK])  # lightness falls
SIGNED = LinearSegmentedColormap.from_list("signed", [LIGHT["orange"], PAPER, LIGHT["blue"]])
UNITS = {"space": "cycles a pixel", "time": "cycles a frame"}
_REMOVED = {"low": "low frequencies removed", "high": "high frequencies removed"}
BANDS = 2  # arms whose intervals are drawn as bands


def attenuation(table: pd.DataFrame, radius: str, looks: Looks, chance: float) -> Figure:
    """`accuracy` (`low`, `high`) over `radius`, a panel a `side`, a line an `arm`; radius 0 stands in both panels."""
    figure, panels = curves(table, "accuracy", radius, looks, bands=table["arm"].nunique() <= BANDS)
    for axes in panels:
        axes.axhline(chance, color=INK, linewidth=1, linestyle=":", label="chance")
        axes.set(ylabel="accuracy", ylim=(0, 1.02))
        axes.yaxis.set_major_formatter(PERCENT)
    return named_once(figure, panels)


def curves(table: pd.DataFrame, value: str, radius: str, looks: Looks, bands: bool) -> tuple[Figure, list[Axes]]:
    """`value`, and `low` to `high` as a band where `bands`, over `radius`: a panel a `side`, a line an `arm`."""
    sides = [side for side in _REMOVED if side in set(table["side"])]
    figure = Figure(figsize=(WIDTH, 0.8 + 1.9 * len(sides)), layout="constrained")
    panels: list[Axes] = list(figure.subplots(len(sides), 1, sharex=True, sharey=True, squeeze=False)[:, 0])
    for axes, side in zip(panels, sides, strict=True):
        for arm in table["arm"].unique():
            part = table[(table["arm"] == arm) & table["side"].isin([side, "none"])].sort_values("radius")
            line = looks[arm].line()
            axes.plot(part["radius"], part[value], **line, label=arm)
            if bands:
                axes.fill_between(
                    part["radius"], part["low"], part["high"], color=line["color"], alpha=0.1, linewidth=0
                )
        axes.set_title(_REMOVED[side], fontsize=9, loc="left")
    panels[-1].xaxis.set_major_locator(MaxNLocator(6, integer=True))
    panels[-1].set(xlabel=f"{radius}, frequency bins (0: nothing removed)")
    return figure, panels


def named_once(figure: Figure, panels: list[Axes]) -> Figure:
    """The figure with one legend for all panels, which show the same."""
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def fourier(table: pd.DataFrame, clips: int) -> Figure:
    """Heat maps of `error` over `u` (across) and `v` (down), a panel an `arm`; of two, the second minus the first.

    A plus stands where the difference is positive beyond what so many `clips` resolve (95 %), to be read without
    colour; no scale is narrower than that, so that noise stays pale.
    """
    maps = {arm: part.pivot(index="v", columns="u", values="error") for arm, part in table.groupby("arm", sort=False)}
    mean = float(table["error"].mean())
    noise = max(1.96 * math.sqrt(mean * (1 - mean) / clips), 0.01)  # of one cell
    least, most = float(table["error"].min()), float(table["error"].max())
    drawn: list[tuple[str, pd.DataFrame, Any]] = [
        (str(arm), errors, {"cmap": SHADES, "vmin": least, "vmax": max(most, least + 2 * noise)})
        for arm, errors in maps.items()
    ]
    if len(maps) == 2:
        dense, sparse = maps.values()
        reach = max(float((sparse - dense).abs().max().max()), math.sqrt(2) * noise)
        drawn.append(("difference", sparse - dense, {"cmap": SIGNED.reversed(), "vmin": -reach, "vmax": reach}))
    figure = Figure(figsize=(WIDTH, 3.6 if len(drawn) == 1 else 2.6), layout="constrained")
    panels = figure.subplots(1, len(drawn), squeeze=False, sharey=True)[0]
    for axes, (title, errors, shades) in zip(panels, drawn, strict=True):
        mesh = axes.pcolormesh(
            errors.columns, errors.index, errors.to_numpy(), **shades, edgecolors="face", linewidth=0.2
        )
        signed = title == "difference"
        if signed:
            v, u = np.nonzero(errors.to_numpy() >= math.sqrt(2) * noise)
            axes.plot(errors.columns[u], errors.index[v], "+", color=INK, markersize=4, markeredgewidth=0.7)
        bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", aspect=14, pad=0.03)
        bar.ax.xaxis.set_major_locator(MaxNLocator(3 if len(drawn) > 1 else 6))
        bar.ax.xaxis.set_major_formatter(charts.POINTS if signed else PERCENT)
        bar.set_label("error, points" if signed else "error")
        axes.set_title(shortened(title, 18 if len(drawn) > 1 else 60), fontsize=9, loc="left")
        axes.set(xlabel="u, periods across", aspect="equal")
        axes.grid(visible=False)
    panels[0].set(ylabel="v, periods down")
    return figure


def filter_spectra(table: pd.DataFrame, looks: Looks) -> Figure:
    """`power` over `frequency`, a panel an `axis`, a line an `arm`; in units of the mean of the line."""
    axes_of = list(table["axis"].unique())
    figure = Figure(figsize=(WIDTH, 0.8 + 1.9 * len(axes_of)), layout="constrained")
    panels = figure.subplots(len(axes_of), 1, squeeze=False)[:, 0]
    for axes, axis in zip(panels, axes_of, strict=True):
        for arm in table["arm"].unique():
            part = table[(table["axis"] == axis) & (table["arm"] == arm)]
            power = part["power"] / part["power"].mean()
            axes.plot(part["frequency"], power, **looks[arm].line(), markevery=3, label=arm)
        axes.set(xlabel=f"frequency, {UNITS[axis]}", ylabel="power over its mean", ylim=(0, None))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def corruption_spectra(table: pd.DataFrame, axis: str, families: Mapping[str, str]) -> Figure:
    """`power` over `frequency`, a line a `corruption`, a panel a family of them, clean clips dashed in each."""
    clean = table[table["corruption"] == "clean"]
    kinds: dict[str, list[str]] = {}
    for name in table["corruption"].unique():
        if name != "clean":
            kinds.setdefault(families[name], []).append(name)
    heights = [max(1.0, 0.19 * (len(names) + 1)) for names in kinds.values()]
    figure = Figure(figsize=(WIDTH, 0.6 + sum(heights) + 0.28 * len(heights)), layout="constrained")
    panels = figure.subplots(len(kinds), 1, sharex=True, sharey=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (kind, names) in zip(panels, kinds.items(), strict=True):
        axes.plot(clean["frequency"], clean["power"], color=INK, linewidth=1, linestyle="--", label="clean clips")
        for at, name in enumerate(names):
            part = table[table["corruption"] == name]
            power = part["power"].where(part["power"] > 1e-12)
            line = series(at).line(5) | {"linewidth": 1.2}
            axes.plot(part["frequency"], power, **line, markevery=max(1, len(part) // 6), label=name.replace("_", " "))
        axes.set_title(kind, fontsize=9, loc="left")
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.05), fontsize=SMALL, handlelength=2.4, borderaxespad=0)
        _logarithmic(axes)
    panels[-1].set(xlabel=f"frequency, {UNITS[axis]}")
    figure.supylabel("power, pixels scaled to 0 .. 1", fontsize=9)
    return figure


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.minorticks_off()
    axes.tick_params(axis="y", labelsize=SMALL)


def shortened(text: str, width: int) -> str:
    """At most `width` letters, the last an ellipsis where some are left out."""
    return text if len(text) <= width else text[: width - 1] + "…"
