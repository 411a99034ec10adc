"""Metrics: pure functions of the predictions table.

A predictions table is a pandas DataFrame with one row a (clip, view, corruption, profile, severity) and the columns
`id` str, `view` (0..V-1, and -1 for the mean over views where V > 1), `corruption` ("clean" for none), `profile` str,
`severity` (0 for clean), `label` int, `prediction` int (-1: the clip could not be decoded, -2: the network's logits are
no numbers or all the same; both counted wrong) and, for
`top5_accuracy` only, `top5` lists of int. Accuracies are shares, 0..1; what is undefined is NaN.

Tables of segmentation have `confusion` in the place of `label` and `prediction` (see `label_maps`). What is called
accuracy here is their mIoU: everything below is a mean of `row_scores`.

Source: robustness accuracy and relative gain, "Dynamic Sparse Training versus Dense Training: The Unexpected Winner in
Image Corruption Robustness" (arXiv 2410.03030, section 4 and footnote 2). What other papers measure robustness by is in
`other_measures`, errors in units of a reference model are in `corruption_error`.
"""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidsparse.evaluation import label_maps
from vidsparse.utils.errors import VidsparseError

CLEAN = "clean"
PROBE = "motion_probe"  # profile of the probes of `corruptions.probe`, which are in no mean over corruptions
CELL = ["corruption", "profile", "severity"]


class MismatchedTables(VidsparseError):
    """Two predictions tables that do not hold the same clips, labels and corruption cells."""


class UndecidableAnswers(VidsparseError):
    """A network that answers no clean clip with numbers."""


def example_table() -> pd.DataFrame:
    """Two clips, clean and under fog at severities 1 and 2: the table of this module's examples.

    >>> example_table().shape
    (6, 7)
    """
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


def row_scores(table: pd.DataFrame) -> pd.Series:
    """What each row adds to the accuracy of its cell, a mean over rows: right or wrong, or a share of the mIoU.

    >>> row_scores(example_table()).mean() == is_right(example_table()).mean()
    np.True_
    """
    return label_maps.row_scores(table) if label_maps.holds_label_maps(table) else is_right(table)


def score_name(table: pd.DataFrame) -> str:
    """What a score of such a table is called.

    >>> score_name(example_table()), score_name(label_maps.example_maps())
    ('accuracy', 'mIoU')
    """
    return "mIoU" if label_maps.holds_label_maps(table) else "accuracy"


def undecodable(table: pd.DataFrame) -> pd.Series:
    """Boolean per row: no decoder could read the clip.

    >>> int(undecodable(example_table().assign(prediction=-1)).sum())
    6
    """
    return table[label_maps.CONFUSION].isna() if label_maps.holds_label_maps(table) else table["prediction"] == -1


def undecidable(table: pd.DataFrame) -> pd.Series:
    """Boolean per row: the network's answer is no number, or the same for every class; of label maps, in any pixel.

    >>> int(undecidable(example_table().assign(prediction=-2)).sum())
    6
    """
    if label_maps.holds_label_maps(table):
        return table[label_maps.UNDECIDABLE].gt(0) if label_maps.UNDECIDABLE in table else table["view"].isna()
    return table["prediction"] == -2


def check_decidable(table: pd.DataFrame) -> None:
    """Raise UndecidableAnswers where not one clean clip has an answer: no number computed from that means anything.

    >>> check_decidable(example_table())
    """
    clean = clean_rows(table)
    whole = undecidable(clean)
    if label_maps.holds_label_maps(table) and label_maps.UNDECIDABLE in table:
        whole = clean[label_maps.UNDECIDABLE] >= [sum(row) if row is not None else np.inf for row in clean["confusion"]]
    if len(clean) and bool(whole.all()):
        raise UndecidableAnswers(
            f"the network's answers to all {len(clean):,} clean clips are no numbers (NaN or infinite), or the "
            "same for every class: nothing was measured; look at its weights, at data.normalize and at engine.precision"
        )


