"""Exhibits of where the weights lie: maps of a few layers, the channels of all, both over training."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from vidsparse.evaluation.statistics import holm
from vidsparse.report.figures import weight_figures
from vidsparse.report.figures.looks import Looks
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.sections.run_groups import Subjects, Tables, drawn, joined, some_arms
from vidsparse.report.tables import read_log, reading


def kernels(subjects: Subjects, spatial: Tables, dense: str | None) -> list[Exhibit]:
    """Maps of a few layers, the dense one's beside those of the first other subject."""
    stored = {label: runs[0].path / "analysis" / "kernels.npz" for label, runs in list(subjects.items())[:2]}
    stored = {label: path for label, path in stored.items() if path.exists()}
    if not stored:
        return []
    maps: dict[str, dict[str, dict[str, weight_figures.Map]]] = {}
    for label, path in stored.items():
        with reading(path), np.load(path) as arrays:
            maps[label] = {kind: {key[2:]: arrays[key] for key in arrays if key[0] == kind} for kind in "NA"}
    label = next((name for name in stored if name != dense), next(iter(stored)))
    table = spatial.get(label)
    if table is None or not set(maps[label]["N"]) <= set(table["layer"]):
        return []
    counts = maps[label]["N"]
    thinned = [layer for layer, count in counts.items() if count.min() < count.max()]
    columns: list[weight_figures.Column] = [(label, "sum of |w|", maps[label]["A"])]
    if thinned:
        columns.append((label, "non-zeros", {layer: counts[layer] for layer in thinned}))
    if dense in stored and label != dense:
        columns.insert(0, (dense, "sum of |w|", maps[dense]["A"]))
    caption = (
        "A square a kernel, white where it has no weight; a few layers from first to last, full ones left out. White "
        "lines across or down are channels that training gave up. D is how much more unequal the channels are than "
        "those of a random mask of the same density, where it is 1; p: how often a random mask is as unequal, or has "
        "as many empty channels."
    )
    draw = partial(weight_figures.kernel_maps, columns=columns)
    return [Exhibit("kernel_maps", "Where the weights of a layer are", caption, table, draw)]


def channels(spatial: Tables, looks: Looks) -> list[Exhibit]:
    """Dispersion of every layer that has a mask, with p-values against a random one."""
    tested = {label: _tested(table) for label, table in spatial.items()}
    tested = {label: table for label, table in tested.items() if table["dispersion"].notna().any()}
    if not tested:
        return []
    whole = joined(tested)
    arms, more = drawn(whole, lines=3)
    caption = (
        "Right of the dashed line the weights of a layer keep to some channels and leave others. Filled marks: more "
        f"than a random mask would, p < 0.05 after Holm's correction over layers and sides.{more}"
    )
    draw = partial(some_arms, arms=arms, draw=partial(weight_figures.channels, looks=looks))
    return [Exhibit("channels", "How unequally channels keep their weights", caption, whole, draw)]


def _tested(table: pd.DataFrame) -> pd.DataFrame:
    """One row a (layer, side): channels, empty, expected, p_empty, dispersion, p_dispersion, and p_holm of the last."""
    names = ["channels", "empty", "expected", "p_empty", "dispersion", "p_dispersion"]
    sides = [
        table[["layer", *(f"{side}_{name}" for name in names)]].set_axis(["layer", *names], axis=1).assign(side=side)
        for side in weight_figures.SIDES
    ]
    whole = pd.concat(sides, ignore_index=True)
    there = whole["p_dispersion"].notna()
    whole.loc[there, "p_holm"] = holm(whole.loc[there, "p_dispersion"])
    return whole.reindex(columns=["layer", "side", *names, "p_holm"])


def over_training(subjects: Subjects, looks: Looks) -> list[Exhibit]:
    """structure.csv over steps."""
    paths = {label: runs[0].path / "structure.csv" for label, runs in subjects.items()}
    tables = {label: _structure(path) for label, path in paths.items() if path.exists()}
    tables = {
        label: table for label, table in tables.items() if len(table) > 1 and table["output_dispersion"].notna().any()
    }
    if not tables:
        return []
    whole = joined(tables)
    arms, more = drawn(whole)
    caption = (
        "Medians over layers; the dotted line is a random mask. A rising line is training that draws the weights "
        f"together in some channels; a static mask stays where it began.{more}"
    )
    draw = partial(some_arms, arms=arms, draw=partial(weight_figures.over_training, looks=looks))
    return [Exhibit("structure_training", "Structure of the masks over training", caption, whole, draw)]


def _structure(path: Path) -> pd.DataFrame:
    with reading(path):
        by_step = read_log(path).groupby("step")
        found = by_step[["output_dispersion", "input_dispersion"]].median()
        return found.assign(empty=by_step[["empty_outputs", "empty_inputs"]].sum().sum(axis=1)).reset_index()
