"""Metrics against published numbers, hand-made tables and a plain-Python second implementation."""

import math
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from vidsparse.evaluation import metrics, other_measures
from vidsparse.evaluation.summary import summary


def table_of(*cells: tuple[str, str, int, list[int]], labels: list[int]) -> pd.DataFrame:
    """A table of cells (corruption, profile, severity, predictions), one clip a label."""
    rows = [
        (f"clip{at}", 0, name, profile, severity, labels[at], prediction)
        for name, profile, severity, predicted in cells
        for at, prediction in enumerate(predicted)
    ]
    columns = ["id", "view", "corruption", "profile", "severity", "label", "prediction"]
    return pd.DataFrame(rows, columns=columns)


def random_table(seed: int, clips: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cells = [("clean", "", 0), *((name, "own", level) for name in ("snow", "fog", "bit_error") for level in (1, 3, 5))]
    labels = rng.integers(0, 4, clips)
    return table_of(*((*cell, rng.integers(-1, 4, clips).tolist()) for cell in cells), labels=labels.tolist())


def shuffled(table: pd.DataFrame) -> pd.DataFrame:
    return table.sample(frac=1, random_state=0)


@pytest.mark.parametrize("seed", range(5))
def test_equals_a_plain_python_count(seed: int) -> None:
    table, cells, right = random_table(seed), defaultdict(list), 0
    for row in table.itertuples():
        cells[row.corruption, row.severity].append(row.label == row.prediction)
    right = cells.pop(("clean", 0))
    shares = {cell: sum(hits) / len(hits) for cell, hits in cells.items()}
    matrix = metrics.accuracy_matrix(table)
    assert {(name, level): matrix.loc[name, level] for name, level in shares} == pytest.approx(shares)
    assert matrix.size == len(shares)
    robust = sum(shares.values()) / len(shares)
    assert metrics.robustness_accuracy(table) == pytest.approx(robust)
    assert metrics.clean_accuracy(table) == pytest.approx(sum(right) / len(right))
    assert metrics.retention(table) == pytest.approx(robust / (sum(right) / len(right)))


def test_corruptions_stand_in_table_order_and_severities_ascend() -> None:
    cells = [("snow", "a", level, [0]) for level in (5, 1)] + [("fog", "a", 1, [0]), ("blur", "a", 5, [0])]
    matrix = metrics.accuracy_matrix(table_of(*cells, labels=[0]))
    assert matrix.index.to_list() == ["snow", "fog", "blur"]
    assert matrix.columns.to_list() == [1, 5]
    assert math.isnan(matrix.loc["fog", 5])


def test_one_corruption_under_two_profiles_is_two_rows() -> None:
    table = table_of(("fog", "a", 1, [0]), ("fog", "b", 1, [1]), ("snow", "a", 1, [0]), labels=[0])
    assert metrics.per_corruption(table).to_dict() == {"fog (a)": 1.0, "fog (b)": 0.0, "snow": 1.0}


def test_the_mean_over_views_is_used_where_there_are_several() -> None:
    one = table_of(("clean", "", 0, [0, 1]), labels=[0, 1])
    wrong_views = pd.concat([one.assign(view=view, prediction=7) for view in (0, 1)])
    table = pd.concat([wrong_views, one.assign(view=-1)])
    assert metrics.clean_accuracy(table) == 1.0
    assert metrics.clean_accuracy(wrong_views) == 0.0
    assert len(metrics.video_level(wrong_views)) == 2


def test_a_clip_that_cannot_be_decoded_is_wrong_even_without_a_label() -> None:
    table = table_of(("clean", "", 0, [-1, 0]), labels=[-1, 0])
    assert metrics.clean_accuracy(table) == 0.5
    assert summary(table)["undecodable"] == 1


def test_top5_counts_labels_among_the_five_and_undecodable_as_wrong() -> None:
    table = table_of(("clean", "", 0, [0, 1, -1]), labels=[3, 4, 5]).assign(top5=[[0, 3], [1, 2, 0, 9, 8], []])
    assert metrics.top5_accuracy(table) == pytest.approx(1 / 3)
    assert metrics.top5_accuracy(table.tail(1)) == 0.0


def test_retention_is_the_published_rpc() -> None:
    """I3D on Mini Kinetics-C: clean 70.5, mPC 57.7, rPC 81.8 as its authors publish them."""
    clean, corrupted = np.r_[np.zeros(705), np.ones(295)], np.r_[np.zeros(577), np.ones(423)]
    cells = [("clean", "", 0, clean.astype(int).tolist()), ("fog", "a", 1, corrupted.astype(int).tolist())]
    assert 100 * metrics.retention(table_of(*cells, labels=[0] * 1000)) == pytest.approx(81.8, abs=0.05)


def test_relative_gain_is_footnote_2_and_undefined_over_zero() -> None:
    ours = table_of(("fog", "a", 1, [0, 0, 0, 1]), ("fog", "a", 2, [0, 0, 1, 1]), labels=[0] * 4)
    dense = table_of(("fog", "a", 1, [0, 0, 1, 1]), ("fog", "a", 2, [1, 1, 1, 1]), labels=[0] * 4)
    gain = metrics.relative_gain(ours, dense)
    assert gain.loc["fog", 1] == pytest.approx((0.75 - 0.5) / 0.5)
    assert math.isnan(gain.loc["fog", 2])


def test_summary_counts_wins_ties_and_losses() -> None:
    names, guesses = ("snow", "fog", "blur", "rain"), ([0, 0], [0, 1], [1, 1], [0, 0])
    ours = table_of(*((name, "a", 1, hits) for name, hits in zip(names, guesses, strict=True)), labels=[0, 0])
    dense = table_of(*((name, "a", 1, [0, 1]) for name in names), labels=[0, 0])
    numbers = summary(ours, dense)
    assert (numbers["wins"], numbers["ties"], numbers["losses"]) == (2, 1, 1)
    assert numbers["gain"] == pytest.approx(5 / 8 - 4 / 8)
    assert numbers["relative_gain"] == pytest.approx(0.25)
    assert math.isnan(numbers["clean"])


def test_row_order_does_not_matter_for_numbers_or_comparison() -> None:
    ours, dense = random_table(1), random_table(2).assign(label=random_table(1)["label"])
    assert summary(shuffled(ours), dense) == pytest.approx(summary(ours, shuffled(dense)))


def test_categorical_columns_give_the_same_numbers() -> None:
    table = random_table(3)
    categorical = table.astype({"corruption": "category", "profile": "category"})
    pd.testing.assert_frame_equal(metrics.accuracy_matrix(table), metrics.accuracy_matrix(categorical))
    assert summary(table, categorical)["gain"] == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda table: table[table["id"] != "clip3"], "different clips.*'clip3'"),
        (lambda table: table.replace({"corruption": {"fog": "frost"}}), "different corruptions"),
        (lambda table: table[table["severity"] != 5], "different severities"),
        (lambda table: table.assign(label=table["label"] + 1), "differ in labels"),
        (lambda table: table.replace({"profile": {"own": "other"}}), "profiles"),
        (lambda table: table.drop(index=17), "completeness"),
    ],
)
def test_tables_that_do_not_match_are_refused_with_the_difference(change, named: str) -> None:
    table = random_table(4)
    with pytest.raises(metrics.MismatchedTables, match=named):
        summary(table, change(table))


