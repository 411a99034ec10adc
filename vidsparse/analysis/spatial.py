"""Where the weights of a layer are: kernel maps, empty channels, and how far from chance they lie.

The paper (arXiv 2410.03030, section 5.1) shows maps of non-zeros and magnitudes per kernel and reads lines in them:
whole channels that dynamic sparse training gives up. Here the lines are counted and tested. The null hypothesis is a
mask drawn uniformly among all with this layer's count of non-zeros, so that a layer's density, by ERK or otherwise, is
given and never the finding. Under it the non-zeros of the channels are multivariate hypergeometric.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, gammaln, pdtrc
from torch import Tensor

from vidsparse.sparsity.measure.dispersion import Counts, dispersion, kernel_counts


@dataclass(frozen=True)
class ChannelTest:
    """One side of a layer. `empty`: channels without a weight, `expected` of a random mask, `p_empty`: that it has as
    many. `dispersion`: variance of the channels' counts over its expectation, `p_dispersion`: that it is as large.
    """

    channels: int
    empty: int
    expected: float
    p_empty: float
    dispersion: float
    p_dispersion: float


def kernel_magnitudes(weight: Tensor) -> NDArray[np.float32]:
    """A[o, i] = sum |w| over the kernel from input i to output o of a weight (O, I, ...), float32 (O, I).

    >>> import torch
    >>> kernel_magnitudes(torch.tensor([[[1.0, -2.0], [0.5, 0.0]]])).tolist()
    [[3.0, 0.5]]
    """
    size = weight.detach().abs().float()
    return np.asarray((size.flatten(2).sum(-1) if size.dim() > 2 else size).cpu(), np.float32)


def channel_test(counts: Counts, capacity: int) -> ChannelTest:
    """Test the non-zeros (C,) of C channels of `capacity` weights each against a random mask of the same total.

    Empty channels: their expectation is exact, C binom(N - K, n) / binom(N, n), their number is taken as Poisson (a
    little conservative, as channels compete). Dispersion: (C - 1) D is taken as chi-square of C - 1 degrees of
    freedom. Both p-values are one-sided, for more of it than chance; NaN where the layer is full or empty.

    >>> test = channel_test(np.array([0, 0, 6, 6, 6, 6]), 8)
    >>> test.empty, round(test.expected, 6), test.p_empty < 1e-3, test.p_dispersion < 1e-3
    (2, 0.011694, True, True)
    """
    channels, total = counts.size, int(counts.sum())
    size, empty = channels * capacity, int((counts == 0).sum())
    spread = dispersion(counts, capacity)
    if math.isnan(spread):
        return ChannelTest(channels, empty, math.nan, math.nan, math.nan, math.nan)
    free = size - capacity
    expected = channels * math.exp(_log_choose(free, total) - _log_choose(size, total)) if total <= free else 0.0
    p_empty = float(pdtrc(empty - 1, expected)) if empty and expected else float(not empty)
    p = float(chdtrc(channels - 1, (channels - 1) * spread)) if channels > 1 else math.nan
    return ChannelTest(channels, empty, expected, p_empty, spread, p)


def layer_row(weight: Tensor) -> dict[str, float | int | str]:
    """Everything that is said of one layer: shape, density, both sides' tests, unevenness of the magnitudes.

    `output_cv` and `input_cv` are the coefficients of variation of the channels' summed magnitudes: the lines of the
    magnitude map, also of dense layers.
    """
    counts, sizes = kernel_counts(weight), kernel_magnitudes(weight)
    each = weight.numel() // max(1, counts.size)
    row: dict[str, float | int | str] = {
        "shape": "x".join(map(str, weight.shape)),
        "total": weight.numel(),
        "nonzero": int(counts.sum()),
        "density": float(counts.sum() / weight.numel()),
    }
    for side, axis in (("output", 1), ("input", 0)):
        test = channel_test(counts.sum(axis), each * counts.shape[axis])
        row |= {f"{side}_{name}": value for name, value in asdict(test).items()}
        along = sizes.sum(axis)
        row[f"{side}_cv"] = float(along.std() / along.mean()) if along.mean() > 0 else math.nan
    return row


def spatial_table(weights: Mapping[str, Tensor]) -> pd.DataFrame:
    """One row a layer of {name: weight (O, I, ...)}; see `layer_row`. Weights that are exactly 0 are absent ones."""
    return pd.DataFrame([{"layer": name, **layer_row(weight)} for name, weight in weights.items()])


def kernel_maps(weights: Mapping[str, Tensor], layers: int = 4, largest: int = 2**18) -> dict[str, NDArray[np.generic]]:
    """Maps to look at: {"N/<layer>": uint16 (O, I), "A/<layer>": float16 (O, I)} of a few layers, first to last.

    Linear layers and those of more than `largest` kernels are left out, as their maps show nothing or do not fit.
    """
    fitting = [n for n, w in weights.items() if w.dim() > 2 and 4 <= w.shape[0] * w.shape[1] <= largest]
    chosen = (
        [fitting[at] for at in np.unique(np.linspace(0, len(fitting) - 1, layers).round().astype(int))]
        if fitting
        else []
    )
    counted = {f"N/{name}": kernel_counts(weights[name]).astype(np.uint16) for name in chosen}
    return {**counted, **{f"A/{name}": kernel_magnitudes(weights[name]).astype(np.float16) for name in chosen}}


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
