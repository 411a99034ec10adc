"""Two ways of training compared over seeds: an arm is {seed: predictions table}, paired with another seed by seed."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.calibration import ece_clean, ece_corrupted
from vidsparse.evaluation.groups import clip_groups
from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.evaluation.statistics import (
    Interval,
    detectable_difference,
    holm,
    pooled_sd,
    ranged_interval,
    sign_test,
)
from vidsparse.evaluation.summary import retention_interval

Arm = Mapping[int, pd.DataFrame]


def arm_numbers(arm: Arm) -> dict[str, float]:
    """Means over the arm's seeds: clean and robustness accuracy with 95 % intervals over seeds and recordings, ...

    `robust_sd` is the standard deviation over seeds; NaN for one seed, as are the ECEs of tables without confidences.

    >>> found = arm_numbers({0: metrics.example_table()})
    >>> found["seeds"], found["clips"], found["clean"], found["robust"]
    (1, 2, 1.0, 0.75)
    """
    tables = list(arm.values())
    robust = [metrics.robustness_accuracy(table) for table in tables]
    clean_at, robust_at = _over_seeds(arm, "clean"), _over_seeds(arm, "corrupted")
    sure, kept = all("confidence" in table for table in tables), retention_interval(tables)
    return {
        "seeds": len(tables),
        "clips": int(metrics.video_level(tables[0])["id"].nunique()),
        "groups": int(clip_groups(tables[0]).nunique()),
        "clean": _mean([metrics.clean_accuracy(table) for table in tables]),
        "clean_low": clean_at.low,
        "clean_high": clean_at.high,
        "robust": _mean(robust),
        "robust_low": robust_at.low,
        "robust_high": robust_at.high,
        "robust_sd": float(np.std(robust, ddof=1)) if len(robust) > 1 else math.nan,
        "retention": _mean([metrics.retention(table) for table in tables]),
        "retention_low": kept[0],
        "retention_high": kept[1],
        "ece_clean": _mean([ece_clean(table) for table in tables]) if sure else math.nan,
        "ece_corrupted": _mean([ece_corrupted(table) for table in tables]) if sure else math.nan,
    }


def gain_numbers(arm: Arm, control: Arm) -> dict[str, float]:
    """Gain in robustness accuracy over the control, paired by seed, clip and cell, with its interval and p-value.

    Interval and p are `ranged_interval`'s over seeds and recordings. wins, ties and losses count corruptions by their
    mean over severities and seeds; `wins_p` is their exact sign test, which takes corruptions as independent although
    they share clips. Raises MismatchedTables where no seed is in both, or tables differ in clips or cells.

    >>> control = {0: metrics.example_table().assign(prediction=0)}
    >>> found = gain_numbers({0: metrics.example_table()}, control)
    >>> found["paired_seeds"], found["gain"], found["wins"], found["losses"]
    (1, 0.25, 1, 0)
    """
    pairs = _pairs(arm, control)
    found = _difference(pairs, None)
    dense = _mean([metrics.robustness_accuracy(theirs) for _, theirs in pairs])
    differences = [metrics.per_corruption(a) - metrics.per_corruption(b) for a, b in pairs]
    by_corruption = pd.concat(differences, axis=1).mean(axis=1).round(12)
    wins, losses = int((by_corruption > 0).sum()), int((by_corruption < 0).sum())
    return {
        "paired_seeds": len(pairs),
        "gain": found.estimate,
        "gain_low": found.low,
        "gain_high": found.high,
        "gain_p": found.p,
        "relative_gain": found.estimate / dense if dense > 0 else math.nan,
        "clean_gain": _mean([metrics.clean_accuracy(a) - metrics.clean_accuracy(b) for a, b in pairs]),
        "wins": wins,
        "ties": len(by_corruption) - wins - losses,
        "losses": losses,
        "wins_p": sign_test(wins, losses),
    }


def gains_by_corruption(arm: Arm, control: Arm) -> pd.DataFrame:
    """One row a corruption: gain and its 95 % interval, and an exact sign test over recordings with Holm's correction.

    Columns: corruption, gain, low, high, relative_gain, groups_for, groups_against (recordings whose clips do better
    or worse, over all severities and seeds), p, p_holm. Intervals are not corrected for being many.

    >>> control = {0: metrics.example_table().assign(prediction=0)}
    >>> gains_by_corruption({0: metrics.example_table()}, control)[["corruption", "gain", "p"]].to_dict("list")
    {'corruption': ['fog'], 'gain': [0.25], 'p': [1.0]}
    """
    pairs = _pairs(arm, control)
    rows = []
    for name in metrics.accuracy_matrix(pairs[0][0]).index:
        found = _difference(pairs, name)
        dense = _mean([float(metrics.per_corruption(theirs)[name]) for _, theirs in pairs])
        by_group = _by_group(pairs, name)
        better, worse = int((by_group > 1e-12).sum()), int((by_group < -1e-12).sum())
        rows.append(
            {
                "corruption": name,
                "gain": found.estimate,
                "low": found.low,
                "high": found.high,
                "relative_gain": found.estimate / dense if dense > 0 else math.nan,
                "groups_for": better,
                "groups_against": worse,
                "p": sign_test(better, worse),
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))


def relative_gains(arm: Arm, control: Arm) -> pd.DataFrame:
    """Relative gain per corruption and severity (arXiv 2410.03030, footnote 2) of the accuracies' means over seeds.

    Columns: corruption, severity, accuracy, reference, relative_gain (NaN where the reference is 0).

    >>> control = {0: metrics.example_table().assign(prediction=0)}
    >>> relative_gains({0: metrics.example_table()}, control)[["severity", "relative_gain"]].to_dict("list")
    {'severity': [1, 2], 'relative_gain': [1.0, 0.0]}
    """
    pairs = _pairs(arm, control)
    ours = _mean_frame([metrics.accuracy_matrix(a) for a, _ in pairs])
    dense = _mean_frame([metrics.accuracy_matrix(b) for _, b in pairs])
    both = pd.DataFrame({"accuracy": ours.stack(), "reference": dense.stack()}).rename_axis(["corruption", "severity"])
    gain = (both["accuracy"] - both["reference"]) / both["reference"].where(both["reference"] > 0)
    return both.assign(relative_gain=gain).reset_index()


def power_note(arms: Sequence[Arm]) -> dict[str, float | str]:
    """What differences of robustness accuracy this many seeds can show, from the spread of all arms over seeds.

    `detectable` is the difference that a two-sided t-test at 5 % finds with 80 % power; NaN where no arm has two seeds.

    >>> power_note([{0: metrics.example_table()}])["note"]
    'with one seed an arm this study cannot tell a method from its seed; add seeds'
    """
    robust = [[metrics.robustness_accuracy(table) for table in arm.values()] for arm in arms]
    name = metrics.score_name(next((table for arm in arms for table in arm.values()), pd.DataFrame()))
    score = "robust mIoU" if name == "mIoU" else f"robustness {name}"
    sd, df = pooled_sd(list(robust))
    seeds = min((len(arm) for arm in robust), default=0)
    least = detectable_difference(sd, seeds) if df else math.nan
    which = "in some arms" if df else "an arm"
    said = (
        f"with {seeds} seeds an arm this study sees differences of {score} above {100 * least:.1f} points "
        f"(80 % power, two-sided 5 %; standard deviation over seeds {100 * sd:.2f} points, {df} degrees of freedom)"
        if math.isfinite(least)
        else f"with one seed {which} this study cannot tell a method from its seed; add seeds"
    )
    return {"seeds": seeds, "seed_sd": sd, "df": df, "detectable": least, "note": said}


def _pairs(arm: Arm, control: Arm) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    shared = sorted(set(arm) & set(control))
    if not shared:
        raise MismatchedTables("the two arms have no seed in common; give both the same seeds to compare them")
    for seed in shared:
        metrics.check_comparable(arm[seed], control[seed])
    return [(arm[seed], control[seed]) for seed in shared]


def _scores(table: pd.DataFrame, corruption: str | None) -> pd.Series:
    """Each clip's share of cells right, by id: of one corruption, or of all."""
    if corruption is not None:
        rows = metrics.corrupted_rows(table)
        table = rows[metrics.cell_names(rows) == corruption]
    return metrics.clip_scores(table)


