"""Statistics: pure functions of numbers, verified by simulation (tests/evaluation and, in full, tests/soak).

What is random is which videos were filmed and which seed a network was trained from. Clips of one recording (a group:
UCF101's gNN) share its scene and are not independent; neither are a video's corruption cells. So the unit of every
interval here is a group, or a seed, never a prediction.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, nctdtr, ndtr, stdtr, stdtrit
from scipy.stats import rankdata

Z95 = 1.959964  # two-sided 95 % of the normal distribution
_DRAWS = 2000
_ROUNDING = 1e-9  # of the mean: a spread below this is none
_MANY = 1000  # groups from which the bootstrap distribution is normal and not drawn
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate, its two-sided 95 % interval, and the p-value of the hypothesis that the truth is 0."""

    estimate: float
    low: float
    high: float
    p: float


def wilson_interval(right: float, n: float, z: float = Z95) -> tuple[float, float]:
    """Interval of a share right / n of n independent answers (Wilson's score interval, 1927); (0, 1) for n = 0.

    >>> [round(bound, 3) for bound in wilson_interval(22, 48)]
    [0.326, 0.597]
    """
    if n == 0:
        return 0.0, 1.0
    share, shrink = right / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def share_interval(right: ArrayLike, groups: ArrayLike) -> tuple[float, float]:
    """Interval of the share of clips answered right, clips of one group not independent; both of length n.

    Wilson's interval at the effective number of clips n / deff (Kish 1965): deff is the variance of the share over
    groups (jackknife), in units of that of n independent clips, at least 1. t instead of normal quantiles as groups
    are few.

    >>> [round(bound, 2) for bound in share_interval([1, 1, 0, 0], [1, 2, 3, 4])]
    [0.06, 0.94]
    """
    answers, places = np.asarray(right, dtype=float), _places(groups)
    n, count = answers.size, int(places.max(initial=-1)) + 1
    if n == 0 or count < 2:
        return 0.0, 1.0
    share, sizes = answers.mean(), _sizes(places)
    binomial = share * (1 - share) / n
    spread = _jackknife(np.asarray(np.bincount(places, answers), dtype=np.float64), sizes)
    effective = n / max(1.0, spread / binomial) if binomial else float(count)
    return wilson_interval(share * effective, effective, float(stdtrit(count - 1, 0.975)))


def mean_interval(values: ArrayLike) -> tuple[float, float]:
    """mean ± t(n - 1) s / sqrt(n), 95 %, of n independent values, such as one a seed; NaN for n < 2.

    >>> [round(bound, 3) for bound in mean_interval([0.0, 0.5, 1.0])]
    [-0.742, 1.742]
    """
    x = np.asarray(values, dtype=float)
    if x.size < 2:
        return math.nan, math.nan
    half = float(stdtrit(x.size - 1, 0.975)) * x.std(ddof=1) / math.sqrt(x.size)
    return float(x.mean() - half), float(x.mean() + half)


def grouped_bootstrap(scores: ArrayLike, groups: ArrayLike) -> Interval:
    """Mean of scores over clips and seeds, with an interval over both: which recordings there are, and which seeds.

    Args:
        scores: (clips,) or (seeds, clips): a clip's share of right answers or, paired, the difference of two models' of
            the same seed. NaN is not allowed.
        groups: (clips,) what recording each clip was cut from.

    Groups and seeds are resampled with replacement, jointly (the pigeonhole bootstrap, Owen 2007), 2,000 times, always
    the same draws for the same data. With few groups or seeds percentiles of that are too narrow (85 % instead of 95 %
    at six groups, 82 % where three seeds differ much; BCa is no better), so they are scaled about the mean to the
    half-width t(df) · sqrt(V): V = V_groups + V_seeds - V_both, by the jackknife over groups and the variance over
    seeds (two-way clustering, Cameron, Gelbach and Miller 2011), df by Satterthwaite, and never below
    t(seeds - 1) · sqrt(V_seeds). One seed alone says nothing about seeds: then the interval is over recordings only.
    Fewer than two groups, and no more seeds either, give NaN; so do the bounds where all groups agree on what is not 0,
    which tells no spread: p is then that of a sign test over the groups. From 1,000 groups on the interval is
    symmetric, as the bootstrap distribution then is.

    >>> found = grouped_bootstrap([0.1, 0.2, 0.1, 0.3, 0.2, 0.3], ["a", "a", "b", "b", "c", "d"])
    >>> round(found.estimate, 3), found.low > 0, found.p < 0.05
    (0.2, True, True)
    """
    x, places = np.atleast_2d(np.asarray(scores, dtype=float)), _places(groups)
    sizes = _sizes(places)
    sums = np.stack([np.asarray(np.bincount(places, row), dtype=np.float64) for row in x])
    mean = float(sums.sum() / (len(x) * sizes.sum()))
    half, p = _half_width(sums, sizes, mean)
    drawn = _pigeonhole(sums, sizes) if half > 0 and sizes.size < _MANY else np.zeros(1)
    spread = float(drawn.std())
    if not spread:
        return Interval(mean, mean - half, mean + half, p)
    low, high = mean + (np.quantile(drawn, [0.025, 0.975]) - drawn.mean()) * (half / (Z95 * spread))
    return Interval(mean, float(low), float(high), p)


