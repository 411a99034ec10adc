"""Effective robustness: what is gained under corruption beyond what a better clean accuracy would bring anyway.

Source: Taori et al. 2020, "Measuring Robustness to Natural Distribution Shifts in Image Classification"
(arXiv 2007.00644), section 2: rho(f) = A_robust(f) - beta(A_clean(f)), where beta is fitted to baseline models as a
straight line between the logits of their two accuracies.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vidsparse.utils.errors import VidsparseError


class NoBaseline(VidsparseError):
    """Too few or unsuitable baseline models for a fit."""


@dataclass(frozen=True)
class Baseline:
    """logit(A_robust) = slope · logit(A_clean) + intercept, fitted to n models."""

    slope: float
    intercept: float
    n: int

    def expected(self, clean: float) -> float:
        """The robustness accuracy that a baseline model of this clean accuracy has, 0..1."""
        return float(1 / (1 + math.exp(-(self.slope * float(_logit(clean)) + self.intercept))))


def fit_baseline(clean: ArrayLike, robust: ArrayLike) -> Baseline:
    """Least squares on the logits of the baseline models' accuracies (shares strictly between 0 and 1).

    Raises NoBaseline for fewer than two different clean accuracies, or one that is 0 or 1.

    >>> fit_baseline([0.5, 0.8], [0.5, 0.8])
    Baseline(slope=1.0, intercept=0.0, n=2)
    """
    x, y = np.asarray(clean, dtype=float), np.asarray(robust, dtype=float)
    if np.unique(x).size < 2:
        raise NoBaseline(f"a baseline needs two models of different clean accuracy, not {np.unique(x).size}")
    if not ((x > 0) & (x < 1) & (y > 0) & (y < 1)).all():
        raise NoBaseline("a baseline is fitted to accuracies strictly between 0 and 1; leave out models at 0 or 1")
    across, up = _logit(x), _logit(y)
    slope = float(((across - across.mean()) * (up - up.mean())).sum() / ((across - across.mean()) ** 2).sum())
    return Baseline(round(slope, 12), round(float(up.mean() - slope * across.mean()), 12) + 0.0, x.size)


def effective_robustness(clean: float, robust: float, baseline: Baseline) -> float:
    """rho = A_robust - beta(A_clean), a difference of shares; above 0 is better than the baseline line; NaN at 0 or 1.

    >>> round(effective_robustness(0.8, 0.85, fit_baseline([0.5, 0.8], [0.5, 0.8])), 3)
    0.05
    """
    return robust - baseline.expected(clean) if 0 < clean < 1 else math.nan


def _logit(share: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(share, dtype=float)
    return np.asarray(np.log(p / (1 - p)))
