"""Arms of several seeds: numbers against a plain recomputation, and pairing that matters."""

import math

import numpy as np
import pandas as pd
import pytest

from vidsparse.evaluation import comparison
from vidsparse.evaluation.metrics import MismatchedTables

CORRUPTIONS = ("fog", "snow", "rain")


def predictions(seed: int, skill: float, clips: int = 60) -> pd.DataFrame:
    """Clips of 15 recordings; the same clips are hard for every model."""
    ease = np.random.default_rng(99).normal(0, 1, clips)
    rng = np.random.default_rng([seed, round(100 * (skill + 5))])
    cells = [("clean", 0), *((name, severity) for name in CORRUPTIONS for severity in (1, 3))]
    parts = [
        pd.DataFrame({"id": [f"c{i}" for i in range(clips)], "group": [f"g{i // 4}" for i in range(clips)], "view": 0,
                      "corruption": name, "profile": "a", "severity": severity, "label": 0, "confidence": 0.7,
                      "prediction": (ease + rng.normal(0, 1, clips) + skill < 0.3 * severity).astype(int)})
        for name, severity in cells
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def arms() -> dict[str, dict[int, pd.DataFrame]]:
    return {
        "better": {s: predictions(s, 0.9) for s in range(3)},
        "dense": {s: predictions(10 + s, 0.0) for s in range(3)},
        "equal": {s: predictions(20 + s, 0.0) for s in range(3)},
    }


def robust(table: pd.DataFrame) -> float:
    hurt = table[table.corruption != "clean"]
    return float((hurt.label == hurt.prediction).mean())


def test_gain_is_the_mean_over_seeds_of_paired_differences(arms):
    found = comparison.gain_numbers(arms["better"], arms["dense"])
    plain = np.mean([robust(arms["better"][s]) - robust(arms["dense"][s]) for s in range(3)])
    assert found["gain"] == pytest.approx(plain)
    assert found["gain_low"] < found["gain"] < found["gain_high"]
    assert found["gain_low"] > 0
    assert found["gain_p"] < 0.05
    assert (found["wins"], found["losses"], found["paired_seeds"]) == (3, 0, 3)
    assert found["wins_p"] == pytest.approx(0.25)
    assert found["relative_gain"] == pytest.approx(plain / np.mean([robust(t) for t in arms["dense"].values()]))


def test_equal_arms_include_zero_and_an_arm_equals_itself(arms):
    found = comparison.gain_numbers(arms["equal"], arms["dense"])
    assert found["gain_low"] < 0 < found["gain_high"]
    itself = comparison.gain_numbers(arms["dense"], arms["dense"])
    assert (itself["gain"], itself["gain_p"], itself["ties"]) == (0, 1, 3)


def test_only_seeds_that_both_have_are_paired(arms):
    some = {0: arms["better"][0], 7: arms["better"][1]}
    assert comparison.gain_numbers(some, arms["dense"])["paired_seeds"] == 1
    with pytest.raises(MismatchedTables, match="no seed in common"):
        comparison.gain_numbers({7: arms["better"][1]}, arms["dense"])


def test_each_corruption_has_its_gain_its_recordings_and_a_corrected_p(arms):
    table = comparison.gains_by_corruption(arms["better"], arms["dense"]).set_index("corruption")
    assert table.index.tolist() == list(CORRUPTIONS)
    fog = [t[t.corruption == "fog"] for t in (*arms["better"].values(), *arms["dense"].values())]
    shares = [float((t.label == t.prediction).mean()) for t in fog]
    assert table.loc["fog", "gain"] == pytest.approx(np.mean(shares[:3]) - np.mean(shares[3:]))
    assert (table.groups_for + table.groups_against <= 15).all()
    assert (table.p_holm >= table.p).all()
    assert (table.p_holm < 0.05).all()


def test_relative_gains_are_those_of_the_means(arms):
    table = comparison.relative_gains(arms["better"], arms["dense"]).set_index(["corruption", "severity"])
    assert len(table) == 6
    row = table.loc["snow", 3]
    assert row.relative_gain == pytest.approx((row.accuracy - row.reference) / row.reference)


def test_an_arm_says_its_spread_over_seeds_and_its_calibration(arms):
    numbers = comparison.arm_numbers(arms["dense"])
    values = [robust(t) for t in arms["dense"].values()]
    assert numbers["robust"] == pytest.approx(np.mean(values))
    assert numbers["robust_sd"] == pytest.approx(np.std(values, ddof=1))
    assert numbers["robust_low"] < numbers["robust"] < numbers["robust_high"]
    assert (numbers["seeds"], numbers["clips"], numbers["groups"]) == (3, 60, 15)
    assert numbers["ece_clean"] > 0
    assert math.isnan(comparison.arm_numbers({0: arms["dense"][0]})["robust_sd"])


def test_the_power_note_says_what_the_seeds_can_show(arms):
    note = comparison.power_note(list(arms.values()))
    assert (note["seeds"], note["df"]) == (3, 6)
    assert note["detectable"] == pytest.approx(3.07 * note["seed_sd"], rel=0.01)
    assert f"above {100 * note['detectable']:.1f} points" in note["note"]
    assert "cannot tell a method from its seed" in comparison.power_note([{0: arms["dense"][0]}])["note"]
