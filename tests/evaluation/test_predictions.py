"""Rows of the predictions table, by hand."""

import math
from pathlib import Path

import pytest
import torch

from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.evaluation import predictions
from vidsparse.evaluation.metrics import (
    UndecidableAnswers,
    check_decidable,
    is_right,
    undecidable,
    undecided,
    undecodable,
)
from vidsparse.evaluation.summary import undecided_words

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


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("logits", [[NAN] * 3, [0.0, NAN, 1.0], [INF, 0.0, 0.0], [INF, INF, 0.0], [-INF] * 3,
                                    [2.0] * 3, [0.0] * 3])  # fmt: skip
def test_logits_that_decide_nothing_are_wrong_whatever_the_label_and_have_no_numbers(logits):
    rows = table([[logits], [[0.0, 5.0, 0.0]]])
    assert rows.prediction.tolist() == [-2, 1]
    assert rows.top5[0].tolist() == []
    assert rows[["confidence", "loss"]].loc[0].isna().all()
    assert is_right(rows.assign(label=0)).tolist() == [False, False]
    assert undecidable(rows).tolist() == [True, False]
    assert not undecodable(rows).any()


def test_masked_logits_integers_and_ties_are_answers():
    rows = table([[[-INF, 1.0, 1.0]], [[3.0, 0.0, 3.0]]])
    assert rows.prediction.tolist() == [1, 0]  # of equal ones the lowest class
    whole = predictions.rows(SAMPLES, FOG, torch.tensor([[[0, 9]], [[9, 0]]]), [True, True])
    assert whole["prediction"].to_pylist() == [1, 0]


def test_one_view_without_numbers_is_left_out_of_the_mean_and_counted():
    views = [[[NAN, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 4.0, 0.0]], [[NAN] * 3] * 3]
    rows = table(views)
    assert rows.prediction.tolist() == [-2, 1, 1, 1, -2, -2, -2, -2]
    kept = torch.tensor(views[0][1:]).softmax(-1).mean(0).max()
    assert rows.confidence[3] == pytest.approx(float(kept))
    assert int(undecidable(rows).sum()) == 5


def test_a_network_that_answers_no_clean_clip_is_refused_and_one_that_answers_one_is_counted():
    clean = Cell("clean", "", 0)
    made = predictions.rows(SAMPLES, clean, torch.tensor([[[NAN, 0.0]], [[0.0, NAN]]]), [True, True]).to_pandas()
    with pytest.raises(UndecidableAnswers, match="answers to all 2 clean clips are no numbers"):
        check_decidable(made)
    half = predictions.rows(SAMPLES, clean, torch.tensor([[[NAN, 0.0]], [[9.0, 0.0]]]), [True, True]).to_pandas()
    check_decidable(half)
    assert undecided(half) == {"undecidable": 1, "undecidable_rows": 1}
    assert "in 1 rows" in undecided_words(undecided(half))


def test_pixels_without_numbers_are_wrong_and_counted():
    from vidsparse.evaluation import pixels
    from vidsparse.tasks import TASKS

    logits = torch.zeros(2, 2, 1, 2, 2)
    logits[:, 1] = 1.0  # class 1 everywhere
    logits[0, 0, 0, 0, 0], logits[0, :, 0, 0, 1] = NAN, 7.0
    maps = TASKS["segmentation"].outcomes.kept(logits)[:, None]
    truth = torch.ones(2, 1, 1, 2, 2, dtype=torch.uint8)
    found = pixels.rows(SAMPLES, Cell("clean", "", 0), maps, truth, [True, True], 2).to_pandas()
    assert [row.tolist() for row in found.confusion] == [[0, 0, 2, 2], [0, 0, 0, 4]]
    assert found.undecidable.tolist() == [2, 0]
    assert undecidable(found).tolist() == [True, False]
    check_decidable(found)
    nothing = TASKS["segmentation"].outcomes.kept(logits * NAN)[:, None]
    with pytest.raises(UndecidableAnswers):
        check_decidable(pixels.rows(SAMPLES, Cell("clean", "", 0), nothing, truth, [True, True], 2).to_pandas())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"out": torch.zeros(2, 3), "aux": 1}, "a dict of out, aux"),
        ((torch.zeros(2, 3),), "a tuple"),
        (torch.zeros(2), r"a tensor \(2,\) for 2 clips"),
        (torch.zeros(2, 4, 3), r"a tensor \(2, 4, 3\) for 2 clips"),
        (torch.zeros(1, 3), r"a tensor \(1, 3\) for 2 clips"),
        (torch.zeros(2, 2), "logits of 2 classes, and the data has 3"),
        (torch.zeros(2, 3, dtype=torch.bool), r"torch\.bool"),
        (None, "a NoneType"),
    ],
)
def test_what_is_no_logits_is_one_sentence(given, said):
    from vidsparse.tasks import TASKS
    from vidsparse.utils.errors import ConfigError

    with pytest.raises(ConfigError, match=f"the network gives {said}.*; what is evaluated are logits"):
        TASKS["classification"].outcomes.check(given, 2, 3)
    assert TASKS["classification"].outcomes.check(torch.full((2, 3), 7e4).half(), 2, 3).isinf().all()
    assert TASKS["classification"].outcomes.check(torch.ones(2, 3, dtype=torch.int8), 2, 3).dtype == torch.float32
