"""How often 95 % intervals hold the truth, over few and many recordings and seeds, and those that were not taken.

Recorded in docs/statistics.md. `make soak`.
"""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from helpers.worlds import coverage, settings
from vidsparse.evaluation.statistics import grouped_bootstrap

TRIALS = 2000
DRAWS = 599


def taken(scores, groups):
    found = grouped_bootstrap(scores, groups)
    return found.low, found.high


def percentile(scores, groups):
    return np.quantile(_drawn(scores, groups), [0.025, 0.975])


def bca(scores, groups):
    """Bias-corrected and accelerated (Efron 1987), over groups, seeds averaged."""
    drawn, sums, sizes = _drawn(scores.mean(0, keepdims=True), groups), *_per_group(scores.mean(0), groups)
    estimate = scores.mean()
    bias = ndtri(np.clip((drawn < estimate).mean() + (drawn == estimate).mean() / 2, 1 / DRAWS, 1 - 1 / DRAWS))
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    off = without.mean() - without
    acceleration = (off**3).sum() / (6 * (off**2).sum() ** 1.5 + 1e-300)
    at = bias + ndtri(np.array([0.025, 0.975]))
    return np.quantile(drawn, ndtr(bias + at / (1 - acceleration * at)))


def _per_group(row, groups):
    return np.bincount(groups, row), np.bincount(groups).astype(float)


def _drawn(scores, groups):
    sizes = np.bincount(groups).astype(float)
    sums = np.stack([np.bincount(groups, row) for row in scores])
    rng = np.random.default_rng(0)
    taken = rng.integers(0, sizes.size, (DRAWS, sizes.size))
    seeds = rng.integers(0, len(scores), (DRAWS, len(scores)))
    return sums[seeds[:, :, None], taken[:, None, :]].mean(1).sum(1) / sizes[taken].sum(1)


@pytest.mark.parametrize(("seeds", "groups", "uneven", "seed_sd"), list(settings()))
def test_coverage(seeds, groups, uneven, seed_sd):
    held = {rule.__name__: coverage(rule, seeds, groups, uneven, seed_sd, TRIALS) for rule in (taken, percentile, bca)}
    said = "  ".join(f"{name} {share:.3f}" for name, share in held.items())
    print(f"\nseeds {seeds}  groups {groups:3d}  {'uneven' if uneven else 'even  '}  seed sd {seed_sd}  {said}")
    assert held["taken"] >= 0.925
