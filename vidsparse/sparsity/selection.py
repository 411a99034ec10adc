"""Exact top-k as a mask, on tensors of millions of weights, with one rule for ties: the lower flat index wins."""

from math import prod

import numpy as np
import torch
from torch import Tensor


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
        if int(candidates.count_nonzero()) > values.numel() // 2:
            values = values.index_fill(0, where(~candidates), -torch.inf)
        else:
            places = where(candidates)
            values = values.index_select(0, places)
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
    """The k-th largest (1-based) of a one-dimensional tensor of numbers, exactly.

    NumPy's partition is 10 times faster than kthvalue, which is slow on a GPU and refused there where torch is to be
    deterministic.
    """
    if values.is_cuda:
        return values.sort(descending=True).values[k - 1]
    place = values.numel() - k
    return torch.from_numpy(np.partition(values.numpy(), place))[place]


def comparable(scores: Tensor) -> Tensor:
    """The same in at least 32 bit, NaN being the lowest number: -inf is left for what is no candidate."""
    scores = scores.detach()
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
    """Indices of what is true in a one-dimensional bool mask, ascending; on the CPU by NumPy, which is far faster."""
    return mask.nonzero().flatten() if mask.is_cuda else torch.from_numpy(np.flatnonzero(mask.numpy()))


def _laid_out(mask: Tensor, like: Tensor) -> Tensor:
    """A mask in the memory layout of `like`."""
    same = mask.stride() == like.stride()
    return mask if same else torch.empty_like(like, dtype=torch.bool, requires_grad=False).copy_(mask)


def _layout(tensor: Tensor) -> list[int]:
    """Dimensions from the slowest to the fastest."""
    return sorted(range(tensor.dim()), key=tensor.stride, reverse=True)


def _first(places: Tensor, count: int, like: Tensor) -> Tensor:
    """Of ascending places in memory those `count` whose flat indices are lowest."""
    if count == 0 or like.is_contiguous():
        return places[:count]
    index = _flat_index(places, like)
    return places[index <= -kth_largest(-index, count)]


def _flat_index(places: Tensor, like: Tensor) -> Tensor:
    """The flat (row-major) index of each place in the memory order of `like`."""
    index = torch.zeros_like(places)
    for dim in reversed(_layout(like)):
        index += places % like.shape[dim] * prod(like.shape[dim + 1 :])
        places = places // like.shape[dim]
    return index


def _highest(values: Tensor, k: int, like: Tensor, places: Tensor | None = None) -> Tensor:
    """Places in memory of the k highest values, which lie at `places` (all: None); of ties the lower flat indices."""
    threshold = kth_largest(values, k)
    above, ties = (_at(where(mask), places) for mask in _above_and_at(values, threshold))
    return torch.cat([above, _first(ties, k - above.numel(), like)])


def _above_and_at(values: Tensor, threshold: Tensor) -> tuple[Tensor, Tensor]:
    """Bool masks of the values above a threshold and equal to it; on the CPU by NumPy, which is 8 times faster."""
    if values.is_cuda:
        return values > threshold, values == threshold
    array, bound = values.numpy(), threshold.numpy()
    return torch.from_numpy(array > bound), torch.from_numpy(array == bound)


def _at(indices: Tensor, places: Tensor | None) -> Tensor:
    return indices if places is None else places.index_select(0, indices)