def _differences(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]], corruption: str | None) -> pd.DataFrame:
    """Differences of the clips' scores, seeds x ids."""
    return pd.DataFrame([_scores(a, corruption) - _scores(b, corruption) for a, b in pairs])


def _difference(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]], corruption: str | None) -> Interval:
    table = _differences(pairs, corruption)
    return ranged_interval(table.to_numpy(), clip_groups(pairs[0][0]).reindex(table.columns), lowest=-1)


def _by_group(pairs: Sequence[tuple[pd.DataFrame, pd.DataFrame]], corruption: str) -> pd.Series:
    mean = _differences(pairs, corruption).mean()
    return mean.groupby(clip_groups(pairs[0][0]).reindex(mean.index)).sum()


def _over_seeds(arm: Arm, what: str) -> Interval:
    """The mean over clips and seeds, `what` being "clean" or "corrupted", with its interval over both."""
    tables = list(arm.values())
    if what == "clean":
        cleans = [metrics.clean_rows(table) for table in tables]
        scores = [metrics.row_scores(rows).groupby(rows["id"]).mean() for rows in cleans]
    else:
        scores = [metrics.clip_scores(table) for table in tables]
    table = pd.DataFrame(scores).astype(float)
    if table.empty:
        return Interval(math.nan, math.nan, math.nan, math.nan)
    return ranged_interval(table.to_numpy(), clip_groups(tables[0]).reindex(table.columns))


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64)))


def _mean_frame(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    total = frames[0]
    for frame in frames[1:]:
        total = total + frame
    return total / len(frames)
