"""Figures that compare arms: each function draws one table and returns a figure in the house's style."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vidsparse.report.figures import charts
from vidsparse.report.figures.charts import INK, LINE, MUTED, PERCENT, POINTS, SMALL, WIDTH
from vidsparse.report.figures.looks import Looks
from vidsparse.tasks import Words

WHISKER: Any = {"ecolor": INK, "elinewidth": 0.9, "capsize": 2}


def gain_forest(table: pd.DataFrame, detectable: float, words: Words, looks: Looks) -> Figure:
    """Gains over dense (`gain`, `gain_low`, `gain_high`) and over static (`static_...`), one row an `arm`."""
    figure, axes = charts.panel(0.9 + 0.34 * max(len(table), 3))
    if np.isfinite(detectable):
        axes.axvspan(-detectable, detectable, color=LINE, alpha=0.6, linewidth=0, label="below what the seeds resolve")
    axes.axvline(0, color=INK, linewidth=1)
    for prefix, filled, label, offset in (("", True, "over dense", -0.15), ("static_", False, "over static", 0.15)):
        for at, row in enumerate(table.to_dict("records")):
            if not np.isnan(row[f"{prefix}gain"]):
                gain, reach = _whiskers(pd.DataFrame([row]), f"{prefix}gain")
                look = looks[row["arm"]]
                whisker: Any = {"ecolor": look.shade, "elinewidth": 1.4, "capsize": 2.5, "linestyle": ""}
                axes.errorbar(gain, [at + offset], xerr=reach, **look.mark(5.5, filled), **whisker)
        if table[f"{prefix}gain"].notna().any():
            face = MUTED if filled else charts.PAPER
            axes.plot([], [], "o", color=MUTED, markerfacecolor=face, markersize=5.5, label=label)
    charts.name_rows(axes, table["arm"])
    axes.set(xlabel=f"gain in {words.robust}, points (95 % interval)")
    axes.xaxis.set_major_formatter(POINTS)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def family_gains(table: pd.DataFrame, looks: Looks) -> Figure:
    """Bars with whiskers of `gain` (`low`, `high`) over dense, one group a `family`, one bar an `arm`."""
    return _grouped(table, "family", looks)


def corruption_gains(table: pd.DataFrame, looks: Looks) -> Figure:
    """The same, one group a `corruption`, the groups of a `family` together under its name."""
    return _grouped(table.sort_values("family", key=_in_order, kind="stable"), "corruption", looks)


def _grouped(table: pd.DataFrame, group: str, looks: Looks) -> Figure:
    names, arms = list(table[group].unique()), list(table["arm"].unique())
    family = dict(zip(table[group], table["family"], strict=True))
    places, heads, place = {}, {}, -1.0
    for before, name in zip([None, *names], names, strict=False):
        if group != "family" and (before is None or family[name] != family[before]):
            heads[place + 1] = str(family[name])
            place += 1
        place += 1
        places[name] = place
    thick = max(1.0, 0.42 * len(arms))
    figure, axes = charts.panel(min(0.9 + 0.24 * thick * (place + 2), 14))
    height = 0.8 / len(arms)
    for number, arm in enumerate(arms):
        part = table[table["arm"] == arm]
        at = np.array([places[name] for name in part[group]]) + (number - (len(arms) - 1) / 2) * height
        gain, reach = _whiskers(part, "gain", "low", "high")
        axes.barh(at, gain, height=0.9 * height, **looks[arm].bar(), label=arm)
        axes.errorbar(gain, at, xerr=reach, linestyle="", **WHISKER)
    axes.axvline(0, color=INK, linewidth=1)
    ticks = {
        **{at: name.replace("_", " ") for name, at in places.items()},
        **{at: n.upper() for at, n in heads.items()},
    }
    axes.set_yticks(list(ticks), list(ticks.values()))
    for tick, text in zip(ticks, axes.get_yticklabels(), strict=True):
        text.set(color=MUTED if tick in heads else INK, fontsize=SMALL)
    axes.set_ylim(place + 0.6, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="gain over dense training, points (95 % interval)")
    axes.xaxis.set_major_formatter(POINTS)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def sparsity_curves(table: pd.DataFrame, growth: Mapping[str, str], words: Words, looks: Looks) -> Figure:
    """`robust` with its interval over `sparsity`, one line a `method`; dense a band; a panel a kind of growth.

    `growth`: {method: "random growth" or "gradient growth"}; methods without one (static) stand in every panel.
    `looks` are those of methods.
    """
    sparse, dense = table[table["sparsity"] > 0], table[table["method"] == "dense"]
    kinds = list(dict.fromkeys(kind for method, kind in growth.items() if method in set(sparse["method"]))) or [""]
    figure = Figure(figsize=(WIDTH, 0.9 + 2.3 * len(kinds)), layout="constrained")
    panels = figure.subplots(len(kinds), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    handles = {}
    for axes, kind in zip(panels, kinds, strict=True):
        for row in dense.to_dict("records"):
            handles["dense, 95 % interval"] = axes.axhspan(row["robust_low"], row["robust_high"], color=LINE, alpha=0.7)
            handles["dense"] = axes.axhline(row["robust"], color=INK, linewidth=1.2, linestyle="--")
        for number, (method, part) in enumerate(sparse.groupby("method", sort=False)):
            if growth.get(str(method), kind) == kind:
                line = part.sort_values("sparsity")
                value, reach = _whiskers(line, "robust")
                x = line["sparsity"] + 0.004 * (number - 1)  # whiskers beside each other
                drawn = axes.errorbar(x, value, yerr=reach, **looks[str(method)].line(), elinewidth=0.9, capsize=2)
                handles[str(line["title"].iloc[0])] = drawn
        axes.set_title(kind, fontsize=9, loc="left")
        axes.set(ylabel=words.robust)
        axes.yaxis.set_major_formatter(PERCENT)
    levels = sorted(sparse["sparsity"].unique())
    panels[-1].set(xlabel="sparsity (share of weights that are zero)", xlim=(levels[0] - 0.05, levels[-1] + 0.05))
    panels[-1].set_xticks(levels, [f"{100 * level:g} %" for level in levels])
    figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=2)
    return figure


def robust_against_clean(table: pd.DataFrame, words: Words, looks: Looks) -> Figure:
    """`robust` over `clean`, one mark an arm, larger where sparser, with intervals; a line of dense's retention."""
    figure, axes = charts.panel(3.7)
    level = {value: at for at, value in enumerate(sorted(table["sparsity"].unique()))}
    for row in table.to_dict("records"):
        look, one = looks[row["arm"]], pd.DataFrame([row])
        (x, wide), (y, tall) = _whiskers(one, "clean"), _whiskers(one, "robust")
        axes.errorbar(x, y, xerr=wide, yerr=tall, ecolor=look.shade, elinewidth=0.6, linestyle="", alpha=0.7)
        axes.plot(x, y, **look.mark(6 + 1.5 * level[row["sparsity"]]), linestyle="", label=row["arm"])
    dense_rows = table[(table["method"] == "dense") & (table["clean"] > 0)]
    if len(dense_rows):
        share = float((dense_rows["robust"] / dense_rows["clean"]).iloc[0])
        across = np.array(axes.get_xlim())
        axes.plot(across, share * across, color=INK, linewidth=0.9, linestyle=":", label="dense's retention")
        axes.set_xlim(*across)
    axes.set_ylim(max(0.0, axes.get_ylim()[0]), min(1.02, axes.get_ylim()[1]))
    axes.set(xlabel=f"clean {words.score}", ylabel=words.robust)
    _percents(axes)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def robust_against_latency(table: pd.DataFrame, words: Words, looks: Looks) -> Figure:
    """`robust` over `median_ms`, one mark an arm, with intervals upward and a line to the right as far as `p95_ms`."""
    figure, axes = charts.panel(3.7)
    for row in table.to_dict("records"):
        look, (y, tall) = looks[row["arm"]], _whiskers(pd.DataFrame([row]), "robust")
        x, late = [row["median_ms"]], [[0.0], [row["p95_ms"] - row["median_ms"]]]
        axes.errorbar(x, y, xerr=late, yerr=tall, ecolor=look.shade, elinewidth=0.6, linestyle="", alpha=0.7)
        axes.plot(x, y, **look.mark(7), linestyle="", label=row["arm"])
    axes.set_xlim(left=0)
    axes.set_ylim(max(0.0, axes.get_ylim()[0]), min(1.02, axes.get_ylim()[1]))
    axes.set(xlabel="measured latency, ms", ylabel=words.robust)
    axes.yaxis.set_major_formatter(PERCENT)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def calibration(table: pd.DataFrame, looks: Looks) -> Figure:
    """`ece_clean` (open) and `ece_corrupted` (filled), one row an `arm`, joined by a line."""
    figure, axes = charts.panel(0.9 + 0.27 * max(len(table), 3))
    rows = np.arange(len(table))
    axes.hlines(rows, table["ece_clean"], table["ece_corrupted"], color=MUTED, linewidth=1.2)
    whole: Any = {"linestyle": "", "clip_on": False}  # a mark at zero is not cut in half
    for name, filled, label in (("ece_clean", False, "clean"), ("ece_corrupted", True, "corrupted, mean over cells")):
        for at, row in enumerate(table.to_dict("records")):
            axes.plot([row[name]], [at], **looks[row["arm"]].mark(6, filled), **whole)
        axes.plot([], [], "o", color=MUTED, markerfacecolor=MUTED if filled else charts.PAPER, label=label)
    charts.name_rows(axes, table["arm"])
    most = np.nanmax([0.05, *table["ece_clean"], *table["ece_corrupted"]])
    axes.set(xlabel="expected calibration error, points", xlim=(0, 1.06 * most))
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _whiskers(table: pd.DataFrame, name: str, low: str = "", high: str = "") -> tuple[pd.Series, Any]:
    """Values and the distances to their bounds, (2, n); no whisker where there is no interval."""
    value = table[name]
    ends = [value - table[low or f"{name}_low"], table[high or f"{name}_high"] - value]
    return value, np.nan_to_num(np.clip(np.array([end.to_numpy(dtype=float) for end in ends]), 0, None))


def _percents(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)


def _in_order(column: "pd.Series[str]") -> "pd.Series[int]":
    return column.map({name: at for at, name in enumerate(column.unique())})
