"""Simulated studies whose truth is known: paired models, recordings that differ, seeds that differ."""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit

CELLS = 12


def sizes_of(groups: int, uneven: bool, rng: np.random.Generator) -> np.ndarray:
    """Clips of each group: four each, or one to fifteen as UCF101's groups vary."""
    return (1 + rng.geometric(0.3, groups)).clip(max=15) if uneven else np.full(groups, 4)


def paired_scores(
    rng: np.random.Generator, seeds: int, groups: int, uneven: bool, seed_sd: float
) -> tuple[np.ndarray, np.ndarray]:
    """Differences (seeds, clips) of two equally good models' shares right, and the clips' groups; the truth is 0.

    Logits of being right add up from the recording, the clip, the recording's own liking of one of the models, the two
    seeds, and what one seed makes of one clip; each share is one of CELLS answers.
    """
    place = np.repeat(np.arange(groups), sizes_of(groups, uneven, rng))
    easy = rng.normal(0, 0.8, groups)[place] + rng.normal(0, 1, place.size)
    liking = rng.normal(0, 0.7, groups)[place]
    shares = []
    for bonus in (liking, 0 * liking):
        logit = easy + bonus + rng.normal(0, seed_sd, (seeds, 1)) + rng.normal(0, 0.5, (seeds, place.size))
        shares.append(rng.binomial(CELLS, expit(logit)) / CELLS)
    return shares[0] - shares[1], place


def coverage(interval, seeds: int, groups: int, uneven: bool, seed_sd: float, trials: int, seed: int = 0) -> float:
    """How often `interval(scores, groups)` -> (low, high) holds the truth."""
    rng = np.random.default_rng([seed, seeds, groups, uneven, round(100 * seed_sd)])
    held = 0
    for _ in range(trials):
        low, high = interval(*paired_scores(rng, seeds, groups, uneven, seed_sd))
        held += low <= 0 <= high
    return held / trials


def settings() -> Iterator[tuple[int, int, bool, float]]:
    """(seeds, groups, uneven, seed_sd); one seed speaks of recordings alone, so there seeds do not differ."""
    for uneven in (False, True):
        yield from ((1, groups, uneven, 0.0) for groups in (6, 12, 25, 100))
        yield from ((n, groups, uneven, sd) for n in (2, 3, 5) for groups in (6, 12, 40) for sd in (0.0, 0.1, 0.4))
