"""Calibration: whether a model that is 80 % sure is right 80 % of the time.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks" (arXiv 1706.04599), equation 3; under corruption,
each (corruption, profile, severity) is a data set of its own, as in Ovadia et al. 2019 (arXiv 1906.02530).
"""

import math

import numpy as np
import pandas as pd

from vidsparse.evaluation.metrics import CELL, clean_rows, corrupted_rows, is_right

BINS = 15


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
