"""Runs as arms: siblings that differ by their seed alone, each arm against the dense and the static control."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from corruptions import REGISTRY
from vidsparse.evaluation import metrics
from vidsparse.evaluation.calibration import ece_bounds
from vidsparse.evaluation.comparison import arm_numbers, gain_numbers
from vidsparse.evaluation.groups import clip_groups
from vidsparse.evaluation.statistics import clip_interval, holm
from vidsparse.report.run_numbers import scoreboard, scores_of
from vidsparse.report.tables import Run
from vidsparse.report.words import is_at_chance
from vidsparse.run_dir.record import WholeRecord
from vidsparse.sparsity.methods import METHODS

_SHOWN = ("name", "engine", "logging", "analysis", "study", "report", "sample", "sparse")  # not what a run is, or said
Tables = dict[int, pd.DataFrame]


@dataclass(frozen=True)
class Arm:
    """Runs of one method by seed; `label` is unique on the page."""

    label: str
    runs: dict[int, Run]

    @property
    def first(self) -> Run:
        """The run of the lowest seed: what stands for the arm where only one can be shown."""
        return self.runs[min(self.runs)]

    @property
    def sparsity(self) -> float:
        """The sparsity asked for; 0 for dense training."""
        return 0.0 if self.first.method in ("dense", "given") else self.first.record.topology.sparsity

    @property
    def distribution(self) -> str:
        """How its weights are shared out among layers; empty for dense training."""
        return "" if self.first.method in ("dense", "given") else self.first.record.topology.distribution

    @property
    def variant(self) -> str:
        """How it departs from the method and its network: a further control; empty for the method itself."""
        return _variant(self.first.config)

    @property
    def model(self) -> str:
        """The network's name."""
        return self.first.record.model.name

    @property
    def dynamic(self) -> bool:
        """Whether the topology was to change in training."""
        return self.first.is_dynamic

    @cached_property
    def tables(self) -> Tables:
        """Video-level predictions by seed."""
        return {seed: metrics.video_level(run.predictions) for seed, run in self.runs.items()}

    @cached_property
    def is_at_chance(self) -> bool:
        """Whether the mean of its networks' clean accuracies is not above what guessing gives.

        By the 95 % interval over recordings of that mean: these networks are asked about, not those of other seeds,
        whose luck would make two good ones "at chance" where they differ much.
        """
        scores = pd.DataFrame([metrics.clean_scores(table) for table in self.tables.values()]).astype(float).mean()
        low, _ = clip_interval(scores, clip_groups(self.first.predictions))
        return is_at_chance(self.first, {"clean_low": low})


def make_arms(runs: Sequence[Run]) -> list[Arm]:
    """The arms of these runs, in the order of their first runs; runs that differ in more than their seed stay apart."""
    found: dict[str, dict[int, Run]] = {}
    for number, run in enumerate(runs):
        key, seed = _key(run), int((run.config.get("training") or {}).get("seed") or 0)
        arm = found.setdefault(key, {})
        (found.setdefault(f"{key} {number}", {}) if seed in arm else arm)[seed] = run
    arms = [Arm("", members) for members in found.values()]
    models = {arm.model for arm in arms}
    spread = {arm.distribution for arm in arms if arm.distribution}
    short = [
        _short(arm.first)
        + (f", {arm.distribution}" if len(spread) > 1 and arm.distribution else "")
        + (f", {arm.model}" if len(models) > 1 else "")
        + (f", {arm.variant}" if arm.variant else "")
        for arm in arms
    ]
    names = [arm.first.name for arm in arms]
    labels = short if len(set(short)) == len(short) else names
    labels = labels if len(set(labels)) == len(labels) else _folders([arm.first.path for arm in arms])
    return [Arm(label, arm.runs) for label, arm in zip(labels, arms, strict=True)]


