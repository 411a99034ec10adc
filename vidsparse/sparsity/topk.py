"""The highest of millions of scores on the CPU, exactly: a compiled pass, then NumPy's partition of what is left."""

from math import sqrt

import numpy as np

from vidsparse.sparsity.kernels import Bools, Float, Floats, Ints, count_rows, gather

_SAMPLE = 16_384


def threshold(values: Floats, k: int, among: Bools, wanted: bool) -> tuple[Float, int, int]:
    """The k-th highest value, how many candidates equal it, and how many of these are among the k highest.

    `values` and `among` (n,); candidates are where `among` is `wanted`, at least k, 1 <= k. NaN and -inf count as the
    lowest number. A sample tells below which value nothing need be looked at; where it errs, all is looked at.
    """
    found = taken(values, among, wanted, _surely_below(values, k, among, wanted))
    if found.size < k:
        found = taken(values, among, wanted, np.finfo(values.dtype).min)
    found.partition(found.size - k)
    kth, above = found[-k], found[-k:]
    return kth, int(np.count_nonzero(found == kth)), k - int(np.count_nonzero(above > kth))


def taken(values: Floats, among: Bools, wanted: bool, bound: Float) -> Floats:
    """The values where `among` is `wanted` and that are at least `bound`; the lowest number for NaN and -inf."""
    found = np.empty(values.size + 1, values.dtype)
    return found[: gather(values, among, wanted, np.finfo(values.dtype).min, bound, found)]


def mended(values: Floats) -> Floats:
    """The same with the lowest number for NaN and -inf; itself where there are none."""
    lowest = np.finfo(values.dtype).min
    return values if values.size and values.min() >= lowest else np.fmax(values, lowest)


def top_rows(values: Floats, k: int) -> Bools:
    """The k highest of each row (rows, columns), 1 <= k <= columns, none NaN; of equal ones those that come first."""
    place = values.shape[1] - k
    ranked = np.partition(values, place, axis=1)
    kth = ranked[:, place, None]
    chosen = values >= kth
    rows = np.flatnonzero(rows_count(chosen) > k)
    if rows.size:
        above, ties = values[rows] > kth[rows], values[rows] == kth[rows]
        missing = k - rows_count(above)
        chosen[rows] = above | (ties & (ties.cumsum(1, dtype=np.int32) <= missing[:, None]))
    return chosen


def rows_count(mask: Bools) -> Ints:
    """How many are true in each row of (rows, columns), int64 (rows,)."""
    counts = np.empty(len(mask), np.int64)
    count_rows(mask, counts)
    return counts


def _surely_below(values: Floats, k: int, among: Bools, wanted: bool) -> Float:
    """A value that most probably fewer than all but more than k candidates reach; the lowest where they are few."""
    lowest = np.finfo(values.dtype).min
    step = values.size // _SAMPLE | 1
    sample = values[::step][among[::step] == wanted]
    share = k / step
    rank = int(share + 5 * sqrt(share) + 5)
    if rank > sample.size // 2:
        return lowest
    place = sample.size - rank
    bound: Float = np.partition(np.fmax(sample, lowest), place)[place]
    return bound
