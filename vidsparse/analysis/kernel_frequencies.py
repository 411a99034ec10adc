"""How much of a network's kernels lies in low frequencies: a pure function of weights."""

import math
from collections.abc import Mapping

import pandas as pd
import torch
from torch import Tensor

from vidsparse.analysis.low_frequencies import CUT


def low_frequency_weights(weights: Mapping[str, Tensor], cut: float = CUT) -> pd.DataFrame:
    """Share (0 to 1) of each layer's energy, the sum of squared weights, below `cut` in space and in time.

    Columns: layer, axis ("space" or "time"), share, of_noise. A kernel (O, I, h, w) or (O, I, t, h, w) stands in an
    endless plane of zeros and share is the integral of its power spectrum over max(|u|, |v|) < cut, or |k| < cut, over
    that of all frequencies: exact, by a sum over pairs of taps, no grid. of_noise: that of independent weights, which
    random masks do not change: (2 cut)^2, and 2 cut in time. Layers that see one pixel (or one frame) have no such row;
    NaN for a layer without weights.

    >>> low_frequency_weights({"conv": torch.ones(1, 1, 1, 3, 1)})["share"].round(3).tolist()
    [0.924]
    """
    columns = ["layer", "axis", "share", "of_noise"]
    rows = []
    for name, weight in weights.items():
        for axis, dims in (("space", (-2, -1)), ("time", (-3,))):
            seen = [dim for dim in dims if weight.dim() >= 4 and weight.dim() + dim >= 2 and weight.shape[dim] > 1]
            if seen:
                rows.append(
                    (name, axis, _share_below(weight.detach().double().cpu(), seen, cut), (2 * cut) ** len(seen))
                )
    return pd.DataFrame(rows, columns=columns)


def _share_below(weight: Tensor, dims: list[int], cut: float) -> float:
    """w' K w / w' w, where K holds 2 cut sinc(2 cut (i - j)), the integral of exp(2 pi i f (i - j)) over |f| < cut."""
    passed = weight
    for dim in dims:
        tap = torch.arange(weight.shape[dim], dtype=torch.float64)
        kernel = 2 * cut * torch.sinc(2 * cut * (tap[:, None] - tap[None, :]))
        passed = torch.tensordot(passed, kernel, dims=([dim], [0])).movedim(-1, dim)
    whole = float((weight * weight).sum())
    return float((weight * passed).sum()) / whole if whole > 0 else math.nan