def _folders(paths: Sequence[Path]) -> list[str]:
    """Paths from where they part on."""
    whole = [path.resolve() for path in paths]
    return [os.path.relpath(path, os.path.commonpath(whole)) for path in whole]


def control(arm: Arm, arms: Sequence[Arm], method: str) -> Arm | None:
    """The control of an arm: the dense arm of the same network, or the static one of its sparsity and distribution.

    A static arm of another distribution is no control: other layers of it are sparse.
    """
    return next(
        (
            other
            for other in arms
            if other is not arm
            and other.first.method == method
            and not other.variant
            and other.model == arm.model
            and (method == "dense" or (other.sparsity, other.distribution) == (arm.sparsity, arm.distribution))
        ),
        None,
    )


def paired(arm: Arm, other: Arm) -> tuple[Tables, Tables]:
    """The tables of both, seed by seed; in order of their seeds where they have no seed in common."""
    ours, theirs = arm.tables, other.tables
    if set(ours) & set(theirs):
        return ours, theirs
    return dict(enumerate(ours.values())), dict(enumerate(theirs.values()))


def leaderboard(arms: Sequence[Arm]) -> pd.DataFrame:
    """One row an arm, the most robust first; accuracies as shares, means over seeds, intervals over both.

    gain_*: over the dense control; static_gain*: over the static one of the same sparsity and distribution, for
    dynamic arms.
    at_chance: see `Arm.is_at_chance`.
    gain_p_holm is gain_p corrected for the number of arms. parameters (not zero), flops_clip and flops_training
    (theoretical), memory (bytes of the weights as values and a bit mask) and seconds are means over seeds.
    """
    rows = []
    for arm in arms:
        row: dict[str, Any] = {"arm": arm.label, "runs": " ".join(run.name for run in arm.runs.values())}
        row |= {"model": arm.model, "method": arm.first.method, "sparsity": arm.sparsity, "dynamic": arm.dynamic}
        row |= arm_numbers(arm.tables)
        row |= ece_bounds(list(arm.tables.values()), row)
        row["at_chance"] = arm.is_at_chance
        for name, prefix in (("dense", ""), ("static", "static_")):
            other = control(arm, arms, name)
            plain = arm.first.method == "dense" and not arm.variant
            if other and row["robust"] == row["robust"] and not plain and (arm.dynamic or not prefix):
                row |= {f"{prefix}{key}": value for key, value in gain_numbers(*paired(arm, other)).items()}
        rows.append(row | {key: _mean_cost(arm, key) for key in _COSTS})
    table = pd.DataFrame(rows)
    gains = ("gain", "gain_low", "gain_high", "gain_p", "relative_gain", "wins", "ties", "losses")
    wanted = [*gains, *(f"static_{name}" for name in gains)]
    table = table.reindex(columns=[*table.columns, *(name for name in wanted if name not in table)])
    tested = table["gain_p"].notna()
    table.loc[tested, "gain_p_holm"] = holm(table.loc[tested, "gain_p"])
    return table.reindex(columns=[*table.columns.drop("gain_p_holm", errors="ignore"), "gain_p_holm"]).sort_values(
        "robust", ascending=False, kind="stable"
    )


