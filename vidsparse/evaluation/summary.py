"""The headline numbers of one run, alone and against its dense control."""

import math

import numpy as np
import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.calibration import ece_clean, ece_corrupted
from vidsparse.evaluation.groups import group_of
from vidsparse.evaluation.statistics import grouped_bootstrap, share_interval


def summary(table: pd.DataFrame, reference: pd.DataFrame | None = None) -> dict[str, float]:
    """The headline numbers; with a reference also the gain over it. Raises MismatchedTables.

    Intervals are 95 %, over recordings (`groups`): `clean_low/high` by `share_interval`, `robust_low/high` and
    `gain_low/high` by `grouped_bootstrap`. `gain` is the difference of the robustness accuracies, `relative_gain` that
    difference over the reference's; wins, ties and losses count corruptions by their mean over severities. The ECEs
    are there where the table has confidences.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> numbers = summary(example_table())
    >>> numbers["clips"], numbers["clean"], numbers["robust"], numbers["retention"]
    (2, 1.0, 0.75, 0.75)
    """
    clean, matrix, scores = metrics.clean_rows(table), metrics.accuracy_matrix(table), metrics.clip_scores(table)
    numbers: dict[str, float] = {
        "clips": int(metrics.video_level(table)["id"].nunique()),
        "groups": int(clip_groups(table).nunique()),
        "corruptions": matrix.shape[0],
        "severities": matrix.shape[1],
        "undecodable": int(clean.loc[metrics.undecodable(clean), "id"].nunique()),
        "clean": metrics.clean_accuracy(table),
        "robust": metrics.robustness_accuracy(table),
        "retention": metrics.retention(table),
    }
    numbers["clean_low"], numbers["clean_high"] = _clean_interval(clean)
    numbers["robust_low"], numbers["robust_high"] = np.clip(_interval(scores, table), 0, 1).tolist()
    if "confidence" in table:
        numbers |= {"ece_clean": ece_clean(table), "ece_corrupted": ece_corrupted(table)}
    return numbers if reference is None else numbers | gain_summary(table, reference)


def gain_summary(table: pd.DataFrame, reference: pd.DataFrame) -> dict[str, float]:
    """The part of `summary` that needs a reference; its interval is over paired recordings."""
    metrics.check_comparable(table, reference)
    dense = metrics.robustness_accuracy(reference)
    gain = metrics.robustness_accuracy(table) - dense
    low, high = _interval(metrics.clip_scores(table) - metrics.clip_scores(reference), table)
    difference = (metrics.per_corruption(table) - metrics.per_corruption(reference)).round(12)
    return {
        "reference_clean": metrics.clean_accuracy(reference),
        "reference_robust": dense,
        "gain": gain,
        "gain_low": low,
        "gain_high": high,
        "relative_gain": gain / dense if dense > 0 else math.nan,
        "wins": int((difference > 0).sum()),
        "ties": int((difference == 0).sum()),
        "losses": int((difference < 0).sum()),
    }


def clip_groups(table: pd.DataFrame) -> pd.Series:
    """The group of each clip, by id; spelled out by the id where the table has no column `group`.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> clip_groups(example_table()).to_dict()
    {'a': 'a', 'b': 'b'}
    """
    if "group" not in table:
        ids = pd.Index(table["id"].unique(), name="id")
        return pd.Series([group_of(name) for name in ids], index=ids, name="group")
    return table.drop_duplicates("id").set_index("id")["group"]


def _clean_interval(clean: pd.DataFrame) -> tuple[float, float]:
    """Right and wrong answers have the interval of a share, what else is a mean that of the bootstrap."""
    scores, groups = metrics.row_scores(clean), clip_groups(clean).reindex(clean["id"])
    if scores.dtype == bool:
        return share_interval(scores, groups)
    low, high = np.clip(_interval(scores.set_axis(clean["id"]), clean), 0, 1)
    return float(low), float(high)


def _interval(scores: pd.Series, table: pd.DataFrame) -> tuple[float, float]:
    if scores.empty:
        return math.nan, math.nan
    found = grouped_bootstrap(scores, clip_groups(table).reindex(scores.index))
    return found.low, found.high
