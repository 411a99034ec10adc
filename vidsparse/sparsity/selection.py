"""Exact top-k as a mask, on tensors of millions of weights, with one rule for ties: the lower flat index wins."""

import torch
from torch import Tensor

_SAMPLE = 1 << 14  # pivots from so many values bracket the threshold within about 3 % of the ranks


def top(scores: Tensor, k: int, among: Tensor | None = None) -> Tensor:
    """The k highest scores as a bool mask of the same shape and memory layout; exactly k are true.

    Args:
        scores: any shape, floating; NaN counts as the lowest score.
        k: how many, 0 <= k <= number of candidates.
        among: bool mask of candidates, None for all.

    Ties are broken by the lower flat index, so the result depends on nothing but the values.
    """
    if k == 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    scores = scores.float()
    if not scores.sum().isfinite():  # one pass tells that nothing needs mending
        lowest = torch.finfo(scores.dtype).min
        scores = scores.nan_to_num(nan=lowest, neginf=lowest, posinf=torch.inf)
    candidates = scores if among is None else scores.masked_fill(~among, -torch.inf)
    threshold = kth_largest(_in_memory_order(candidates), k)
    chosen = candidates >= threshold
    surplus = int(chosen.count_nonzero()) - k
    if surplus:
        ties = (candidates == threshold).nonzero()
        chosen[tuple(ties[-surplus:].T)] = False
    return chosen


def kth_largest(values: Tensor, k: int) -> Tensor:
    """The k-th largest (1-based) of a one-dimensional float tensor, exactly.

    Large tensors are cut down first: a sorted sample gives two pivots around the wanted rank, and only the few
    values between them are searched. A sample that misleads is noticed by counting, and the whole is searched.
    """
    n = values.numel()
    if n > 4 * _SAMPLE:
        sample = values[:: n // _SAMPLE].sort(descending=True).values
        rank, margin = k / n * sample.numel(), 2 * sample.numel() ** 0.5
        high = sample[int(rank - margin)] if rank > margin else values.new_tensor(torch.inf)
        low = sample[int(rank + margin)] if rank + margin < sample.numel() else values.new_tensor(-torch.inf)
        above = int((values > high).count_nonzero())
        between = values[(values <= high) & (values >= low)]
        if above < k <= above + between.numel() < n:
            return kth_largest(between, k - above)
    if values.is_cuda:  # where kthvalue is slow, and refused when torch is to be deterministic
        return values.sort(descending=True).values[k - 1]
    return values.kthvalue(values.numel() - k + 1).values


def _in_memory_order(tensor: Tensor) -> Tensor:
    """All values, one-dimensional, without a copy also where the layout is channels-last."""
    dense = tensor.is_contiguous() or (tensor.dim() == 5 and tensor.is_contiguous(memory_format=torch.channels_last_3d))
    return tensor.as_strided((tensor.numel(),), (1,)) if dense else tensor.flatten()