def gains_by_family(arms: Sequence[Arm]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gains over the dense control by corruption, and by family: arm, corruption, family, gain, low, high.

    Intervals are 95 %, over seeds and recordings, not corrected for being many.
    """
    single, whole = [], []
    for arm in arms:
        dense = control(arm, arms, "dense")
        if dense is None or (arm.first.method == "dense" and not arm.variant):
            continue
        ours, theirs = ({seed: _by_corruption(table) for seed, table in each.items()} for each in paired(arm, dense))
        names = list(next(iter(ours.values())))
        families = {name: family_of(name) for name in names}
        for name in names:
            found = _gain({s: p[name] for s, p in ours.items()}, {s: p[name] for s, p in theirs.items()})
            single.append({"arm": arm.label, "corruption": name, "family": families[name], **found})
        for family in dict.fromkeys(families.values()):
            inside = [name for name in names if families[name] == family]
            joined = [{s: pd.concat([p[name] for name in inside]) for s, p in each.items()} for each in (ours, theirs)]
            whole.append({"arm": arm.label, "family": family, "corruptions": len(inside), **_gain(*joined)})
    return pd.DataFrame(single), pd.DataFrame(whole)


def family_of(cell_name: str) -> str:
    """The family of a corruption as it is named in tables, "other" for one that the registry does not know.

    >>> family_of("fog"), family_of("frost (imagenet_c)"), family_of("unheard of")
    ('weather', 'weather', 'other')
    """
    name = cell_name.partition(" (")[0]
    return str(REGISTRY[name].family) if name in REGISTRY else "other"


def mean_board(arm: Arm) -> pd.DataFrame:
    """The arm's accuracy matrix, the mean over its seeds."""
    boards = [scoreboard(scores_of(table)) for table in arm.tables.values()]
    return sum(boards[1:], start=boards[0]) / len(boards)


def _gain(ours: Tables, theirs: Tables) -> dict[str, float]:
    found = gain_numbers(ours, theirs)
    return {"gain": found["gain"], "low": found["gain_low"], "high": found["gain_high"]}


def _by_corruption(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    rows = metrics.corrupted_rows(table)
    return {str(name): part for name, part in rows.groupby(metrics.cell_names(rows), sort=False)}


def _key(run: Run) -> str:
    kept = {key: value for key, value in run.config.items() if key not in _SHOWN}
    kept["training"] = {key: value for key, value in (kept.get("training") or {}).items() if key != "seed"}
    kept["evaluation"] = {key: value for key, value in (kept.get("evaluation") or {}).items() if key != "reference"}
    sparse = {} if run.method == "dense" else run.config.get("sparse")
    said = [run.method, run.record.topology.sparsity, run.record.model.name, run.title, sparse, kept]
    return json.dumps(said, sort_keys=True, default=str)


def _variant(config: Mapping[str, Any]) -> str:
    """What further control a resolved config is of, in words.

    >>> _variant({"model": {"narrowed": 0.5}, "training": {"augmix": {"severity": 3.0, "jsd": 12.0}}})
    'narrowed by 50 %, AugMix with its loss'
    >>> _variant({"sparse": {"method": "rigl", "rearrange": "shuffled"}})
    'links shuffled'
    """
    narrowed = (config.get("model") or {}).get("narrowed") or 0
    rearranged = (config.get("sparse") or {}).get("rearrange")
    augmix = (config.get("training") or {}).get("augmix") or {}
    said = [f"narrowed by {100 * narrowed:.3g} %"] if narrowed else []
    said += [f"links {rearranged}"] if rearranged else []
    said += ["AugMix" + (" with its loss" if augmix.get("jsd") else "")] if augmix.get("severity") else []
    return ", ".join(said)


def _short(run: Run) -> str:
    if run.method in ("dense", "given"):
        return "dense" if run.method == "dense" else run.title
    title = "static" if run.method == "static" else METHODS[run.method].title if run.method in METHODS else run.method
    return f"{title}, {100 * run.record.topology.sparsity:.3g} %"


_COSTS: dict[str, Callable[[WholeRecord], float | None]] = {
    "parameters": lambda record: record.nonzero,
    "flops_clip": lambda record: record.cost.sparse if record.cost else None,
    "flops_training": lambda record: record.cost.training if record.cost else None,
    "memory": lambda record: record.layers.memory.weights.bitmask if record.layers else None,
    "updates": lambda record: record.topology.updates,
    "changed": lambda record: record.topology.changed,
    "seconds": lambda record: sum(record.seconds.values()),
}


def _mean_cost(arm: Arm, key: str) -> float:
    values = [_COSTS[key](run.record) for run in arm.runs.values()]
    return float(np.mean([math.nan if value is None else value for value in values]))
