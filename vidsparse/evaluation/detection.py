"""Whether a network notices what it was not trained on: scores of logits, and how well they tell two sets apart.

Sources: Hendrycks and Gimpel 2017, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural
Networks" (arXiv 1610.02136: maximum softmax, AUROC); Liu et al. 2020, "Energy-based Out-of-distribution Detection"
(arXiv 2010.03759: equation 4, FPR95).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, softmax
from scipy.stats import rankdata

Scores = NDArray[np.float64]
Span = tuple[float, float]
_DRAWS: Final = 1000  # of the bootstrap


@dataclass(frozen=True)
class Detection:
    """How well scores tell samples of the known kind from others, 0 to 1 each, with 95 % intervals."""

    auroc: float
    auroc_interval: Span
    fpr95: float
    fpr95_interval: Span


def max_softmax(logits: ArrayLike) -> Scores:
    """The probability of the likeliest class: logits (n, classes) to (n,), in (0, 1]; higher is more familiar.

    >>> max_softmax([[0.0, 0.0], [2.0, 0.0]]).round(3).tolist()
    [0.5, 0.881]
    """
    found: Scores = softmax(np.asarray(logits, dtype=float), axis=1).max(axis=1)
    return found


def energy(logits: ArrayLike, temperature: float = 1.0) -> Scores:
    """The negative energy T log Σ exp(logit / T): logits (n, classes) to (n,), any number; higher is more familiar.

    >>> energy([[0.0, 0.0], [2.0, 0.0]]).round(3).tolist()
    [0.693, 2.127]
    """
    found: Scores = temperature * logsumexp(np.asarray(logits, dtype=float) / temperature, axis=1)
    return found


def auroc(known: ArrayLike, other: ArrayLike) -> float:
    """The chance that a known sample scores above another, ties as a half: scores (n,) and (m,) to 0..1; .5 is chance.

    >>> auroc([0.9, 0.8, 0.4], [0.5, 0.1])
    0.8333333333333334
    """
    x, y = _scores(known), _scores(other)
    ranks = rankdata(np.concatenate([x, y]))[: len(x)]
    return float((ranks.sum() - len(x) * (len(x) + 1) / 2) / (len(x) * len(y)))


def false_positive_rate(known: ArrayLike, other: ArrayLike, kept: float = 0.95) -> float:
    """The share of others that pass where a threshold lets at least `kept` of the known pass; 0..1, less is better.

    >>> false_positive_rate(range(100), [-1, 4, 5, 50])
    0.5
    """
    x, y = np.sort(_scores(known)), _scores(other)
    threshold = x[int(np.floor((1 - kept) * len(x) + 1e-9))]
    return float((y >= threshold).mean())


def detection(
    known: ArrayLike, other: ArrayLike, known_groups: ArrayLike | None = None, other_groups: ArrayLike | None = None
) -> Detection:
    """AUROC and FPR95 of scores (n,) and (m,), higher for what is known, with intervals over recordings.

    Groups, (n,) and (m,), say which recording a sample is of; without them each is one. Recordings of both sets are
    drawn again 1,000 times, always the same draws for the same data; the intervals are the 95 % percentiles. With few
    recordings (under about 20 a set) percentiles are too narrow, and one recording gives NaN.

    Raises:
        ValueError: a set is empty, a score is no number, or there is not a group for each score.

    >>> found = detection([0.9, 0.8, 0.7, 0.4], [0.5, 0.1, 0.3])
    >>> round(found.auroc, 3), found.fpr95, found.auroc_interval[0] < found.auroc
    (0.917, 0.3333333333333333, True)
    """
    x, y = _scores(known), _scores(other)
    sides = (_members(x, known_groups), _members(y, other_groups))
    if min(map(len, sides)) < 2:
        auroc_span = fpr_span = (np.nan, np.nan)
    else:
        rng = np.random.default_rng(0)
        draws = [(x[_drawn(sides[0], rng)], y[_drawn(sides[1], rng)]) for _ in range(_DRAWS)]
        auroc_span, fpr_span = (_span([of(*pair) for pair in draws]) for of in (auroc, false_positive_rate))
    return Detection(auroc(x, y), auroc_span, false_positive_rate(x, y), fpr_span)


def _scores(given: ArrayLike) -> Scores:
    scores = np.asarray(given, dtype=float)
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        raise ValueError("scores are finite numbers, (n,), at least one")
    return scores


def _members(scores: Scores, groups: ArrayLike | None) -> list[NDArray[np.intp]]:
    """The places of the samples of each recording."""
    labels = np.arange(len(scores)) if groups is None else np.asarray(groups)
    if len(labels) != len(scores):
        raise ValueError(f"{len(scores)} scores have {len(labels)} groups; give one for each")
    places = np.unique(labels, return_inverse=True)[1]
    return np.split(np.argsort(places, kind="stable"), np.cumsum(np.bincount(places))[:-1])


def _drawn(members: list[NDArray[np.intp]], rng: np.random.Generator) -> NDArray[np.intp]:
    """The places of samples of as many recordings as there are, drawn with replacement."""
    return np.concatenate([members[place] for place in rng.integers(len(members), size=len(members))])


def _span(values: list[float]) -> Span:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