def ranged_interval(scores: ArrayLike, groups: ArrayLike, lowest: float = 0.0, highest: float = 1.0) -> Interval:
    """The interval of every accuracy (0..1) and every difference of two (-1..1), in all tables and pages.

    One seed's right and wrong answers have `share_interval`, everything else `grouped_bootstrap`, cut at the range.
    Recordings that all agree show no spread, and neither zero nor all of the range follows: another recording differs
    with a probability of up to w, Wilson's bound for none of G recordings, and may then score anything. So the bounds
    are m - w (m - lowest) and m + w (highest - m); for shares of 0 and 1 that is Wilson's interval at G recordings.
    With fewer than two recordings an accuracy has the whole range and a difference has NaN.

    >>> none = ranged_interval([0] * 51, range(51))
    >>> none.low, round(none.high, 3)
    (0.0, 0.073)
    >>> alike = ranged_interval([[0.0] * 24] * 2, range(24), lowest=-1)
    >>> round(alike.low, 3), round(alike.high, 3)
    (-0.151, 0.151)
    """
    x, count = np.atleast_2d(np.asarray(scores, dtype=float)), np.unique(np.asarray(groups)).size
    found = grouped_bootstrap(x, groups)
    mean = found.estimate
    if len(x) == 1 and lowest == 0 and np.unique(x).tolist() == [0.0, 1.0]:
        low, high = share_interval(x[0], groups)
    elif count < 2 and not found.low < found.high:
        low, high = (lowest, highest) if lowest == 0 else (math.nan, math.nan)
    elif not found.low < found.high:
        w = wilson_interval(0, count, float(stdtrit(count - 1, 0.975)))[1]
        low, high = mean - w * (mean - lowest), mean + w * (highest - mean)
    else:
        low, high = found.low, found.high
    return Interval(mean, float(np.clip(low, lowest, highest)), float(np.clip(high, lowest, highest)), found.p)


def clip_interval(scores: pd.Series, groups: pd.Series, lowest: float = 0.0) -> tuple[float, float]:
    """The 95 % interval of the mean of clips' scores, by id, over recordings (`groups`, by id); NaN where one is NaN.

    >>> groups = pd.Series(range(4), index=list("abcd"))
    >>> [round(bound, 2) for bound in clip_interval(pd.Series([1, 1, 0, 0], index=list("abcd")), groups)]
    [0.06, 0.94]
    """
    if scores.empty or scores.isna().any():
        return math.nan, math.nan
    found = ranged_interval(scores.to_numpy(dtype=float), groups.reindex(scores.index), lowest)
    return found.low, found.high


