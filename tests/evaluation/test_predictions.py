"""Rows of the predictions table, by hand."""

import math
from pathlib import Path

import pytest
import torch

from vidsparse.data.cells import Cell
from vidsparse.data.sources import Sample
from vidsparse.evaluation import predictions

SAMPLES = [Sample(f"c/v{i}", Path(), label, "g") for i, label in enumerate((1, 0))]
FOG = Cell("fog", "video_c", 2)


def table(logits, ok=(True, True)):
    return predictions.rows(SAMPLES, FOG, torch.tensor(logits), ok).to_pandas()


def test_one_view_is_one_row_with_softmax_confidence_and_cross_entropy():
    rows = table([[[0.0, math.log(3.0), 0.0]], [[1.0, 2.0, 3.0]]])
    assert rows[["id", "view", "corruption", "profile", "severity", "label", "prediction"]].values.tolist() == [
        ["c/v0", 0, "fog", "video_c", 2, 1, 1],
        ["c/v1", 0, "fog", "video_c", 2, 0, 2],
    ]
    assert rows.confidence[0] == pytest.approx(0.6)
    assert rows.loss[0] == pytest.approx(-math.log(0.6))
    assert rows.loss[1] == pytest.approx(2.407606, rel=1e-5)
    assert rows.top5[1].tolist() == [2, 1, 0]


def test_the_mean_over_views_averages_probabilities_not_logits():
    views = [[[0.0, 9.0, 0.0], [2.0, 0.0, 0.0]], [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]
    rows = table(views)
    assert rows.view.tolist() == [0, 1, -1] * 2
    mean = torch.tensor(views).softmax(-1).mean(1)
    assert rows[rows.view == -1].confidence.tolist() == pytest.approx(mean.max(-1).values.tolist())


def test_a_clip_that_no_decoder_can_read_is_a_wrong_row_never_a_missing_one():
    rows = table([[[0.0, 5.0, 0.0]], [[5.0, 0.0, 0.0]]], ok=(True, False))
    assert rows.prediction.tolist() == [1, -1]
    assert rows.top5[1].tolist() == []
    assert math.isnan(rows.confidence[1])


def test_parts_are_saved_and_read_back(tmp_path):
    part = predictions.rows(SAMPLES, FOG, torch.zeros(2, 1, 3), [True, True])
    predictions.save(tmp_path / "p.parquet", [part, part])
    assert len(predictions.load(tmp_path / "p.parquet")) == 4


def test_a_row_says_the_group_and_older_tables_get_it_from_their_ids(tmp_path):
    assert table([[[0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]]).group.tolist() == ["g", "g"]
    old = predictions.rows(
        [Sample(f"Punch/v_Punch_g0{i}_c01", Path(), 0, "") for i in (1, 2)], FOG, torch.zeros(2, 1, 3), [True, True]
    ).drop_columns("group")
    predictions.save(tmp_path / "old.parquet", [old])
    assert predictions.load(tmp_path / "old.parquet").group.tolist() == ["Punch/g01", "Punch/g02"]
