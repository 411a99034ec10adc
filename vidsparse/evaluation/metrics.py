"""Metrics: pure functions of the predictions table.

A predictions table is a pandas DataFrame with one row a (clip, view, corruption, profile, severity) and the columns
`id` str, `view` (0..V-1, and -1 for the mean over views where V > 1), `corruption` ("clean" for none), `profile` str,
`severity` (0 for clean), `label` int, `prediction` int (-1: the clip could not be decoded, counted wrong) and, for
`top5_accuracy` only, `top5` lists of int. Accuracies are shares, 0..1; what is undefined is NaN.

Sources: robustness accuracy and relative gain, "Dynamic Sparse Training versus Dense Training: The Unexpected Winner in
Image Corruption Robustness" (arXiv 2410.03030, section 4 and footnote 2); retention is the rPC, and robustness accuracy
the mPC, of "Benchmarking Robustness in Object Detection" (arXiv 1907.07484).
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from vidsparse.errors import VidsparseError

CLEAN = "clean"
CELL = ["corruption", "profile", "severity"]
Z95 = 1.959964  # two-sided 95 % of the normal distribution


class MismatchedTables(VidsparseError):
    """Two predictions tables that do not hold the same clips, labels and corruption cells."""


def example_table() -> pd.DataFrame:
    """Two clips, clean and under fog at severities 1 and 2: the table of this module's examples."""
    rows = [
        ("a", CLEAN, "", 0, 0, 0),
        ("b", CLEAN, "", 0, 1, 1),
        ("a", "fog", "video_c", 1, 0, 0),
        ("b", "fog", "video_c", 1, 1, 1),
        ("a", "fog", "video_c", 2, 0, 0),
        ("b", "fog", "video_c", 2, 1, 0),
    ]
    return pd.DataFrame(rows, columns=["id", *CELL, "label", "prediction"]).assign(view=0)


def video_level(table: pd.DataFrame) -> pd.DataFrame:
    """One row a (clip, cell): view -1, the mean over the views, where present, else view 0. Idempotent.

    >>> len(video_level(example_table()))
    6
    """
    view = -1 if bool((table["view"] == -1).any()) else 0
    return table[table["view"] == view]


def is_right(table: pd.DataFrame) -> pd.Series:
    """Boolean per row: prediction == label; never for a clip that could not be decoded.

    >>> is_right(example_table()).tolist()
    [True, True, True, True, True, False]
    """
    return (table["prediction"] == table["label"]) & (table["prediction"] >= 0)


def accuracy(table: pd.DataFrame) -> float:
    """Top-1 accuracy of the rows given, A = #right / #rows; NaN for none.

    >>> round(accuracy(example_table()), 3)
    0.833
    """
    return float(is_right(table).mean()) if len(table) else math.nan


def top5_accuracy(table: pd.DataFrame) -> float:
    """Share of the rows given whose label is among `top5`, lists of up to five class ids; NaN for no rows.

    >>> top5_accuracy(example_table().assign(top5=[[0, 1]] * 5 + [[0]]).tail(2))
    0.5
    """
    if table.empty:
        return math.nan
    lengths = table["top5"].map(len).to_numpy()
    if not lengths.any():
        return 0.0
    hits = np.concatenate(table["top5"].to_list()) == np.repeat(table["label"].to_numpy(), lengths)
    return float(hits.sum() / len(table))


def clean_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The video-level rows without corruption."""
    rows = video_level(table)
    return rows[rows["corruption"] == CLEAN]


def corrupted_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The video-level rows under corruption."""
    rows = video_level(table)
    return rows[rows["corruption"] != CLEAN]


def clean_accuracy(table: pd.DataFrame) -> float:
    """A_clean: video-level top-1 accuracy without corruption.

    >>> clean_accuracy(example_table())
    1.0
    """
    return accuracy(clean_rows(table))


