"""Does the low-frequency account hold? The numbers that it can be tested by: pure functions of tables.

The account (arXiv 2410.03030, section 5.2): dynamic sparse training leans on low frequencies, and so loses less to
corruptions that disturb the high ones.
"""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vidsparse.evaluation import metrics
from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.evaluation.statistics import mean_interval, ranged_interval, rank_correlation

Array = NDArray[np.float64]
CUT = 0.25  # cycles a pixel or a frame: half of the highest frequency that samples hold
_ROUNDING = 1e-9
_NUMBERS = ["correlation", "low", "high", "corruptions", "seeds", "seeds_low", "seeds_high"]


def high_frequency_shares(spectra: pd.DataFrame, cut: float = CUT) -> pd.DataFrame:
    """Share (0 to 1) of the energy of each corruption's residual that lies above `cut`, rows corruptions, columns axes.

    After Yin et al. 2019 (arXiv 1906.08988, section 4), who relate accuracy to it: |H(C(x) - x)|^2 / |C(x) - x|^2;
    that H begins at half of the highest frequency is ours. `spectra` is that of `spectra.corruption_spectra`, the mean
    power on rings of the plane (without its corners) or at frequencies of a clip, so each is counted as often as there
    are frequencies in it. NaN for a corruption that adds nothing.

    >>> rows = {"corruption": "fog", "axis": "time", "frequency": [0.0, 0.25, 0.5], "power": [1.0, 1.0, 1.0]}
    >>> high_frequency_shares(pd.DataFrame(rows)).loc["fog", "time"]  # 1 constant, 2 slow waves, 1 fast one
    np.float64(0.25)
    """
    rows = spectra[spectra["corruption"] != "clean"]
    found: dict[str, dict[str, float]] = {}
    for (name, axis), part in rows.groupby(["corruption", "axis"], sort=False):
        energy = part["power"].to_numpy() * _how_many(part["frequency"].to_numpy(), str(axis))
        high = energy[part["frequency"].to_numpy() > cut + _ROUNDING].sum()
        found.setdefault(str(name), {})[str(axis)] = float(high / energy.sum()) if energy.sum() > 0 else math.nan
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("corruption")


def _how_many(frequency: Array, axis: str) -> Array:
    """How many frequencies of the plane, or of the line, have each distance 0, 1/S, 2/S, ... from the constant."""
    if len(frequency) < 2:
        return np.ones(len(frequency))
    size = round(1 / float(np.diff(np.sort(frequency)).min()))
    line = np.abs(np.fft.fftfreq(size, 1 / size))
    reach = np.hypot(line[:, None], line[None, :]).round() if axis == "space" else line
    counts = np.bincount(reach.astype(int).ravel(), minlength=size + 1)
    return np.asarray(counts[np.round(frequency * size).astype(int)], np.float64)


def gain_and_residual(gains: Mapping[int, pd.Series], shares: pd.Series) -> dict[str, float]:
    """Does a gain grow with the high-frequency share of a residual? Spearman's correlation over corruptions.

    Args:
        gains: by seed, the gain in accuracy under each corruption, by its name.
        shares: that of `high_frequency_shares`, by the name of a corruption without its profile.

    Returns:
        correlation, low, high: of the gains' mean over seeds, with the 95 % interval over corruptions
        (`statistics.rank_correlation`): what other corruptions would show. corruptions: how many have both numbers.
        seeds, seeds_low, seeds_high: the 95 % interval over seeds of the correlation that each seed shows by itself;
        what is alike for all corruptions of a seed does not move it. NaN where there are too few.

    >>> shares = pd.Series({"blur": 0.0, "fog": 0.1, "jpeg": 0.4, "rain": 0.5, "noise": 0.7})
    >>> gain_and_residual({0: shares / 10 + 0.01}, shares)["correlation"]
    1.0
    """
    by_seed = pd.DataFrame(dict(gains))
    share = shares.reindex(plain_names(by_seed.index)).to_numpy(dtype=float)
    kept = by_seed.notna().all(axis=1).to_numpy() & np.isfinite(share)
    by_seed, share = by_seed[kept], share[kept]
    found = rank_correlation(by_seed.mean(axis=1).round(12), share)
    each = [rank_correlation(by_seed[seed].round(12), share).estimate for seed in by_seed]
    low, high = np.clip(mean_interval(each), -1, 1)
    numbers = (found.estimate, found.low, found.high, len(share), len(each), float(low), float(high))
    return dict(zip(_NUMBERS, numbers, strict=True))


