"""Exact top-k as a mask, on tensors of millions of weights, with one rule for ties: the lower flat index wins."""

from math import prod

import numpy as np
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
    chosen = torch.zeros_like(scores, dtype=torch.bool)
    if k == 0:
        return chosen
    values, flat = in_memory_order(comparable(scores)), in_memory_order(chosen)
    places = None
    if among is not None:
        candidates = in_memory_order(_laid_out(among, like=scores))
        count = int(candidates.count_nonzero())
        if count <= values.numel() // 2:
            places = where(candidates)
            values = values.index_select(0, places)
        else:
            values = values.index_fill(0, where(~candidates), -torch.inf)
    flat.index_fill_(0, _highest(values, k, scores, places), True)
    return chosen


def top_rows(scores: Tensor, k: int) -> Tensor:
    """The k highest scores of each row of (rows, columns), 1 <= k <= columns, as a bool mask; ties as in `top`."""
    values = comparable(scores)
    threshold = values.topk(k, dim=1).values[:, -1:]
    chosen = values > threshold
    missing = k - chosen.sum(1, keepdim=True, dtype=torch.int32)
    ties = values == threshold
    return chosen | (ties & (ties.cumsum(1, dtype=torch.int32) <= missing))


def kth_largest(values: Tensor, k: int) -> Tensor:
    """The k-th largest (1-based) of a one-dimensional float tensor, exactly."""
    if values.is_cuda:  # where kthvalue is slow, and refused when torch is to be deterministic
        return values.sort(descending=True).values[k - 1]
    return values.kthvalue(values.numel() - k + 1).values


def comparable(scores: Tensor) -> Tensor:
    """The same in at least 32 bit, NaN being the lowest number: -inf is left for what is no candidate."""
    if scores.dtype in (torch.float16, torch.bfloat16):
        scores = scores.float()
    if scores.sum().isfinite():  # one pass tells that nothing needs mending
        return scores
    lowest = torch.finfo(scores.dtype).min
    return scores.nan_to_num(nan=lowest, neginf=lowest, posinf=torch.inf)


def in_memory_order(tensor: Tensor) -> Tensor:
    """All values as one dimension in the order in which they lie: a view, whatever the memory layout."""
    return tensor.permute(_layout(tensor)).reshape(-1)


def where(mask: Tensor) -> Tensor:
    """Indices of what is true in a one-dimensional bool mask, ascending; on the CPU by NumPy: 10 times faster."""
    return mask.nonzero().flatten() if mask.is_cuda else torch.from_numpy(np.flatnonzero(mask.numpy()))


def _laid_out(mask: Tensor, like: Tensor) -> Tensor:
    """A mask in the memory layout of `like`."""
    same = mask.stride() == like.stride()
    return mask if same else torch.empty_like(like, dtype=torch.bool, requires_grad=False).copy_(mask)


def _layout(tensor: Tensor) -> list[int]:
    """Dimensions from the slowest to the fastest."""
    return sorted(range(tensor.dim()), key=tensor.stride, reverse=True)


def _flat_index(places: Tensor, like: Tensor) -> Tensor:
    """The flat (row-major) index of each place in the memory order of `like`."""
    index = torch.zeros_like(places)
    for dim in reversed(_layout(like)):
        index += places % like.shape[dim] * prod(like.shape[dim + 1 :])
        places = places // like.shape[dim]
    return index


def _highest(values: Tensor, k: int, like: Tensor, places: Tensor | None = None) -> Tensor:
    """Places in memory of the k highest values, which lie at `places` (all: None); of ties the lower flat indices.

    Large tensors are cut down first: a sorted sample gives two pivots around the wanted rank, and only the few
    values between them are searched. A sample that misleads is noticed by counting, and the whole is searched.
    """
    sure = None
    high, low = _pivots(values, k)
    if high is not None and low is not None:
        above = values > high
        near = where((values >= low) ^ above)
        count = int(above.count_nonzero())
        if count < k <= count + near.numel():
            sure = _at(where(above), places)
            values, places, k = values.index_select(0, near), _at(near, places), k - count
    threshold = kth_largest(values, k)
    above, ties = _at(where(values > threshold), places), _at(where(values == threshold), places)
    missing = k - above.numel()
    if missing < ties.numel():
        ties = ties[_flat_index(ties, like).argsort()[:missing]]
    return torch.cat([above, ties] if sure is None else [sure, above, ties])


def _at(indices: Tensor, places: Tensor | None) -> Tensor:
    return indices if places is None else places.index_select(0, indices)


def _pivots(values: Tensor, k: int) -> tuple[Tensor | None, Tensor | None]:
    """Two values, one probably above the k-th largest and one probably not; None where nothing is to be gained."""
    n = values.numel()
    if n <= 4 * _SAMPLE:
        return None, None
    sample = values[:: n // _SAMPLE]
    size = sample.numel()
    rank, margin = int(k / n * size), int(2 * size**0.5)
    high = kth_largest(sample, rank - margin) if rank > margin else values.new_tensor(torch.inf)
    low = kth_largest(sample, rank + margin) if rank + margin < size else values.new_tensor(-torch.inf)
    return high, low
