"""The headline numbers of one run, alone and against its dense control."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.calibration import ece_clean, ece_corrupted
from vidsparse.evaluation.groups import group_of
from vidsparse.evaluation.statistics import ranged_interval
from vidsparse.utils.errors import plural


def summary(table: pd.DataFrame, reference: pd.DataFrame | None = None) -> dict[str, float]:
    """The headline numbers; with a reference also the gain over it. Raises MismatchedTables.

    Intervals are 95 %, over recordings (`groups`), all of them by `ranged_interval`; that of the retention is the
    ratio's, linearised. `gain` is the difference of the robustness accuracies, `relative_gain` that
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
        **undecided(table),
        "clean": metrics.clean_accuracy(table),
        "robust": metrics.robustness_accuracy(table),
        "retention": metrics.retention(table),
    }
    numbers["clean_low"], numbers["clean_high"] = clean_interval(table)
    numbers["robust_low"], numbers["robust_high"] = _interval(scores, table)
    numbers["retention_low"], numbers["retention_high"] = retention_interval([table])
    if "confidence" in table:
        numbers |= {"ece_clean": ece_clean(table), "ece_corrupted": ece_corrupted(table)}
    return numbers if reference is None else numbers | gain_summary(table, reference)


def undecided(table: pd.DataFrame) -> dict[str, int]:
    """How often the network gave no numbers: clean clips, and rows of the table (clips, views and cells)."""
    clean = metrics.clean_rows(table)
    return {
        "undecidable": int(clean.loc[metrics.undecidable(clean), "id"].nunique()),
        "undecidable_rows": int(metrics.undecidable(table).sum()),
    }


def undecided_words(numbers: Mapping[str, float]) -> str:
    """What a person is told of those."""
    return (
        f"The network's logits were no numbers, or the same for every class, in {numbers['undecidable_rows']:,.0f} "
        "rows of predictions.parquet (clips, views and cells), and so for "
        f"{plural(int(numbers['undecidable']), 'clean clip')}; these count"
        " as wrong, and of several views only those with numbers are averaged."
    )


def clean_interval(table: pd.DataFrame) -> tuple[float, float]:
    """The 95 % interval of the clean accuracy of one run, over recordings."""
    clean = metrics.clean_rows(table)
    return _interval(metrics.row_scores(clean).set_axis(clean["id"]), table)


def gain_summary(table: pd.DataFrame, reference: pd.DataFrame) -> dict[str, float]:
    """The part of `summary` that needs a reference; its interval is over paired recordings."""
    metrics.check_comparable(table, reference)
    dense = metrics.robustness_accuracy(reference)
    gain = metrics.robustness_accuracy(table) - dense
    low, high = _interval(metrics.clip_scores(table) - metrics.clip_scores(reference), table, lowest=-1)
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


def retention_interval(tables: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """The 95 % interval of the retention, over recordings and, where there are several tables, seeds; NaN without any.

    To first order R / A is the mean over clips of r + (r_i - r a_i) / A, with r = R / A (Cochran 1977, section 6).
    """
    clean = [metrics.clean_rows(table) for table in tables]
    right = pd.DataFrame([metrics.row_scores(rows).groupby(rows["id"]).mean() for rows in clean]).astype(float)
    kept = pd.DataFrame([metrics.clip_scores(table) for table in tables]).astype(float)
    if kept.empty or right.empty or not right.to_numpy().mean() > 0:
        return math.nan, math.nan
    whole = float(right.to_numpy().mean())
    ratio = float(kept.to_numpy().mean()) / whole
    shares = ratio + (kept - ratio * right[kept.columns]) / whole
    found = ranged_interval(
        shares.to_numpy(), clip_groups(tables[0]).reindex(kept.columns), highest=max(1.0, 2 * ratio)
    )
    return found.low, found.high


def _interval(scores: pd.Series, table: pd.DataFrame, lowest: float = 0.0) -> tuple[float, float]:
    if scores.empty or scores.isna().any():
        return math.nan, math.nan
    found = ranged_interval(scores.to_numpy(dtype=float), clip_groups(table).reindex(scores.index), lowest)
    return found.low, found.high
