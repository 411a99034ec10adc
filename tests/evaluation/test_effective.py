"""The baseline line in logits, and what lies above it."""

import math

import numpy as np
import pytest
from scipy.special import expit, logit

from vidsparse.evaluation.effective import NoBaseline, effective_robustness, fit_baseline


def test_a_line_in_logits_is_found_and_leaves_nothing_over():
    clean = np.array([0.3, 0.5, 0.7, 0.9])
    robust = expit(0.8 * logit(clean) - 0.5)
    line = fit_baseline(clean, robust)
    assert (line.slope, line.intercept, line.n) == (pytest.approx(0.8), pytest.approx(-0.5), 4)
    assert [effective_robustness(a, b, line) for a, b in zip(clean, robust, strict=True)] == pytest.approx([0] * 4)
    assert effective_robustness(0.7, 0.6, line) == pytest.approx(0.6 - expit(0.8 * logit(0.7) - 0.5))


def test_what_only_a_better_clean_accuracy_brings_is_no_effective_robustness():
    line = fit_baseline([0.5, 0.6, 0.7], [0.3, 0.4, 0.5])
    better = line.expected(0.8)
    assert better > 0.5
    assert effective_robustness(0.8, better, line) == pytest.approx(0)


@pytest.mark.parametrize(
    ("clean", "robust", "said"), [([0.5, 0.5], [0.4, 0.3], "two models"), ([0.5, 1], [0.4, 0.5], "0 or 1")]
)
def test_a_baseline_that_cannot_be_fitted_is_refused(clean, robust, said):
    with pytest.raises(NoBaseline, match=said):
        fit_baseline(clean, robust)


def test_at_0_or_1_there_is_no_logit():
    assert math.isnan(effective_robustness(1.0, 0.9, fit_baseline([0.5, 0.8], [0.4, 0.6])))
