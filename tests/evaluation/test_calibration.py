"""ECE against a plain loop, and what it must be for a model that knows itself."""

import math

import numpy as np
import pandas as pd
import pytest

from vidsparse.evaluation import calibration


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
