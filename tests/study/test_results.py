"""Gains of a study are over the controls of the same distribution, and the tables say which that is."""

import numpy as np
import pandas as pd
import pytest

from vidsparse.study.results import _against_controls, _leaderboard, console_board


def predictions(right: float) -> pd.DataFrame:
    """30 clips, clean and under one corruption, so many of them answered right."""
    rows = [
        {"id": f"v{clip:02d}", "group": f"g{clip // 3}", "view": 0, "corruption": name, "profile": "",
         "severity": level, "label": clip % 2,
         "prediction": clip % 2 if clip < right * 30 else 1 - clip % 2, "confidence": 0.9}
        for name, level in (("clean", 0), ("gaussian_noise", 1))
        for clip in range(30)
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def board() -> pd.DataFrame:
    shares = {
        ("dense", 0.0, ""): 0.5,
        ("static", 0.1, "erk"): 0.6,
        ("rigl", 0.1, "erk"): 0.7,
        ("static", 0.1, "uniform"): 0.3,
        ("rigl", 0.1, "uniform"): 0.9,
        ("set", 0.1, "er"): 0.8,
    }
    return _leaderboard({("a", "m", *arm, ""): {0: predictions(share)} for arm, share in shares.items()})


def test_a_gain_over_static_is_over_that_of_the_same_distribution(board):
    by = board.set_index(["method", "distribution"])
    assert by.loc[("rigl", "erk"), "static_gain"] == pytest.approx(0.1)
    assert by.loc[("rigl", "uniform"), "static_gain"] == pytest.approx(0.6)
    assert np.isnan(by.loc[("set", "er"), "static_gain"])  # no static arm has its distribution
    assert by["gain"].dropna().round(6).to_dict() == {
        ("static", "erk"): 0.1, ("rigl", "erk"): 0.2, ("static", "uniform"): -0.2, ("rigl", "uniform"): 0.4,
        ("set", "er"): 0.3,
    }  # fmt: skip


def test_further_controls_are_held_against_the_plain_dense_arm_and_named():
    arms = {("dense", 0.0, "", ""): 0.5, ("dense", 0.5, "", "narrow"): 0.4, ("dense", 0.0, "", "augmix"): 0.8,
            ("static", 0.5, "erk", ""): 0.6, ("rigl", 0.5, "erk", "shuffled"): 0.7}  # fmt: skip
    board = _leaderboard({("a", "m", *arm): {0: predictions(share)} for arm, share in arms.items()})
    gains = board.set_index("variant").loc[["narrow", "augmix", "shuffled"], "gain"]
    assert gains.round(6).tolist() == [-0.1, 0.3, 0.2]
    assert board.set_index("variant").loc["shuffled", "static_gain"] == pytest.approx(0.1)
    assert "variant" in [column.header for column in console_board(board).columns]


def test_what_places_and_size_are_worth_is_told_by_the_controls_made_for_it():
    arms = {("rigl", 0.5, "erk", ""): 0.9, ("rigl", 0.5, "erk", "shuffled"): 0.7, ("rigl", 0.5, "erk", "reset"): 0.8,
            ("dense", 0.5, "", "narrow"): 0.6, ("dense", 0.0, "", ""): 0.5}  # fmt: skip
    table = _against_controls({("a", "m", *arm): {0: predictions(share)} for arm, share in arms.items()})
    found = {(row["variant"], row["over"]): round(row["gain"], 6) for _, row in table.iterrows()}
    assert found == {("", "shuffled"): 0.2, ("", "reset"): 0.1, ("", "narrow"): 0.3, ("reset", "shuffled"): 0.1}


def test_the_table_names_distributions_where_they_differ(board):
    titles = [column.header for column in console_board(board).columns]
    assert "distribution" in titles
    alone = board[board["distribution"].isin(["erk", ""])]
    assert "distribution" not in [column.header for column in console_board(alone).columns]
