"""Numbers of segmentation from the table alone: by hand, as means of what samples add, as the statistics see them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.evaluation import label_maps, metrics, pixels
from vidsparse.evaluation.comparison import arm_numbers, gain_numbers, power_note
from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.evaluation.statistics import grouped_bootstrap
from vidsparse.evaluation.summary import summary
from vidsparse.report.words import percent

TRUTH = np.uint8([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 2, 255], [0, 0, 2, 255]])
SAID = np.uint8([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 2], [0, 0, 2, 0]])
# By hand: 14 judged pixels. Class 0: 8 true, 7 said, all right. Class 1: 4 true, 6 said, 4 right. Class 2: 2, 1, 1.
IOU = (7 / 8, 4 / 6, 1 / 2)


def sample(name: str = "a", group: str = "g") -> Sample:
    return Sample(name, Path(name), -1, group)


def table(*cells: tuple[str, int, np.ndarray, np.ndarray], names: tuple[str, ...] = ("a",)) -> pd.DataFrame:
    """Rows of (corruption, severity, truth (B, H, W), said (B, H, W)), a frame a sample, a group a sample."""
    parts = []
    for name, severity, truth, said in cells:
        maps, masks = (torch.from_numpy(each.copy())[:, None, None] for each in (said, truth))
        cell = Cell(name, "imagenet_c" if severity else "", severity)
        samples = [sample(each, each) for each in names]
        parts.append(pixels.rows(samples, cell, maps, masks, [True] * len(names), 3).to_pandas())
    return pd.concat(parts, ignore_index=True)


def test_a_4x4_frame_by_hand():
    rows = table(("clean", 0, TRUTH[None], SAID[None]), ("fog", 2, TRUTH[None], TRUTH[None]))
    assert metrics.clean_accuracy(rows) == pytest.approx(sum(IOU) / 3)
    assert label_maps.class_iou(rows, "xyz").iloc[0].tolist() == pytest.approx(IOU)
    assert label_maps.pixel_accuracy_by_cell(rows).tolist() == pytest.approx([12 / 14, 1])
    assert metrics.robustness_accuracy(rows) == 1
    assert metrics.retention(rows) == pytest.approx(3 / sum(IOU))
    assert metrics.accuracy_matrix(rows).loc["fog"].tolist() == [1]
    assert label_maps.best_constant(rows) == pytest.approx(8 / 14 / 3)  # 8 of 14 are class 0, of three
    assert label_maps.classes_present(rows) == 3
    assert np.isnan(label_maps.consistency_by_cell(rows)).all()
    assert metrics.score_name(rows) == "mIoU"


def test_a_clip_of_two_frames_by_hand_and_its_views_together():
    still = np.stack([TRUTH, TRUTH])
    maps = torch.from_numpy(np.stack([np.stack([SAID, TRUTH]), still]))[None]
    masks = torch.from_numpy(np.stack([still, still]))[None]
    rows = pixels.rows([sample()], Cell("clean", "", 0), maps, masks, [True], 3).to_pandas()
    assert rows["view"].tolist() == [0, 1, -1]
    assert rows["consistency"].tolist() == pytest.approx([12 / 14, 1, 13 / 14])  # SAID keeps 12 of 14 judged pixels
    whole = metrics.video_level(rows)
    assert label_maps.class_iou(whole, "xyz").iloc[0].tolist() == pytest.approx([31 / 32, 16 / 18, 7 / 8])


def test_void_alone_and_absent_classes_count_nowhere():
    void = np.full((1, 4, 4), 255, np.uint8)
    rows = table(("clean", 0, void, SAID[None]))
    assert np.isnan(metrics.clean_accuracy(rows))
    assert np.isnan(label_maps.best_constant(rows))
    two = table(("clean", 0, np.minimum(TRUTH, 1)[None], np.minimum(SAID, 1)[None]))
    assert np.isnan(label_maps.class_iou(two, "xyz").iloc[0, 2])
    assert metrics.clean_accuracy(two) == pytest.approx(label_maps.class_iou(two, "xyz").iloc[0, :2].mean())


def test_a_clip_that_cannot_be_decoded_is_left_out_and_counted():
    both = [torch.from_numpy(np.stack([each, each])[:, None, None]) for each in (SAID, TRUTH)]
    rows = pixels.rows([sample("a"), sample("b")], Cell("clean", "", 0), *both, [True, False], 3).to_pandas()
    assert metrics.undecodable(rows).tolist() == [False, True]
    assert metrics.clean_accuracy(rows) == pytest.approx(sum(IOU) / 3)
    assert summary(rows)["undecodable"] == 1


maps_of_three = arrays(np.uint8, (5, 4, 4), elements=st.integers(0, 2))


@settings(max_examples=60, deadline=None)
@given(maps_of_three, maps_of_three)
def test_the_mean_of_what_samples_add_is_the_miou_of_the_set(truth, said):
    rows = table(("clean", 0, truth, said), names=tuple("abcde"))
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (truth.ravel(), said.ravel()), 1)
    either = counts.sum(0) + counts.sum(1) - counts.diagonal()
    expected = np.mean(counts.diagonal()[either > 0] / either[either > 0])
    assert metrics.clean_accuracy(rows) == pytest.approx(expected, abs=1e-12)
    assert metrics.clip_scores(rows.assign(corruption="fog")).mean() == pytest.approx(expected, abs=1e-12)


def noisy(seed: int, share: float, clips: int = 60) -> pd.DataFrame:
    """Clips of blocks, answered wrong in a share of the pixels that differs from clip to clip; three to a group."""
    rng = np.random.default_rng(7)
    truth = np.kron(rng.integers(0, 3, (clips, 3, 3)), np.ones((4, 4))).astype(np.uint8)
    wrong = np.random.default_rng(seed)
    bad = wrong.random(truth.shape) < share * wrong.uniform(0, 2, (clips, 1, 1))
    said = np.where(bad, wrong.integers(0, 3, truth.shape), truth).astype(np.uint8)
    names = tuple(f"clip{number:02d}" for number in range(clips))
    found = table(("clean", 0, truth, truth), ("fog", 1, truth, said), ("fog", 3, truth, said[::-1]), names=names)
    return found.assign(group=[f"g{int(name[4:]) // 3}" for name in found["id"]])


def test_the_interval_is_that_of_a_bootstrap_of_the_miou_itself():
    """The linearised scores against resampled groups whose confusions are summed and scored anew."""
    rows = noisy(1, 0.4)
    fog = rows[(rows["corruption"] == "fog") & (rows["severity"] == 1)]
    scores = label_maps.row_scores(fog)
    found = grouped_bootstrap(scores, fog["group"])
    counts = label_maps.confusions(fog)
    by_group = np.stack([counts[(fog["group"] == name).to_numpy()].sum(0) for name in fog["group"].unique()])
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(1500):
        whole = by_group[rng.integers(0, len(by_group), len(by_group))].sum(0)
        drawn.append(np.mean(whole.diagonal() / (whole.sum(0) + whole.sum(1) - whole.diagonal())))
    assert found.estimate == pytest.approx(metrics.accuracy(fog))
    assert (found.high - found.low) == pytest.approx(2 * 2.09 * np.std(drawn), rel=0.15)  # t of 19 degrees of freedom


def test_arms_are_compared_by_their_miou_and_only_with_their_own_kind():
    good, bad = {0: noisy(1, 0.2), 1: noisy(2, 0.2)}, {0: noisy(3, 0.5), 1: noisy(4, 0.5)}
    gain = gain_numbers(good, bad)
    expected = np.mean([metrics.robustness_accuracy(good[s]) - metrics.robustness_accuracy(bad[s]) for s in (0, 1)])
    assert gain["gain"] == pytest.approx(expected)
    assert gain_numbers({0: good[0]}, {0: bad[0]})["gain_low"] > 0
    numbers = arm_numbers(good)
    assert numbers["clean"] == 1
    assert numbers["robust_low"] < numbers["robust"] < numbers["robust_high"]
    assert "robust mIoU" in str(power_note([good, bad])["note"])
    with pytest.raises(MismatchedTables, match="mIoU and accuracy do not compare"):
        metrics.check_comparable(good[0], metrics.example_table())
    other = good[0].assign(confusion=[row[::-1] for row in good[0]["confusion"]])
    with pytest.raises(MismatchedTables, match="differ in labels"):
        metrics.check_comparable(good[0], other)
    assert percent(summary(good[0], bad[0])["gain"]) == percent(
        metrics.robustness_accuracy(good[0]) - metrics.robustness_accuracy(bad[0])
    )
