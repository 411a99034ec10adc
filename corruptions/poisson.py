"""Counts of photons by the inverse of their distribution, so that one uniform number serves every level."""

import math

import numpy as np
from numpy.typing import NDArray

from corruptions import fields

_GUIDE_BITS = 8
TO_GUIDE = np.uint64(fields.BITS - _GUIDE_BITS)

Counts = NDArray[np.int64]
Cdf = NDArray[np.uint32]
Guide = NDArray[np.uint16]


def tables(mean: NDArray[np.float64], photons: float) -> tuple[Cdf, Guide, Counts]:
    """Return the distribution of each grey level as a kernel reads it.

    Args:
        mean: photons that each of the 256 grey levels means: (256, 1), at most `photons`.
        photons: those of white.

    Returns:
        cdf: (256, K) in units of 2^-21, the last one beyond every draw. guide: (256, 256), the count at which to start
        looking, by the first eight bits of a draw. counts: (K,), from 0.
    """
    counts = np.arange(int(photons + 10 * math.sqrt(photons)) + 20)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    log_pmf = counts * np.log(np.maximum(mean, 1e-300)) - mean - log_factorial
    cdf = np.round(np.cumsum(np.exp(log_pmf), axis=1) * (1 << fields.BITS)).astype(np.uint32)
    cdf[:, -1] = np.iinfo(np.uint32).max
    starts = np.arange(1 << _GUIDE_BITS) << int(TO_GUIDE)
    guide = np.stack([np.searchsorted(row, starts, side="right") for row in cdf]).astype(np.uint16)
    return cdf, guide, counts
