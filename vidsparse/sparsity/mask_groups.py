"""Masks of N:M sparsity, group by group along the inputs of a weight (see `n_of_m`)."""

from math import floor

import torch
from torch import Tensor

from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.selection import comparable, top, top_rows


def grouped(value: Tensor, m: int) -> Tensor:
    """A value for each weight (out, in, *kernel) as (groups, m): m that follow each other along the inputs."""
    return value.movedim(1, -1).reshape(-1, m)


def ungrouped(rows: Tensor, like: Tensor) -> Tensor:
    """The inverse: of the shape of `like`, contiguous."""
    return rows.reshape(like.movedim(1, -1).shape).movedim(-1, 1).contiguous()


def highest(scores: Tensor, pattern: tuple[int, int]) -> Tensor:
    """The N highest scores of each group of M as a bool mask of their shape; of equals the earlier."""
    n, m = pattern
    return ungrouped(top_rows(grouped(scores, m), n), scores)


def rewire_groups(
    layer: Candidates, drop: Tensor, grow: Tensor, fraction: float, pattern: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """A new bool mask with N of each M weights, and that of the weights that stay; `drop`, `grow` are the scores.

    The floor(fraction · non-zeros) lowest weights of the layer go; each group grows by its highest others up to N.
    """
    kept = top(drop, layer.nonzero - floor(fraction * layer.nonzero), among=layer.active)
    wanted = comparable(grow).clamp(max=torch.finfo(grow.dtype).max).masked_fill(kept, torch.inf)
    return highest(wanted, pattern), kept
