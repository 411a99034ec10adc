"""Every measure by hand, on 4 x 4 pixels of three classes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsparse.evaluation.confusion import confusion, iou, mean_iou, pixel_accuracy, temporal_consistency

V = 255
TRUTH = np.uint8(
    [
        [0, 0, 1, 1],
        [0, 0, 1, 1],
        [2, 2, 1, V],
        [2, 2, V, V],
    ]
)
PREDICTION = np.uint8(
    [
        [0, 0, 1, 1],
        [0, 1, 1, 0],
        [2, 1, 1, 0],
        [2, 2, 2, 1],
    ]
)
# class 0: 4 pixels, 3 found, 1 taken for 1; class 1: 5 pixels, 4 found, 1 taken for 0; class 2: 4, 3 found, 1 for 1
COUNTS = np.array([[3, 1, 0], [1, 4, 0], [0, 1, 3]])


def test_confusion_counts_by_truth_then_prediction_and_leaves_void_out():
    counts = confusion(TRUTH, PREDICTION, 3)
    assert counts.dtype == np.int64
    assert np.array_equal(counts, COUNTS)
    assert counts.sum() == 16 - 3


def test_iou_of_each_class():
    # 0: 3 / (3 + 1 missed + 1 too many), 1: 4 / (4 + 1 + 2), 2: 3 / (3 + 1 + 0)
    assert iou(COUNTS) == pytest.approx([3 / 5, 4 / 7, 3 / 4])


def test_mean_iou():
    assert mean_iou(COUNTS) == pytest.approx((0.6 + 4 / 7 + 0.75) / 3)


def test_pixel_accuracy():
    assert pixel_accuracy(COUNTS) == pytest.approx(10 / 13)


def test_a_class_that_is_nowhere_has_no_iou_and_one_only_predicted_has_zero():
    nowhere = np.zeros((4, 4), int)
    nowhere[:3, :3] = COUNTS
    assert math.isnan(iou(nowhere)[3])
    assert mean_iou(nowhere) == pytest.approx(mean_iou(COUNTS))
    nowhere[0, 3] = 1
    assert iou(nowhere)[3] == 0
    assert mean_iou(nowhere) == pytest.approx((3 / 6 + 4 / 7 + 3 / 4 + 0) / 4)
    assert math.isnan(mean_iou(np.zeros((2, 2))))
    assert math.isnan(pixel_accuracy(np.zeros((2, 2))))


def test_sets_are_judged_by_the_sum_and_stacks_one_by_one():
    other = np.array([[2, 0, 0], [0, 0, 3], [1, 0, 0]])
    stack = np.stack([COUNTS, other])
    assert iou(stack).shape == (2, 3)
    assert iou(stack)[1] == pytest.approx([2 / 3, 0, 0])
    # pooled: [[5, 1, 0], [1, 4, 3], [1, 1, 3]]
    assert iou(stack.sum(axis=0)) == pytest.approx([5 / 8, 4 / 10, 3 / 8])
    assert mean_iou(stack.sum(axis=0)) != pytest.approx(mean_iou(stack).mean())


def test_class_ids_that_are_none_are_refused():
    with pytest.raises(ValueError, match="class id 3 of 3 classes"):
        confusion(TRUTH, np.where(TRUTH == 1, 3, 0).astype(np.uint8), 3)
    with pytest.raises(ValueError, match="class id 7 of 3"):
        confusion(np.where(TRUTH == 1, 7, 0).astype(np.uint8), PREDICTION, 3)
    with pytest.raises(ValueError, match="shape"):
        confusion(TRUTH[:2], PREDICTION, 3)


def test_consistency_asks_whether_the_prediction_stays_where_the_truth_does():
    later = TRUTH.copy()
    later[0, 2] = 2  # this pixel changes its class: it does not count, whatever is said of it
    flicker = PREDICTION.copy()
    flicker[0, 2], flicker[0, 0], flicker[1, 1] = 0, 1, 2  # two pixels that stay are called something else
    truth, prediction = np.stack([TRUTH, later]), np.stack([PREDICTION, flicker])
    assert temporal_consistency(prediction, truth) == pytest.approx(10 / 12)
    assert math.isnan(temporal_consistency(prediction[:1], truth[:1]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_perfect_is_one_and_order_of_pixels_does_not_matter(seed, classes):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, (3, 5, 4)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = V
    guess = rng.integers(0, classes, truth.shape).astype(np.uint8)
    shuffled = rng.permutation(truth.size)
    counts = confusion(truth, guess, classes)
    assert np.array_equal(counts, confusion(truth.ravel()[shuffled], guess.ravel()[shuffled], classes))
    assert np.array_equal(counts, sum(confusion(t, g, classes) for t, g in zip(truth, guess, strict=True)))
    perfect = confusion(truth, np.where(truth == V, 0, truth), classes)
    assert set(iou(perfect)[~np.isnan(iou(perfect))]) <= {1.0}
