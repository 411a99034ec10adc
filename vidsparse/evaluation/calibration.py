"""Calibration: whether a model that is 80 % sure is right 80 % of the time.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv 1706.04599), equation 3; under corruption,
each (corruption, profile, severity) is a data set of its own, as in Ovadia et al. 2019 (arXiv 1906.02530).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidsparse.evaluation.groups import clip_groups
from vidsparse.evaluation.metrics import CELL, clean_rows, corrupted_rows, is_right

BINS = 15
_DRAWS = 1000  # of the bootstrap


def reliability(rows: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """Bins of confidence, right-closed and of equal width: columns confidence and accuracy (means, 0..1) and n.

    Rows without a confidence (clips that could not be decoded) are left out, as are empty bins.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> reliability(example_table().assign(confidence=0.9))["accuracy"].round(3).tolist()
    [0.833]
    """
    said = rows[rows["confidence"].notna()]
    confidence = said["confidence"].to_numpy(dtype=float)
    place = pd.Series(np.ceil(confidence * bins).clip(1, bins).astype(int), index=said.index, name="bin")
    table = pd.DataFrame({"confidence": confidence, "accuracy": is_right(said)}, index=said.index)
    grouped = table.groupby(place)
    return grouped.mean().assign(n=grouped.size())


def ece(rows: pd.DataFrame, bins: int = BINS) -> float:
    """Expected calibration error of the rows given, sum_m n_m / n |accuracy_m - confidence_m|; NaN for none.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> round(ece(example_table().assign(confidence=0.9)), 3)
    0.067
    """
    table = reliability(rows, bins)
    gap = (table["accuracy"] - table["confidence"]).abs()
    return float((gap * table["n"]).sum() / table["n"].sum()) if len(table) else math.nan


def ece_interval(tables: Sequence[pd.DataFrame], corrupted: bool = False) -> tuple[float, float]:
    """The 95 % interval of the ECE without corruption, or of `ece_corrupted`, of a table or the mean of several seeds.

    Recordings are drawn again 1,000 times, the same for all seeds and cells. The ECE is a sum of sizes, so that chance
    raises it, in the sample and once more in each draw: percentiles hold the truth in 0 to 85 % of simulations. So the
    bias, the mean of the draws less the estimate, is taken off the upper end once and off the lower one twice, to be
    careful; and where 5 % of perfectly calibrated networks would look as bad, the lower end is 0. In simulations with
    24 to 200 recordings that holds the truth in 90 to 98 % (tests/evaluation/test_calibration.py).
    NaN with fewer than two recordings, or without confidences. It is over recordings alone, seeds are as they are.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> low, high = ece_interval([example_table().assign(confidence=0.75)])
    >>> low <= 0.25 <= high
    True
    """
    parts = [part for table in tables for part in _cells(table, corrupted)]
    names = sorted({name for part in parts for name in part["group"]})
    if len(names) < 2:
        return math.nan, math.nan
    rng, draws = np.random.default_rng(0), np.zeros(_DRAWS)
    weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_DRAWS).astype(float)
    null, estimate = np.zeros(_DRAWS), 0.0
    for part in parts:
        gaps, counts = _sums(part, names)
        estimate += float(np.abs(gaps.sum(0)).sum() / counts.sum()) / len(parts)
        drawn = weights @ gaps
        draws += np.abs(drawn).sum(1) / np.maximum(1, weights @ counts) / len(parts)
        null += np.abs(drawn - gaps.sum(0)).sum(1) / counts.sum() / len(parts)
    bias = float(draws.mean()) - estimate
    low, high = np.quantile(draws, [0.025, 0.975])
    low = 0.0 if estimate <= np.quantile(null, 0.95) else max(0.0, low - 2 * bias)
    return float(low), float(np.clip(high - bias, low, 1.0))


def ece_bounds(tables: Sequence[pd.DataFrame], numbers: Mapping[str, float]) -> dict[str, float]:
    """{"ece_clean_low": ...}: the bounds of both ECEs of `numbers`, see `ece_interval`; NaN where there is none.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> sorted(ece_bounds([example_table().assign(confidence=0.75)], {"ece_clean": 0.25}))
    ['ece_clean_high', 'ece_clean_low', 'ece_corrupted_high', 'ece_corrupted_low']
    """
    found: dict[str, float] = {}
    for name in ("ece_clean", "ece_corrupted"):
        has = not math.isnan(numbers.get(name, math.nan))
        low, high = ece_interval(tables, name == "ece_corrupted") if has else (math.nan, math.nan)
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found


def _cells(table: pd.DataFrame, corrupted: bool) -> list[pd.DataFrame]:
    """The rows with a confidence of each cell, with the recording of each under `group`."""
    rows = corrupted_rows(table) if corrupted else clean_rows(table)
    rows = rows[rows["confidence"].notna()] if "confidence" in rows else rows[:0]
    rows = rows.assign(group=rows["id"].map(clip_groups(table)).astype(str)) if len(rows) else rows
    return [part for _, part in rows.groupby(CELL, observed=True, sort=False)] if len(rows) else []


def _sums(rows: pd.DataFrame, names: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By recording: right answers less confidences in each bin (G, bins), and rows (G,)."""
    confidence = rows["confidence"].to_numpy(dtype=float)
    place = np.ceil(confidence * BINS).clip(1, BINS).astype(int) - 1
    group = np.searchsorted(np.asarray(names), rows["group"].to_numpy(dtype=str))
    gaps = np.zeros((len(names), BINS))
    np.add.at(gaps, (group, place), is_right(rows).to_numpy(dtype=float) - confidence)
    return gaps, np.bincount(group, minlength=len(names)).astype(float)


def ece_clean(table: pd.DataFrame) -> float:
    """ECE without corruption, 15 bins.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> round(ece_clean(example_table().assign(confidence=0.75)), 3)
    0.25
    """
    return ece(clean_rows(table))


def ece_matrix(table: pd.DataFrame) -> pd.DataFrame:
    """ECE of each cell, 15 bins: columns corruption, profile, severity, ece.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> ece_matrix(example_table().assign(confidence=0.75))["ece"].tolist()
    [0.25, 0.25]
    """
    rows = corrupted_rows(table)
    cells = [
        (*(key if isinstance(key, tuple) else (key,)), ece(part))
        for key, part in rows.groupby(CELL, observed=True, sort=False)
    ]
    return pd.DataFrame(cells, columns=[*CELL, "ece"])


def ece_corrupted(table: pd.DataFrame) -> float:
    """Mean over corruption cells of each cell's own ECE; NaN without corruption.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> round(ece_corrupted(example_table().assign(confidence=0.9)), 3)
    0.25
    """
    return float(ece_matrix(table)["ece"].mean())
