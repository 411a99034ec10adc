"""Exact top-k as a mask, on tensors of millions of weights, with one rule for ties: the lower flat index wins."""

import torch
from torch import Tensor

_SAMPLE = 1 << 14  # a pivot from so many values brackets the threshold within about 1 % of the ranks


def top(scores: Tensor, k: int, among: Tensor | None = None) -> Tensor:
    """The k highest scores as a bool mask of the same shape; exactly k are true.

    Args:
        scores: any shape, floating; NaN counts as the lowest score.
        k: how many, 0 <= k <= number of candidates.
        among: bool mask of candidates, None for all.

    Ties are broken by the lower flat index, so the result depends on nothing but the values.
    """
    flat = torch.nan_to_num(scores.float(), nan=-torch.inf).flatten()
    lowest = torch.finfo(flat.dtype).min
    flat = flat.clamp_(min=lowest)  # candidates stay above what is not a candidate
    if among is not None:
        flat = flat.masked_fill_(~among.flatten(), -torch.inf)
    if k == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    threshold = kth_largest(flat, k)
    chosen = flat > threshold
    ties = (flat == threshold).nonzero().flatten()
    chosen[ties[: k - int(chosen.sum())]] = True
    return chosen.view(scores.shape)


def kth_largest(values: Tensor, k: int) -> Tensor:
    """The k-th largest (1-based) of a one-dimensional float tensor, exactly.

    Large tensors are cut down first: a sorted sample gives two pivots around the wanted rank, and only the few
    values between them are searched. A sample that misleads is noticed by counting, and the whole is searched.
    """
    n = values.numel()
    if n > 4 * _SAMPLE:
        sample = values[:: n // _SAMPLE].sort(descending=True).values
        rank, margin = k / n * sample.numel(), 2 * sample.numel() ** 0.5
        high = sample[max(0, int(rank - margin))] if rank > margin else values.new_tensor(torch.inf)
        low = sample[int(rank + margin)] if rank + margin < sample.numel() else values.new_tensor(-torch.inf)
        above = int((values > high).sum())
        between = values[(values <= high) & (values >= low)]
        if above < k <= above + between.numel():
            values, k = between, k - above
    return values.kthvalue(values.numel() - k + 1).values
