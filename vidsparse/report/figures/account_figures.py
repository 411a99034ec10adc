"""Figures of the low-frequency account: marks of arms with whiskers, gains over residuals, differences of curves."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vidsparse.report.figures import charts
from vidsparse.report.figures.charts import INK, PERCENT, POINTS, WIDTH
from vidsparse.report.figures.frequencies import curves, named_once
from vidsparse.report.figures.looks import Looks


def marks(table: pd.DataFrame, value: str, looks: Looks) -> Figure:
    """`value` (`low`, `high`) of each `arm`, a row an arm, a panel a `panel`; the dotted line is the panel's `level`.

    Where there is a column `over`, marks over dense are full and those over static open.
    """
    names = list(table["panel"].unique())
    arms = list(table["arm"].unique())
    figure = Figure(figsize=(WIDTH, 0.6 + len(names) * (0.55 + 0.3 * max(len(arms), 2))), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        part = table[table["panel"] == name]
        axes.axvline(float(part["level"].iloc[0]), color=INK, linewidth=1, linestyle=":")
        for row in part.to_dict("records"):
            look = looks[row["arm"]]
            full = row["over"] == "dense" if "over" in row else None
            place = arms.index(row["arm"]) + (0 if full is None else -0.15 if full else 0.15)
            whisker: Any = {"ecolor": look.shade, "elinewidth": 1.4, "capsize": 2.5, "linestyle": ""}
            ends = np.array([row[value] - row["low"], row["high"] - row[value]])[:, None]
            reach = ends.clip(0) if np.isfinite(ends).all() else None
            axes.errorbar(row[value], place, xerr=reach, **look.mark(5.5, full), **whisker)
        charts.name_rows(axes, arms)
        if value == "correlation":
            axes.set(xlim=(-1.05, 1.05))
        axes.set_title(name, fontsize=9, loc="left")
    return figure


def residual_gains(table: pd.DataFrame, looks: Looks) -> Figure:
    """`gain` over dense training by the high-frequency `share` of each corruption's residual, a mark an `arm`."""
    figure, axes = charts.panel(3.0)
    axes.axhline(0, color=INK, linewidth=1)
    for arm, part in table.groupby("arm", sort=False):
        axes.plot(part["share"], part["gain"], **looks[str(arm)].mark(5.5), linestyle="", label=arm)
    axes.set(xlabel="energy of the residual in high frequencies", ylabel="gain over dense, points", xlim=(-0.02, 1.02))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(POINTS)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def curve_differences(table: pd.DataFrame, radius: str, looks: Looks) -> Figure:
    """`gain` (band `low` to `high`) over `radius`, a panel a `side`, a line an `arm`; radius 0 is in both panels."""
    figure, panels = curves(table, "gain", radius, looks, bands=True)
    for axes in panels:
        axes.axhline(0, color=INK, linewidth=1)
        axes.set(ylabel="over dense, points")
        axes.yaxis.set_major_formatter(POINTS)
    return named_once(figure, panels)
