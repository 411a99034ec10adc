"""The headline numbers of one run, alone and against its dense control: counted, then with their intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.calibration import ece, ece_corrupted
from vidsparse.evaluation.groups import clip_groups
from vidsparse.evaluation.statistics import clip_interval, ratio_interval
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
    groups, clean, matrix = clip_groups(table), metrics.clean_rows(table), metrics.accuracy_matrix(table)
    right, kept = metrics.clean_scores(table), metrics.clip_scores(table)
    over = None if reference is None else gain_over(table, reference)
    numbers: dict[str, float] = {
        "clips": int(metrics.video_level(table)["id"].nunique()),
        "groups": int(groups.nunique()),
        "corruptions": matrix.shape[0],
        "severities": matrix.shape[1],
        "undecodable": int(clean.loc[metrics.undecodable(clean), "id"].nunique()),
        **metrics.undecided(table),
        "clean": metrics.clean_accuracy(table),
        "robust": metrics.robustness_accuracy(table),
        "retention": metrics.retention(table),
    }
    by_clip = metrics.clean_clip_scores(table)
    numbers["clean_low"], numbers["clean_high"] = clip_interval(right, groups)
    numbers["robust_low"], numbers["robust_high"] = clip_interval(kept, groups)
    numbers["retention_low"], numbers["retention_high"] = ratio_interval([kept], [by_clip], groups)
    if "confidence" in table:
        numbers |= {"ece_clean": ece(clean), "ece_corrupted": ece_corrupted(table)}
    if over is None:
        return numbers
    low, high = clip_interval(over.by_clip, groups, lowest=-1)  # over paired recordings
    reference_low, reference_high = clip_interval(over.reference_right, groups)
    return numbers | {
        "reference_clean": over.reference_clean,
        "reference_clean_low": reference_low,
        "reference_clean_high": reference_high,
        "reference_robust": over.reference_robust,
        "gain": over.gain,
        "gain_low": low,
        "gain_high": high,
        "relative_gain": over.gain / over.reference_robust if over.reference_robust > 0 else math.nan,
        "wins": over.wins,
        "ties": over.ties,
        "losses": over.losses,
    }


def undecided_words(numbers: Mapping[str, float]) -> str:
    """What a person is told of those.

    >>> undecided_words({"undecidable": 1, "undecidable_rows": 5}).split(";")[1]
    ' these count as wrong, and of several views only those with numbers are averaged.'
    """
    return (
        f"The network's logits were no numbers, or the same for every class, in {numbers['undecidable_rows']:,.0f} "
        "rows of predictions.parquet (clips, views and cells), and so for "
        f"{plural(int(numbers['undecidable']), 'clean clip')}; these count"
        " as wrong, and of several views only those with numbers are averaged."
    )


def clean_interval(table: pd.DataFrame) -> tuple[float, float]:
    """The 95 % interval of the clean accuracy of one run, over recordings.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> worse = example_table().assign(prediction=0)
    >>> [round(end, 2) for end in clean_interval(worse)]  # one of two clips right
    [0.0, 1.0]
    """
    return clip_interval(metrics.clean_scores(table), clip_groups(table))


def retention_interval(tables: Sequence[pd.DataFrame]) -> tuple[float, float]:
    """The 95 % interval of the retention, over recordings and, where there are several tables, seeds; NaN without any.

    It is the ratio's of what clips keep to what they have when clean, see `statistics.ratio_interval`.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> [round(end, 2) for end in retention_interval([example_table()])]
    [0.0, 1.5]
    """
    kept, right = map(metrics.clip_scores, tables), map(metrics.clean_clip_scores, tables)
    return ratio_interval(list(kept), list(right), clip_groups(tables[0]))


@dataclass(frozen=True)
class GainOver:
    """Robustness accuracies of a run and its reference: `gain` is their difference, `by_clip` that of each clip.

    wins, ties and losses count corruptions by their mean over severities. `reference_right`: of each clean clip.
    """

    reference_clean: float
    reference_robust: float
    gain: float
    wins: int
    ties: int
    losses: int
    by_clip: pd.Series
    reference_right: pd.Series


def gain_over(table: pd.DataFrame, reference: pd.DataFrame) -> GainOver:
    """What a run gains over its reference. Raises MismatchedTables.

    >>> from vidsparse.evaluation import metrics
    >>> worse = metrics.example_table().assign(prediction=0)
    >>> found = gain_over(metrics.example_table(), worse)
    >>> found.gain, found.wins, found.ties, found.losses
    (0.25, 1, 0, 0)
    """
    metrics.check_comparable(table, reference)
    dense = metrics.robustness_accuracy(reference)
    difference = (metrics.per_corruption(table) - metrics.per_corruption(reference)).round(12)
    return GainOver(
        reference_clean=metrics.clean_accuracy(reference),
        reference_robust=dense,
        gain=metrics.robustness_accuracy(table) - dense,
        wins=int((difference > 0).sum()),
        ties=int((difference == 0).sum()),
        losses=int((difference < 0).sum()),
        by_clip=metrics.clip_scores(table) - metrics.clip_scores(reference),
        reference_right=metrics.clean_scores(reference),
    )
