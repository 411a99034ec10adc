"""ECE against a plain loop, and what it must be for a model that knows itself."""

import math

import numpy as np
import pandas as pd
import pytest

from vidsparse.evaluation import calibration
from vidsparse.evaluation.calibration import ece_clean, ece_interval


def rows(confidence: np.ndarray, right: np.ndarray, **more: object) -> pd.DataFrame:
    columns = {"id": [f"c{i}" for i in range(len(right))], "view": 0, "corruption": "clean", "profile": "",
               "severity": 0, "label": 0, "prediction": 1 - right.astype(int), "confidence": confidence}  # fmt: skip
    return pd.DataFrame(columns | more)


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_plain_loop_over_15_bins(seed):
    rng = np.random.default_rng(seed)
    confidence, right = rng.uniform(0.1, 1, 500), rng.random(500) < 0.6
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert calibration.ece(rows(confidence, right)) == pytest.approx(expected)


def test_a_model_that_knows_itself_has_almost_none_and_a_boaster_much():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 50_000)
    assert calibration.ece(rows(confidence, rng.random(50_000) < confidence)) < 0.01
    assert calibration.ece(rows(np.full(1000, 0.99), rng.random(1000) < 0.5)) > 0.4


def test_under_corruption_it_is_the_mean_over_cells_where_pooling_would_hide_it():
    """Too sure in one cell and too modest in another cancel in a pool; each cell's own error stays."""
    sure = rows(np.full(100, 0.75), np.arange(100) < 50, corruption="fog", severity=1)
    modest = rows(np.full(100, 0.75), np.ones(100, bool), corruption="fog", severity=2)
    both = pd.concat([sure, modest])
    assert calibration.ece(both) == pytest.approx(0)
    assert calibration.ece_corrupted(both) == pytest.approx(0.25)
    assert math.isnan(calibration.ece_clean(both))


def test_a_clip_that_could_not_be_decoded_has_no_confidence_to_judge():
    table = rows(np.array([0.8, np.nan]), np.array([True, False]))
    assert calibration.ece_clean(table) == pytest.approx(0.2)
    assert calibration.reliability(table)["n"].tolist() == [1]


def answers(seed: int, groups: int, each: int, gap: float) -> pd.DataFrame:
    """Recordings of `each` clips whose confidence is too high by a share of it, `gap`, with noise by recording."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.3, 1, groups * each)
    noise = np.repeat(rng.normal(0, 0.1, groups), each)
    right = rng.random(groups * each) < (confidence * (1 - gap) + noise).clip(0, 1)
    rows = {"id": [f"v_g{place // each:04d}_c{place % each}" for place in range(groups * each)], "label": 1}
    clean = {
        "group": np.repeat(np.arange(groups), each),
        "view": 0,
        "corruption": "clean",
        "profile": "",
        "severity": 0,
    }
    return pd.DataFrame({**rows, **clean, "prediction": right.astype(int), "confidence": confidence})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "each", "gap", "seen"), [(48, 4, 0.15, 0.3), (48, 4, 0.0, 0.0), (24, 2, 0.3, 0.3), (200, 2, 0.15, 0.75)]
)
def test_intervals_of_the_calibration_error_hold_the_truth_as_often_as_they_say(groups, each, gap, seen, monkeypatch):
    monkeypatch.setattr(calibration, "_DRAWS", 400)
    truth = ece_clean(answers(999, 60_000, 1, gap))
    found = [ece_interval([answers(seed, groups, each, gap)]) for seed in range(200)]
    assert np.mean([low <= truth <= high for low, high in found]) >= 0.9
    assert np.mean([low > 0 for low, _ in found]) >= seen  # and they are not wide for nothing


def test_an_interval_of_calibration_under_corruption_is_over_recordings_and_seeds_do_not_narrow_it():
    one = answers(0, 30, 2, 0.3)
    both = pd.concat([one, *(one.assign(corruption="fog", severity=level) for level in (1, 2))], ignore_index=True)
    assert ece_interval([both], corrupted=True) == pytest.approx(ece_interval([both]))  # cells that are alike
    assert ece_interval([both] * 3) == pytest.approx(ece_interval([both]))
    assert all(np.isnan(ece_interval([answers(0, 1, 4, 0.3)])))