def ratio_interval(parts: Sequence[pd.Series], wholes: Sequence[pd.Series], groups: pd.Series) -> tuple[float, float]:
    """The 95 % interval of the mean of `parts` over that of `wholes`, clips' scores by id, a series of each a seed.

    To first order R / A is the mean over clips of r + (r_i - r a_i) / A, with r = R / A (Cochran 1977, section 6). NaN
    without clips, and where the wholes are all 0.

    >>> clean, robust = pd.Series([1, 1, 1, 0], list("abcd")), pd.Series([1, 0.5, 1, 0], list("abcd"))
    >>> groups = pd.Series(list("abcd"), list("abcd"))  # each clip a recording of its own
    >>> [round(end, 2) for end in ratio_interval([robust], [clean], groups)]
    [0.31, 1.27]
    """
    kept, right = pd.DataFrame(list(parts)).astype(float), pd.DataFrame(list(wholes)).astype(float)
    if kept.empty or right.empty or not right.to_numpy().mean() > 0:
        return math.nan, math.nan
    whole = float(right.to_numpy().mean())
    ratio = float(kept.to_numpy().mean()) / whole
    shares = ratio + (kept - ratio * right[kept.columns]) / whole
    found = ranged_interval(shares.to_numpy(), groups.reindex(kept.columns), highest=max(1.0, 2 * ratio))
    return found.low, found.high


def _half_width(sums: Array, sizes: Array, mean: float) -> tuple[float, float]:
    """Half of the interval, and the p-value of a mean of 0; sums (seeds, groups), sizes (groups,)."""
    seeds, count = sums.shape
    by_group = _jackknife(sums.mean(0), sizes) if count > 1 else math.nan
    if seeds == 1:
        return _t_test(mean, by_group, count - 1)
    by_seed = float(np.var(sums.sum(1) / sizes.sum(), ddof=1)) / seeds
    if count < 2:
        return _t_test(mean, by_seed, seeds - 1)
    both = sum(_jackknife(row, sizes) for row in sums - sums.mean(0)) / (seeds * (seeds - 1))
    variance = max(by_group + by_seed - both, by_group, by_seed)
    parts = (by_group**2 / (count - 1), by_seed**2 / (seeds - 1), both**2 / ((count - 1) * (seeds - 1)))
    df = count - 1 if _is_rounding(variance, mean) else max(1.0, variance**2 / sum(parts))
    whole = _t_test(mean, variance, df)
    if _is_rounding(by_seed, mean):
        return whole
    over_seeds = _t_test(mean, by_seed, seeds - 1)
    return max(whole[0], over_seeds[0]), max(whole[1], over_seeds[1])


def _is_rounding(variance: float, mean: float) -> bool:
    return variance <= (_ROUNDING * mean) ** 2


def _t_test(mean: float, variance: float, df: float) -> tuple[float, float]:
    """Half-width and p. Values that are all alike say no spread: then p is that of their signs, and no half-width."""
    if df < 1 or math.isnan(variance):
        return math.nan, math.nan
    if _is_rounding(variance, mean):
        return (math.nan, 2.0**-df) if mean else (0.0, 1.0)
    return float(stdtrit(df, 0.975)) * math.sqrt(variance), 2 * float(stdtr(df, -abs(mean) / math.sqrt(variance)))


def _pigeonhole(sums: Array, sizes: Array) -> Array:
    """Means of joint resamples of seeds (rows) and groups (columns)."""
    seeds, count = sums.shape
    key = blake2b(np.ascontiguousarray(sums).tobytes(), digest_size=8).digest()
    rng = np.random.default_rng(int.from_bytes(key, "little"))
    taken = rng.multinomial(count, np.full(count, 1 / count), size=_DRAWS)
    weight = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=_DRAWS) / seeds
    return np.asarray(((weight @ sums) * taken).sum(1) / (taken @ sizes))


def _jackknife(sums: Array, sizes: Array) -> float:
    """Variance of sum(sums) / sum(sizes), one group left out at a time."""
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    return float((sums.size - 1) * np.var(without))


def _places(groups: ArrayLike) -> NDArray[np.intp]:
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def _sizes(places: NDArray[np.intp]) -> Array:
    return np.asarray(np.bincount(places), dtype=np.float64)


def sign_test(wins: int, losses: int) -> float:
    """Exact two-sided p-value of so many wins against so many losses if both were equally likely; ties are left out.

    >>> round(sign_test(18, 1), 6), sign_test(0, 0)
    (7.6e-05, 1.0)
    """
    n = wins + losses
    return min(1.0, 2 * float(bdtr(min(wins, losses), n, 0.5))) if n else 1.0


