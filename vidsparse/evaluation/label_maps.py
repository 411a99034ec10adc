"""Predictions tables of segmentation: a row a (sample, view, cell) with its confusion counts, and what they are worth.

`confusion` holds K · K pixel counts, row by row of the truth: entry truth · K + prediction. The intersection over union
of a class is I / U = C[k, k] / (sum_j C[k, j] + sum_j C[j, k] - C[k, k]), with C summed over all samples of a cell, and
mIoU its mean over the classes that occur in truth or prediction (Everingham et al. 2010, The Pascal Visual Object
Classes Challenge, section 4.2.3). Under corruption each cell is a data set of its own (Kamann and Rother 2020,
Benchmarking the Robustness of Semantic Segmentation Models). What is undefined is NaN.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidsparse.evaluation.confusion import iou, pixel_accuracy

CONFUSION = "confusion"  # the column by which a table says that it is one of these
UNDECIDABLE = "undecidable"  # judged pixels whose logits are no numbers; they count as wrong
_CELL = ["corruption", "profile", "severity"]
_PLACE = [*_CELL, "view"]
Counts = NDArray[np.int64]
Array = NDArray[np.float64]


def holds_label_maps(table: pd.DataFrame) -> bool:
    """Whether a predictions table is one of segmentation.

    >>> holds_label_maps(example_maps())
    True
    """
    return CONFUSION in table


def confusions(rows: pd.DataFrame) -> Counts:
    """The counts as int64 (rows, K, K); zero for a sample that could not be decoded.

    >>> confusions(example_maps()).tolist()
    [[[2, 1], [1, 2]], [[2, 2], [0, 5]]]
    """
    held = [row for row in rows[CONFUSION] if row is not None]
    side = int(np.sqrt(len(held[0]))) if held else 0
    blank = np.zeros(side * side, np.int64)
    flat = [blank if row is None else np.asarray(row, np.int64) for row in rows[CONFUSION]]
    return np.stack(flat).reshape(-1, side, side) if flat else np.zeros((0, 0, 0), np.int64)


def row_scores(table: pd.DataFrame) -> "pd.Series[float]":
    """A score for every row whose mean over a (cell, view) is that cell's mIoU: what each sample adds to it.

    mIoU is no mean over samples, but to first order it is one: sample i of n counts mean_k [r_k + n (I_ik - r_k U_ik) /
    U_k] with r_k = I_k / U_k, the linearisation of a ratio (Cochran 1977, Sampling Techniques, section 6; the delta
    method). So intervals over recordings and seeds are those of any mean.

    >>> row_scores(example_maps()).round(3).tolist()
    [0.519, 0.618]
    """
    scores = pd.Series(np.nan, index=table.index, dtype=float)
    for _, rows in table.groupby(_PLACE, observed=True, sort=False):
        scores[rows.index] = _shares(confusions(rows))
    return scores


def class_iou(table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """IoU of each class over the samples of a cell: rows the cells of `table`, columns the classes; NaN if absent.

    >>> class_iou(example_maps(), ["road", "car"]).round(3).values.tolist()
    [[0.5, 0.636]]
    """
    found = {cell: iou(counts) for cell, counts in _by_cell(table).items()}
    return pd.DataFrame.from_dict(found, orient="index", columns=list(classes)).set_axis(_index(found))


def pixel_accuracy_by_cell(table: pd.DataFrame) -> "pd.Series[float]":
    """The share of the labelled pixels of each cell that are answered right.

    >>> pixel_accuracy_by_cell(example_maps()).round(3).tolist()
    [0.733]
    """
    found = {cell: pixel_accuracy(counts) for cell, counts in _by_cell(table).items()}
    return pd.Series(list(found.values()), index=_index(found), dtype=float)


def consistency_by_cell(table: pd.DataFrame) -> "pd.Series[float]":
    """Mean temporal consistency of the predictions of each cell; NaN for images.

    >>> consistency_by_cell(example_maps().assign(consistency=[0.5, 1.0])).tolist()
    [0.75]
    """
    return table.groupby(_CELL, observed=True, sort=False)["consistency"].mean().astype(float)


def best_constant(table: pd.DataFrame) -> float:
    """The mIoU of the one class that does best where it is answered for every pixel: what any network must beat.

    >>> round(best_constant(example_maps()), 3)
    0.267
    """
    truth = confusions(table[table["corruption"] == "clean"]).sum(axis=(0, 2))
    return float(truth.max() / truth.sum() / (truth > 0).sum()) if truth.any() else np.nan


def classes_present(table: pd.DataFrame) -> int:
    """How many classes the truth of the clean rows has.

    >>> classes_present(example_maps())
    2
    """
    return int((confusions(table[table["corruption"] == "clean"]).sum(axis=(0, 2)) > 0).sum())


def _by_cell(table: pd.DataFrame) -> dict[tuple[Any, ...], Counts]:
    """{(corruption, profile, severity): counts (K, K)}."""
    grouped = table.groupby(_CELL, observed=True, sort=False)
    return {tuple(cell): confusions(rows).sum(axis=0) for cell, rows in grouped}


def _index(cells: Iterable[tuple[Any, ...]]) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(list(cells), names=_CELL)


def truths(rows: pd.DataFrame) -> "pd.Series[int]":
    """A number a row that is the same where the truth has as many pixels of each class; 0 where nothing was read.

    >>> len(set(truths(example_maps())))
    2
    """
    counts = confusions(rows).sum(axis=2)
    digests = [crc32(count.tobytes()) if count.any() else 0 for count in counts]
    return pd.Series(digests, index=rows.index, dtype="int64")


def example_maps() -> pd.DataFrame:
    """Two clean samples of two classes: the table of this module's examples.

    >>> example_maps()["confusion"].tolist()
    [[2, 1, 1, 2], [2, 2, 0, 5]]
    """
    rows = [("a", "clean", "", 0, 0, [2, 1, 1, 2]), ("b", "clean", "", 0, 0, [2, 2, 0, 5])]
    return pd.DataFrame(rows, columns=["id", *_PLACE, CONFUSION])


def _shares(counts: Counts) -> Array:
    """What each of the samples (n, K, K) adds to their mIoU: float (n,), whose mean it is."""
    both = np.diagonal(counts, axis1=1, axis2=2).astype(float)
    either = counts.sum(axis=1) + counts.sum(axis=2) - both
    whole = either.sum(axis=0)
    there = whole > 0
    if not there.any():
        return np.full(len(counts), np.nan)
    both, either, whole = both[:, there], either[:, there], whole[there]
    ratio = both.sum(axis=0) / whole
    return np.asarray((ratio + len(counts) * (both - ratio * either) / whole).mean(axis=1))