def cell_names(rows: pd.DataFrame) -> pd.Series:
    """Name of each row's corruption; the profile is added where one corruption stands under several profiles.

    >>> cell_names(example_table()).unique().tolist()
    ['clean', 'fog']
    """
    name, profile = rows["corruption"].astype(str), rows["profile"].astype(str)
    profiles = pd.DataFrame({"name": name, "profile": profile}).drop_duplicates()["name"].value_counts()
    return name.where(name.map(profiles) == 1, name + " (" + profile + ")").rename("corruption")


def accuracy_matrix(table: pd.DataFrame) -> pd.DataFrame:
    """A[c, s]: video-level top-1 accuracy, corruptions in table order x severities ascending; NaN where not evaluated.

    >>> accuracy_matrix(example_table()).loc["fog"].tolist()
    [1.0, 0.5]
    """
    rows = corrupted_rows(table)
    cells = is_right(rows).groupby([rows[key] for key in CELL], observed=True, sort=False).mean()
    named = cells.reset_index(name="accuracy").assign(corruption=lambda each: cell_names(each))
    matrix = named.pivot(index="corruption", columns="severity", values="accuracy")
    return matrix.reindex(index=named["corruption"].unique()).astype(float)


def robustness_accuracy(table: pd.DataFrame) -> float:
    """Mean accuracy under corruption, 1/(|C||S|) sum_c sum_s A[c, s] (arXiv 2410.03030 section 4; mPC elsewhere).

    >>> robustness_accuracy(example_table())
    0.75
    """
    cells = accuracy_matrix(table).to_numpy()
    held = cells[~np.isnan(cells)]
    return float(held.mean()) if held.size else math.nan


def per_corruption(table: pd.DataFrame) -> pd.Series:
    """A[c]: mean over severities of A[c, s], one value a corruption, in table order.

    >>> per_corruption(example_table())["fog"]
    np.float64(0.75)
    """
    return accuracy_matrix(table).mean(axis=1)


def per_severity(table: pd.DataFrame) -> pd.Series:
    """A[s]: mean over corruptions of A[c, s], one value a severity, ascending.

    >>> per_severity(example_table()).tolist()
    [1.0, 0.5]
    """
    return accuracy_matrix(table).mean(axis=0)


def retention(table: pd.DataFrame) -> float:
    """Share of the clean accuracy that survives corruption: robustness accuracy / A_clean (rPC, arXiv 1907.07484).

    >>> retention(example_table())
    0.75
    """
    clean = clean_accuracy(table)
    return robustness_accuracy(table) / clean if clean > 0 else math.nan


