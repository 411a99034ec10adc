"""Exhibits that test the low-frequency account of a comparison: gains, curves, weights and topology of every arm."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from vidsparse.analysis.low_frequencies import (
    attenuation_gains,
    gain_and_residual,
    high_frequency_shares,
    over_seeds,
    plain_names,
)
from vidsparse.evaluation import metrics
from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.report.arms import Arm, control, paired
from vidsparse.report.figures import account_figures
from vidsparse.report.figures.looks import Looks
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.sections.run_groups import drawn, read, some_arms
from vidsparse.tasks import Definition, Words

DEFINITIONS: tuple[Definition, ...] = (
    (
        "High-frequency share of a residual",
        "|H(C(x) − x)|² / |C(x) − x|²",
        "H keeps more than a quarter of a cycle a pixel (or a frame), half of the highest frequency; the corners of "
        "the spectrum are left out. Spearman’s correlation with gains over corruptions, Bonett and Wright’s interval.",
        "“A Fourier Perspective on Model Robustness”, arXiv 1906.08988; Psychometrika 65 (2000)",
    ),
    (
        "Low-frequency share of weights",
        "∫ |W|² over max(|u|, |v|) < 1/4, over ∫ |W|²",
        "Of each layer’s kernels, without a grid; the mean over layers, as normalisation leaves their scale free. "
        "Independent weights have 1/4 in space and 1/2 in time, under any random mask.",
        "Ours; the squares are those of arXiv 2410.03030, section 5.2",
    ),
)
_LINES = 3  # arms with bands in one figure
_CONTROLS = ("dense", "static")
_AXES = {"space": "in space", "time": "along time"}
_MOVES = {
    "explored": ("weights that were ever part of the network", 1.0),
    "overlap": ("links in the end that were there at the start", 1.0),
    "replaced": ("links changed by updates over links present", 0.0),
}
Pair = tuple[Arm, str, Arm]  # an arm, what its control is called, the control
Analysed = dict[int, pd.DataFrame]  # a table of run/analysis/ by seed


def of_account(arms: Sequence[Arm], looks: Looks, words: Words) -> list[Exhibit]:
    """What can be told of these arms; tables that their runs did not make leave their exhibit out."""
    shares = _shares(arms)
    pairs = list(_pairs(arms))
    return [
        *_residuals(pairs, shares, looks),
        *_curves(pairs, looks, words),
        *_weights(arms, looks),
        *_topology(arms, looks),
    ]


def _pairs(arms: Sequence[Arm]) -> Iterator[Pair]:
    """Each arm, "dense" or "static", and that control of it; static ones are those of dynamic training."""
    for arm in arms:
        for method in _CONTROLS:
            other = control(arm, arms, method)
            plain = arm.first.method == "dense" and not arm.variant
            if other is not None and not plain and (arm.dynamic or method == "dense"):
                yield arm, method, other


def _shares(arms: Sequence[Arm]) -> pd.DataFrame:
    """Of the data, so that those of any run are everybody's."""
    runs = (run for arm in arms for run in arm.runs.values())
    table = next((table for run in runs if (table := read(run, "corruption_spectra")) is not None), None)
    return pd.DataFrame() if table is None else high_frequency_shares(table)


def _residuals(pairs: Sequence[Pair], shares: pd.DataFrame, looks: Looks) -> list[Exhibit]:
    if shares.empty:
        return []
    gains = [(arm, over, _gains(arm, other)) for arm, over, other in pairs]
    table = pd.DataFrame(
        {
            "arm": arm.label,
            "over": over,
            "axis": axis,
            "panel": how,
            "level": 0.0,
            **gain_and_residual(each, shares[axis]),
        }
        for arm, over, each in gains
        for axis, how in _AXES.items()
        if axis in shares
    )
    if table.empty or table["correlation"].isna().all():
        return []
    caption = (
        "Spearman’s correlation, over corruptions, of an arm’s gain with the share of high frequencies in what the "
        "corruption adds. Right of the line: it gains most where high frequencies are disturbed, as the account says. "
        "Full marks over dense, open ones over static. Whiskers: 95 % over corruptions, taken as independent; the "
        "table also has the interval over seeds. Residuals are those of a few clips at the middle severity."
    )
    draw = partial(account_figures.marks, value="correlation", looks=looks)
    found = Exhibit("residual_correlation", "Do gains follow high frequencies?", caption, table, draw)
    points = [_points(arm, each, shares) for arm, over, each in gains if over == "dense"]
    return [found, *(_scatter(pd.concat(points, ignore_index=True), looks) if points else [])]


def _gains(arm: Arm, other: Arm) -> dict[int, pd.Series]:
    """By seed, the gain under each corruption."""
    ours, theirs = paired(arm, other)
    seeds = sorted(set(ours) & set(theirs))
    return {seed: metrics.per_corruption(ours[seed]) - metrics.per_corruption(theirs[seed]) for seed in seeds}


def _points(arm: Arm, gains: Mapping[int, pd.Series], shares: pd.DataFrame) -> pd.DataFrame:
    mean = pd.DataFrame(dict(gains)).mean(axis=1)
    share = shares["space"].reindex(plain_names(mean.index)).to_numpy()
    return pd.DataFrame({"arm": arm.label, "corruption": mean.index, "share": share, "gain": mean.to_numpy()})