def holm(p: ArrayLike) -> Array:
    """p-values adjusted for being so many (Holm 1979): p_(i) -> max over j <= i of min(1, (m - j + 1) p_(j)).

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    raw = np.asarray(p, dtype=float)
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(np.minimum(1, (raw.size - np.arange(raw.size)) * raw[order]))
    adjusted = np.empty_like(raw)
    adjusted[order] = steps
    return adjusted


def rank_correlation(one: ArrayLike, other: ArrayLike) -> Interval:
    """Spearman's correlation of n pairs with its 95 % interval, tanh(atanh r ± 1.96 sqrt((1 + r^2 / 2) / (n - 3))).

    Ranks, as shares and gains are skewed and one corruption may be far from all others; the interval is Bonett and
    Wright's (2000, Psychometrika 65), Fisher's with a variance for ranks. Where the orders agree wholly r is taken half
    a step (6 / (n^3 - n)) from 1 for the bounds, so that few pairs do not pass for certainty. No bounds for n < 5, NaN
    where one side does not vary. p: of no correlation, from the same normal distribution.

    >>> found = rank_correlation([1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 5, 6])
    >>> round(found.estimate, 3), round(found.low, 2), round(found.high, 2)
    (0.943, 0.38, 1.0)
    """
    x, y = rankdata(np.asarray(one, dtype=float)), rankdata(np.asarray(other, dtype=float))
    n = x.size
    if n < 3 or not x.std() or not y.std():
        return Interval(math.nan, math.nan, math.nan, math.nan)
    r = round(float(np.corrcoef(x, y)[0, 1]), 12)
    if n < 5:
        return Interval(r, math.nan, math.nan, math.nan)
    most = 1 - 6 / (n**3 - n)
    z, half = math.atanh(float(np.clip(r, -most, most))), Z95 * math.sqrt((1 + r * r / 2) / (n - 3))
    low, high = math.tanh(z - half), math.tanh(z + half)
    return Interval(r, min(low, r), max(high, r), 2 * float(ndtr(-abs(z) * math.sqrt(n - 3))))


def pooled_sd(samples: list[ArrayLike]) -> tuple[float, int]:
    """Standard deviation over seeds, pooled over arms of one value a seed, and its degrees of freedom.

    s^2 = sum_k (n_k - 1) s_k^2 / sum_k (n_k - 1); (NaN, 0) where no arm has two seeds.

    >>> pooled_sd([[0.0, 2.0], [5.0, 5.0], [1.0]])
    (1.0, 2)
    """
    arms = [np.asarray(sample, dtype=float) for sample in samples]
    df = sum(arm.size - 1 for arm in arms if arm.size)
    if not df:
        return math.nan, 0
    return math.sqrt(sum(float(((arm - arm.mean()) ** 2).sum()) for arm in arms if arm.size) / df), df


def detectable_difference(
    sd: float, seeds: int, power: float = 0.8, alpha: float = 0.05, paired: bool = False
) -> float:
    """The difference of two arms' means that a two-sided t-test of `seeds` seeds each finds with this power.

    sd · sqrt(2 / seeds) · δ, where δ is the noncentrality at which t with 2 · seeds - 2 degrees of freedom exceeds its
    own α quantile with probability `power`; infinite for one seed. `paired`: `sd` is that of the differences of two
    runs of one seed, whose mean is tested: sd · sqrt(1 / seeds) · δ with seeds - 1 degrees of freedom.

    >>> round(detectable_difference(1.0, 3), 2), round(detectable_difference(1.0, 30), 2)
    (3.07, 0.74)
    >>> round(detectable_difference(1.0, 30, paired=True), 2)
    0.53
    """
    if seeds < 2:
        return math.inf
    samples = 1 if paired else 2
    df = samples * (seeds - 1)
    critical = float(stdtrit(df, 1 - alpha / 2))
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        found = 1 - nctdtr(df, middle, critical) + nctdtr(df, middle, -critical)
        low, high = (middle, high) if found < power else (low, middle)
    return sd * math.sqrt(samples / seeds) * high