def accuracy(table: pd.DataFrame) -> float:
    """Top-1 accuracy of the rows given, A = #right / #rows; NaN for none.

    >>> round(accuracy(example_table()), 3)
    0.833
    """
    return float(row_scores(table).mean()) if len(table) else math.nan


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
    """The video-level rows without corruption.

    >>> clean_rows(example_table())["id"].tolist()
    ['a', 'b']
    """
    rows = video_level(table)
    return rows[rows["corruption"] == CLEAN]


def corrupted_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The video-level rows under corruption; those of probes are none.

    >>> corrupted_rows(example_table())["severity"].tolist()
    [1, 1, 2, 2]
    """
    rows = video_level(table)
    return rows[(rows["corruption"] != CLEAN) & (rows["profile"] != PROBE)]


def probe_accuracy(table: pd.DataFrame) -> pd.Series:
    """A[reverse], A[shuffle], A[single_frame]: accuracy where the frames of the clip have another order; maybe empty.

    As good as clean accuracy: the network does not use what was taken away.

    >>> probe_accuracy(example_table().assign(profile=PROBE, corruption="reverse")).round(3).to_dict()
    {'reverse': 0.833}
    """
    rows = video_level(table)
    rows = rows[rows["profile"] == PROBE]
    return row_scores(rows).groupby(rows["corruption"].astype(str), sort=False).mean()


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
    cells = row_scores(rows).groupby([rows[key] for key in CELL], observed=True, sort=False).mean()
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
    """Share of the clean accuracy that survives corruption: robustness accuracy / A_clean.

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
    """Raise MismatchedTables unless both hold the same (clip, label) rows in the same cells.

    >>> check_comparable(example_table(), example_table().sample(frac=1, random_state=0))
    """
    if label_maps.holds_label_maps(table) != label_maps.holds_label_maps(reference):
        raise MismatchedTables(
            "One predictions table is of segmentation, the other of classification: mIoU and accuracy do not compare; "
            "compare runs of one task."
        )
    ours, theirs = (_with_label(video_level(each))[["id", "label", *CELL]] for each in (table, reference))
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


def _with_label(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a number in `label` that stands for the truth."""
    return rows.assign(label=label_maps.truths(rows)) if label_maps.holds_label_maps(rows) else rows


def _row_hashes(rows: pd.DataFrame) -> NDArray[np.uint64]:
    rows = rows.astype({"label": int, "severity": int})
    return np.sort(pd.util.hash_pandas_object(rows, index=False).to_numpy())


def clip_scores(table: pd.DataFrame) -> pd.Series:
    """Each clip's share of corruption cells answered right, by id: cells of one clip are not independent, clips are.

    >>> clip_scores(example_table()).to_dict()
    {'a': 1.0, 'b': 0.5}
    """
    rows = corrupted_rows(table)
    return row_scores(rows).groupby(rows["id"]).mean()


def clean_scores(table: pd.DataFrame) -> pd.Series:
    """Each clean row's score, by id, in the order of the table.

    >>> clean_scores(example_table()).to_dict()
    {'a': True, 'b': True}
    """
    clean = clean_rows(table)
    return row_scores(clean).set_axis(clean["id"])


def clean_clip_scores(table: pd.DataFrame) -> pd.Series:
    """Each clip's clean score, by id, in their order: beside `clip_scores`.

    >>> clean_clip_scores(example_table()).to_dict()
    {'a': 1.0, 'b': 1.0}
    """
    clean = clean_rows(table)
    return row_scores(clean).groupby(clean["id"]).mean()


def undecided(table: pd.DataFrame) -> dict[str, int]:
    """How often the network gave no numbers: clean clips, and rows of the table (clips, views and cells).

    >>> undecided(example_table().assign(prediction=-2))
    {'undecidable': 2, 'undecidable_rows': 6}
    """
    clean = clean_rows(table)
    return {
        "undecidable": int(clean.loc[undecidable(clean), "id"].nunique()),
        "undecidable_rows": int(undecidable(table).sum()),
    }