def test_nothing_to_measure_is_nan_not_a_crash() -> None:
    clean_only = table_of(("clean", "", 0, [0]), labels=[0])
    numbers = summary(clean_only)
    assert numbers["clean"] == 1.0
    assert math.isnan(numbers["robust"])
    assert numbers["corruptions"] == 0
    assert metrics.accuracy_matrix(clean_only).empty


def test_gamma_and_rpc_are_the_published_formulas():
    """One cell at 57.7 % from a clean 70.5 %: γ_a = 1 - 0.128, γ_r = rPC = 57.7 / 70.5."""
    right = {0: 705, 1: 577}
    cells = [("clean" if not s else "fog", "a", s, [0] * k + [1] * (1000 - k)) for s, k in right.items()]
    table = table_of(*cells, labels=[0] * 1000)
    assert other_measures.gamma_a(table).loc["fog", 1] == pytest.approx(1 - 0.128)
    assert other_measures.gamma_r(table).loc["fog", 1] == pytest.approx(57.7 / 70.5)
    assert other_measures.rpc(table) == pytest.approx(57.7 / 70.5)


def test_mpc_weighs_corruptions_equally_and_robustness_accuracy_cells():
    table = table_of(("fog", "a", 1, [0]), ("fog", "a", 2, [0]), ("snow", "a", 1, [1]), labels=[0])
    assert other_measures.mpc(table) == 0.5
    assert metrics.robustness_accuracy(table) == pytest.approx(2 / 3)


def test_intervals_are_over_recordings_where_the_table_names_them():
    """Twenty clips of four recordings say less than twenty recordings."""
    rng = np.random.default_rng(0)
    hits = np.repeat(rng.random(4) < 0.5, 5).astype(int).tolist()
    alone = table_of(("clean", "", 0, hits), ("fog", "a", 1, hits), labels=[0] * 20)
    grouped = alone.assign(group=[f"g{int(name[4:]) // 5}" for name in alone["id"]])
    one, two = summary(alone), summary(grouped)
    assert (one["groups"], two["groups"]) == (20, 4)
    for name in ("clean", "robust"):
        assert two[f"{name}_high"] - two[f"{name}_low"] > 1.5 * (one[f"{name}_high"] - one[f"{name}_low"])