def relative_gain(table: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """(A_s - A_d) / A_d per corruption and severity (arXiv 2410.03030, footnote 2); NaN where A_d = 0.

    `table` is the sparse model's (A_s), `reference` the dense one's (A_d). Raises MismatchedTables.

    >>> relative_gain(example_table(), example_table().assign(prediction=[0, 1, 0, 0, 0, 0])).loc["fog"].tolist()
    [1.0, 0.0]
    """
    check_comparable(table, reference)
    ours, dense = accuracy_matrix(table), accuracy_matrix(reference)
    return (ours - dense) / dense.where(dense > 0)


def check_comparable(table: pd.DataFrame, reference: pd.DataFrame) -> None:
    """Raise MismatchedTables unless both hold the same (clip, label) rows in the same cells."""
    ours, theirs = (video_level(each)[["id", "label", *CELL]] for each in (table, reference))
    for column, what in (("id", "clips"), ("corruption", "corruptions"), ("severity", "severities")):
        differing = sorted(set(ours[column].unique()) ^ set(theirs[column].unique()))
        if differing:
            raise MismatchedTables(
                f"The two predictions tables hold different {what} ({len(differing)} in only one of them, "
                f"such as {differing[0]!r}); evaluate both runs on the same data and suite to compare them."
            )
    if not np.array_equal(_row_hashes(ours), _row_hashes(theirs)):
        raise MismatchedTables(
            "The two predictions tables hold the same clips and corruptions but differ in labels, profiles or "
            "completeness; evaluate both runs to the end with the same class list and suite to compare them."
        )


def _row_hashes(rows: pd.DataFrame) -> NDArray[np.uint64]:
    rows = rows.astype({"label": int, "severity": int})
    return np.sort(pd.util.hash_pandas_object(rows, index=False).to_numpy())


def wilson_interval(right: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Interval of a share right / n, clips taken as independent (Wilson's score interval, 1927); (0, 1) for n = 0.

    >>> [round(bound, 3) for bound in wilson_interval(22, 48)]
    [0.326, 0.597]
    """
    if n == 0:
        return 0.0, 1.0
    share, shrink = right / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def mean_interval(values: ArrayLike, z: float = Z95) -> tuple[float, float]:
    """mean ± z s / sqrt(n) of n independent values; NaN for n < 2. Take one value a clip, not one a prediction.

    >>> [round(bound, 3) for bound in mean_interval([0.0, 0.5, 1.0])]
    [-0.066, 1.066]
    """
    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return math.nan, math.nan
    half = z * x.std(ddof=1) / math.sqrt(x.size)
    return float(x.mean() - half), float(x.mean() + half)


def clip_scores(table: pd.DataFrame) -> pd.Series:
    """Each clip's share of corruption cells answered right, by id: cells of one clip are not independent, clips are.

    >>> clip_scores(example_table()).to_dict()
    {'a': 1.0, 'b': 0.5}
    """
    rows = corrupted_rows(table)
    return is_right(rows).groupby(rows["id"]).mean()


def summary(table: pd.DataFrame, reference: pd.DataFrame | None = None) -> dict[str, float]:
    """The headline numbers; with a reference also the gain over it. Raises MismatchedTables.

    `clean_low/high` are Wilson's, `robust_low/high` and `gain_low/high` are over clips, 95 % each. `gain` is the
    difference of the robustness accuracies, `relative_gain` that difference over the reference's; wins, ties and losses
    count corruptions by their mean over severities.

    >>> numbers = summary(example_table())
    >>> numbers["clips"], numbers["clean"], numbers["robust"], numbers["retention"]
    (2, 1.0, 0.75, 0.75)
    """
    clean, matrix, scores = clean_rows(table), accuracy_matrix(table), clip_scores(table)
    numbers: dict[str, float] = {
        "clips": int(video_level(table)["id"].nunique()),
        "corruptions": matrix.shape[0],
        "severities": matrix.shape[1],
        "undecodable": int(clean.loc[clean["prediction"] < 0, "id"].nunique()),
        "clean": clean_accuracy(table),
        "robust": robustness_accuracy(table),
        "retention": retention(table),
    }
    numbers["clean_low"], numbers["clean_high"] = wilson_interval(int(is_right(clean).sum()), len(clean))
    numbers["robust_low"], numbers["robust_high"] = np.clip(mean_interval(scores), 0, 1).tolist()
    return numbers if reference is None else numbers | gain_summary(table, reference)


def gain_summary(table: pd.DataFrame, reference: pd.DataFrame) -> dict[str, float]:
    """The part of `summary` that needs a reference; its interval is over paired clips."""
    check_comparable(table, reference)
    dense = robustness_accuracy(reference)
    gain = robustness_accuracy(table) - dense
    low, high = mean_interval(clip_scores(table) - clip_scores(reference))
    difference = (per_corruption(table) - per_corruption(reference)).round(12)
    return {
        "reference_clean": clean_accuracy(reference),
        "reference_robust": dense,
        "gain": gain,
        "gain_low": low,
        "gain_high": high,
        "relative_gain": gain / dense if dense > 0 else math.nan,
        "wins": int((difference > 0).sum()),
        "ties": int((difference == 0).sum()),
        "losses": int((difference < 0).sum()),
    }