def plain_names(cells: pd.Index) -> list[str]:
    """Names of corruptions without the profile that tells two of one name apart (`metrics.cell_names`).

    >>> plain_names(pd.Index(["fog", "frost (imagenet_c)"]))
    ['fog', 'frost']
    """
    return [str(name).partition(" (")[0] for name in cells]


def attenuation_gains(ours: Mapping[int, pd.DataFrame], control: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Difference of two arms' attenuation curves, paired by seed and clip.

    Columns: axis, side, radius, gain, low, high, seeds, n (clips). Tables are those of `spectral.predict`, by seed.
    low and high: the 95 % interval over seeds and recordings, over recordings alone where one seed is in both
    (`statistics.ranged_interval`). Radius 0 is the clean difference, that the others are to be compared with. Raises
    MismatchedTables where no seed is in both or clips or conditions differ.

    >>> rows = {"axis": "space", "side": "low", "radius": 4, "id": ["a", "b"], "group": ["a", "b"], "label": [0, 1]}
    >>> table = pd.DataFrame(rows)
    >>> gain = attenuation_gains({0: table.assign(prediction=[0, 1])}, {0: table.assign(prediction=[0, 0])})
    >>> gain[["radius", "gain", "seeds", "n"]].to_dict("records")
    [{'radius': 4, 'gain': 0.5, 'seeds': 1, 'n': 2}]
    """
    seeds = sorted(set(ours) & set(control))
    if not seeds:
        raise MismatchedTables("the two arms have no seed in common; give both the same seeds to compare them")
    rows = []
    answers = [(_answers(ours[seed]), _answers(control[seed])) for seed in seeds]
    if any(not each.index.equals(answers[0][0].index) for pair in answers for each in pair):
        raise MismatchedTables("the two arms were attenuated on other clips or by other radii; analyse both alike")
    differences = pd.DataFrame([mine - theirs for mine, theirs in answers]).T
    groups = ours[seeds[0]].drop_duplicates("id").set_index("id")["group"]
    for (axis, side, radius), part in differences.groupby(level=["axis", "side", "radius"], sort=False):
        clips = groups.reindex(part.index.get_level_values("id"))
        found = ranged_interval(part.to_numpy().T, clips, lowest=-1)
        number = {"gain": found.estimate, "low": found.low, "high": found.high, "seeds": len(seeds), "n": len(part)}
        rows.append({"axis": axis, "side": side, "radius": radius, **number})
    return pd.DataFrame(rows)


def _answers(table: pd.DataFrame) -> pd.Series:
    """1 where the answer is right, else 0, by condition and clip, in one order."""
    place = table[["axis", "side", "radius", "id"]]
    return metrics.is_right(table).astype(float).set_axis(pd.MultiIndex.from_frame(place)).sort_index()


def over_seeds(values: Mapping[str, Mapping[int, float]]) -> pd.DataFrame:
    """One row an arm of {arm: {seed: value}}: arm, value (the mean), low, high (95 % over seeds), seeds; NaN left out.

    >>> over_seeds({"RigL": {0: 0.25, 1: 0.75}, "dense": {0: 0.5}})[["arm", "value", "seeds"]].to_dict("list")
    {'arm': ['RigL', 'dense'], 'value': [0.5, 0.5], 'seeds': [2, 1]}
    """
    rows = []
    for arm, by_seed in values.items():
        kept = [value for value in by_seed.values() if not math.isnan(value)]
        low, high = mean_interval(kept)
        mean = float(np.mean(kept)) if kept else math.nan
        rows.append({"arm": arm, "value": mean, "low": low, "high": high, "seeds": len(kept)})
    return pd.DataFrame(rows, columns=["arm", "value", "low", "high", "seeds"])