def _scatter(table: pd.DataFrame, looks: Looks) -> list[Exhibit]:
    labels, more = drawn(table, _LINES)
    caption = f"A mark a corruption. The account says that marks rise to the right.{more}"
    draw = partial(some_arms, arms=labels, draw=partial(account_figures.residual_gains, looks=looks))
    return [Exhibit("residual_gains", "Gain by what a corruption adds", caption, table, draw)]


def _curves(pairs: Sequence[Pair], looks: Looks, words: Words) -> list[Exhibit]:
    parts, left = [], []
    for arm, over, other in pairs:
        ours, theirs = _alike(arm, other)
        if set(ours) & set(theirs):
            try:
                parts.append(attenuation_gains(ours, theirs).assign(arm=arm.label, over=over))
            except MismatchedTables:
                left.append(f"{arm.label} over {over}")
    if not parts:
        return []
    whole = pd.concat(parts, ignore_index=True)
    others = f" Left out, as their clips or radii differ: {'; '.join(left)}." if left else ""
    return [each for axis in _AXES for each in _difference(whole, axis, looks, words, others)]


def _difference(whole: pd.DataFrame, axis: str, looks: Looks, words: Words, others: str) -> list[Exhibit]:
    table = whole[(whole["axis"] == axis) | (whole["side"] == "none")].drop(columns="axis")
    over_dense = table[table["over"] == "dense"]
    if set(table["side"]) == {"none"} or over_dense.empty:
        return []
    labels, more = drawn(over_dense, _LINES)
    caption = (
        "Accuracy minus that of dense training without these frequencies, paired by clip and seed; bands: 95 % over "
        f"seeds and {words.recordings}. The account says: below its value at 0 where low frequencies are removed, "
        f"above it where high ones are. The table holds the differences from static training too.{more}{others}"
    )
    draw = partial(_over_dense, labels, f"radius r {_AXES[axis]}", looks)
    return [
        Exhibit(f"attenuation_gain_{axis}", f"Difference of the attenuation curves {_AXES[axis]}", caption, table, draw)
    ]


def _alike(arm: Arm, other: Arm) -> tuple[Analysed, Analysed]:
    """The attenuation tables of both by seed; in order of their seeds where they have no seed in common."""
    ours, theirs = _by_seed(arm, "attenuation"), _by_seed(other, "attenuation")
    if set(arm.runs) & set(other.runs):
        return ours, theirs
    return dict(enumerate(ours.values())), dict(enumerate(theirs.values()))


def _over_dense(labels: Sequence[str], radius: str, looks: Looks, table: pd.DataFrame) -> Figure:
    return account_figures.curve_differences(
        table[table["arm"].isin(labels) & (table["over"] == "dense")], radius, looks
    )


def _by_seed(arm: Arm, name: str) -> dict[int, pd.DataFrame]:
    return {seed: table for seed, run in arm.runs.items() if (table := read(run, name)) is not None}


def _weights(arms: Sequence[Arm], looks: Looks) -> list[Exhibit]:
    tables = {arm.label: _by_seed(arm, "weight_frequencies") for arm in arms}
    parts = [part for axis in _AXES for part in _mean_shares(tables, axis)]
    if not parts:
        return []
    caption = (
        "Share of the energy of a layer’s kernels below half of the highest frequency, mean over layers. Dotted: "
        "that of independent weights, which random masks do not change. Right of it, and of dense training: weights "
        "that listen to low frequencies. Whiskers: 95 % over seeds."
    )
    draw = partial(account_figures.marks, value="value", looks=looks)
    table = pd.concat(parts, ignore_index=True)
    return [Exhibit("weight_frequencies", "Weights in low frequencies", caption, table, draw)]


def _mean_shares(tables: Mapping[str, Analysed], axis: str) -> list[pd.DataFrame]:
    """The mean over layers of each arm and seed, over seeds; none where no layer has this axis."""
    seen = {
        label: {seed: part for seed, table in each.items() if len(part := table[table["axis"] == axis])}
        for label, each in tables.items()
    }
    level = next((float(part["of_noise"].mean()) for each in seen.values() for part in each.values()), None)
    if level is None:
        return []
    means = {
        label: {s: float(part["share"].mean()) for s, part in each.items()} for label, each in seen.items() if each
    }
    return [over_seeds(means).assign(axis=axis, panel=_AXES[axis], level=level)]


def _topology(arms: Sequence[Arm], looks: Looks) -> list[Exhibit]:
    parts = []
    for measure, (panel, level) in _MOVES.items():
        values = {arm.label: _moves(arm, measure) for arm in arms if arm.dynamic}
        table = over_seeds({label: each for label, each in values.items() if each})
        parts.append(table.assign(measure=measure, panel=panel, level=level))
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        return []
    caption = (
        "How far training moved the topology. Dotted: all weights were tried; all links were there at the start, which "
        "is so by construction for methods that begin dense; none was changed. Whiskers: 95 % over seeds."
    )
    draw = partial(account_figures.marks, value="value", looks=looks)
    return [Exhibit("topology_moves", "How far the topology moves", caption, table, draw)]


def _moves(arm: Arm, measure: str) -> dict[int, float]:
    """By seed; a run of before there was a table of layers has none."""
    found = {}
    for seed, run in arm.runs.items():
        layers, topology = run.record.layers, run.record.topology
        if layers is not None and topology.nonzero:
            found[seed] = {
                "explored": layers.explored,
                "overlap": layers.overlap,
                "replaced": topology.changed / topology.nonzero,
            }[measure]
    return found
