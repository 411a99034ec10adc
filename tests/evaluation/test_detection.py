"""Scores that tell known samples from others, against another implementation, and intervals that hold what they say."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_auroc, binary_roc

from vidsparse.metrics import auroc, detection, energy, false_positive_rate, max_softmax


def two_sets(seed, shift=1.0, n=80, m=60, digits=1):
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, n).round(digits), rng.normal(0, 1, m).round(digits)  # rounded, so that there are ties


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_torchmetrics_ties_included(seed):
    known, other = two_sets(seed)
    _, places = np.unique(np.concatenate([known, other]), return_inverse=True)
    scores = torch.from_numpy(places / places.max())  # a sigmoid in vectors would part some ties by one bit
    truth = torch.tensor([1] * len(known) + [0] * len(other))
    assert auroc(known, other) == pytest.approx(float(binary_auroc(scores, truth)), abs=1e-6)
    passing, kept, _ = binary_roc(scores, truth)
    assert false_positive_rate(known, other) == pytest.approx(float(passing[kept >= 0.95 - 1e-9].min()), abs=1e-6)


def test_energy_and_softmax_are_those_of_torch_at_large_logits_too():
    logits = torch.randn(7, 5, dtype=torch.float64) * 300
    assert energy(logits, 2.0) == pytest.approx((2 * torch.logsumexp(logits / 2, 1)).numpy())
    assert max_softmax(logits) == pytest.approx(logits.softmax(1).amax(1).numpy())


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Recordings of four samples that share half of their spread; the truth is that of the normal distributions."""
    truth, held = 0.7602, 0  # of a normal distribution with deviation 1 against another that lies one above: Φ(1/√2)
    groups = np.repeat(np.arange(40), 4)
    for seed in range(60):
        rng = np.random.default_rng([3, seed])
        known, other = (rng.normal(size=40).repeat(4) * 0.5**0.5 + rng.normal(size=160) * 0.5**0.5 for _ in range(2))
        low, high = detection(known + 1, other, groups, groups).auroc_interval
        held += low <= truth <= high
    assert held >= 52


@pytest.mark.parametrize("wrong", [[], [np.nan], [[1.0]]])
def test_what_is_no_list_of_scores_is_refused(wrong):
    with pytest.raises(ValueError, match="scores"):
        auroc(wrong, [1.0])
    with pytest.raises(ValueError, match="groups"):
        detection([1.0, 2.0], [1.0, 2.0], [0], [0, 1])


def test_one_recording_has_no_interval():
    found = detection([1.0, 2.0], [0.0, 0.5], ["a", "a"], ["b", "c"])
    assert found.auroc == 1
    assert all(np.isnan(found.auroc_interval))
