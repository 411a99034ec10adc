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
    if k:
        candidates = chosen if among is None else _laid_out(among, like=scores)
        _choose(chosen, scores.detach(), k, candidates, among is not None)
    return chosen


def add_top_(mask: Tensor, scores: Tensor, k: int) -> None:
    """Add to a bool mask the k highest scores among what it leaves out, in place; ties as in `top`."""
    if k:
        _choose(mask, _laid_out(scores.detach(), like=mask), k, mask, False)


def top_rows(scores: Tensor, k: int) -> Tensor:
    """The k highest scores of each row of (rows, columns), 1 <= k <= columns, as a bool mask; ties as in `top`."""
    values = comparable(scores)
    if values.is_cpu:
        from vidsparse.sparsity import topk

        return torch.from_numpy(topk.top_rows(values.contiguous().numpy(), k))
    threshold = values.topk(k, dim=1).values[:, -1:]
    chosen = values > threshold
    missing = k - chosen.sum(1, keepdim=True, dtype=torch.int32)
    ties = values == threshold
    return chosen | (ties & (ties.cumsum(1, dtype=torch.int32) <= missing))


def candidates(scores: Tensor, among: Tensor) -> Tensor:
    """The scores where `among` is true as one dimension, in any order, made `comparable`."""
    scores = _precise(scores.detach())
    if not scores.is_cpu:
        return comparable(scores)[among]
    from vidsparse.sparsity import topk

    values, mask = in_memory_order(scores).numpy(), in_memory_order(_laid_out(among, like=scores)).numpy()
    return torch.from_numpy(topk.taken(values, mask, True, np.finfo(values.dtype).min))


def partitioned(values: Tensor, place: int) -> Tensor:
    """Numbers of one dimension in such an order that none from `place` on is below one before it."""
    if values.is_cpu and place < values.numel():
        return torch.from_numpy(np.partition(values.numpy(), place))
    return values.sort().values


def count(mask: Tensor) -> int:
    """How many are true in a bool mask; on the CPU by NumPy, which is 6 times faster."""
    return int(np.count_nonzero(in_memory_order(mask).numpy()) if mask.is_cpu else mask.count_nonzero())


def count_rows(mask: Tensor) -> Tensor:
    """How many are true in each row of a bool mask (rows, columns), int64 (rows,)."""
    if not mask.is_cpu:
        return mask.sum(1)
    from vidsparse.sparsity import topk

    return torch.from_numpy(topk.rows_count(mask.contiguous().numpy()))


def comparable(scores: Tensor) -> Tensor:
    """The same in at least 32 bit, the lowest number for NaN and -inf, which is left for what is no candidate."""
    scores = _precise(scores.detach())
    lowest = torch.finfo(scores.dtype).min
    if scores.amin() >= lowest:  # one pass tells that nothing needs mending
        return scores
    return scores.nan_to_num(nan=lowest, neginf=lowest, posinf=torch.inf)


def in_memory_order(tensor: Tensor) -> Tensor:
    """All values as one dimension in the order in which they lie: a view, whatever the memory layout."""
    return tensor.permute(_layout(tensor)).reshape(-1)


def _choose(chosen: Tensor, scores: Tensor, k: int, among: Tensor, wanted: bool) -> None:
    """Set the k highest scores in `chosen`, of those where `among` is `wanted`; all three are laid out alike."""
    flat, values, candidates = (in_memory_order(each) for each in (chosen, _precise(scores), among))
    choose = _choose_on_cpu if values.is_cpu else _choose_by_sorting
    choose(flat, values, k, candidates, wanted, like=scores)


def _choose_on_cpu(flat: Tensor, scores: Tensor, k: int, among: Tensor, wanted: bool, like: Tensor) -> None:
    from vidsparse.sparsity import topk  # compiled: loaded in half a second

    chosen, values, candidates = flat.numpy(), scores.numpy(), among.numpy()
    kth, ties, missing = topk.threshold(values, k, candidates, wanted)
    if kth == np.finfo(values.dtype).min:
        values = topk.mended(values)
    reached = values >= kth if ties == missing else values > kth
    equal = values == kth if ties > missing else None
    for each in (reached, equal):
        if each is not None:
            np.logical_and(each, candidates, out=each) if wanted else np.greater(each, candidates, out=each)
    chosen |= reached
    if equal is not None:
        chosen[_first(torch.from_numpy(np.flatnonzero(equal)), missing, like).numpy()] = True


def _choose_by_sorting(flat: Tensor, scores: Tensor, k: int, among: Tensor, wanted: bool, like: Tensor) -> None:
    """On a GPU, where sorting all is faster than kthvalue, which is refused where torch is to be deterministic."""
    places = (among if wanted else ~among).nonzero().flatten()
    values = comparable(scores).index_select(0, places)
    kth = partitioned(values, values.numel() - k)[-k]
    above = places[values > kth]
    first = _first(places[values == kth], k - above.numel(), like)
    flat.index_fill_(0, torch.cat([above, first]), True)


def _precise(scores: Tensor) -> Tensor:
    return scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores


def _laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """A tensor in the memory layout of `like`."""
    same = tensor.stride() == like.stride()
    return tensor if same else torch.empty_like(like, dtype=tensor.dtype, requires_grad=False).copy_(tensor)


def _layout(tensor: Tensor) -> list[int]:
    """Dimensions from the slowest to the fastest."""
    return sorted(range(tensor.dim()), key=tensor.stride, reverse=True)


def _first(places: Tensor, count: int, like: Tensor) -> Tensor:
    """Of ascending places in memory those `count` whose flat indices are lowest."""
    if count == 0 or like.is_contiguous():
        return places[:count]
    index = _flat_index(places, like)
    return places[index <= partitioned(index, count - 1)[count - 1]]


def _flat_index(places: Tensor, like: Tensor) -> Tensor:
    """The flat (row-major) index of each place in the memory order of `like`."""
    index = torch.zeros_like(places)
    for dim in reversed(_layout(like)):
        index += places % like.shape[dim] * prod(like.shape[dim + 1 :])
        places = places // like.shape[dim]
    return index
