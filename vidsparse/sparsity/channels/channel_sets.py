"""Channels of a network as classes: those that must stay or go together, and what constant each one carries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class View:
    """The channels of one tensor.

    `ids` (C,) name them; `axis`, negative, is where they lie in `ndim` dimensions (None: not known); `values` (C,) is
    the constant that a channel has at all positions of every input, NaN where it varies. `spread`: each channel stands
    for as many neighbours as it had positions, after a flattening.
    """

    ids: Ints
    values: Floats
    axis: int
    ndim: int | None
    spread: bool = False


@dataclass(frozen=True)
class Layer:
    """A convolution or linear layer with the channels that it reads and writes."""

    name: str
    module: nn.Module
    reads: View
    writes: Ints
    nonzero: Bools  # (out, in / groups): whether the kernel between two channels has any weight that is not zero
    padded: bool  # zeros are put around its input, so that a constant channel is none at the border
    groups: int = 1


class Classes:
    """A union-find over channel ids, and the reasons why some classes must stay."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._reasons: dict[int, str] = {}

    def new(self, count: int) -> Ints:
        """Ids of `count` channels that are bound to no others: int64 (count,)."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count)

    def bind(self, one: Ints, other: Ints) -> None:
        """Channels at the same place of both stay or go together from now on."""
        for a, b in zip(one.tolist(), other.tolist(), strict=True):
            root, child = sorted((self._root(a), self._root(b)))
            self._parent[child] = root

    def pin(self, ids: Ints, reason: str) -> None:
        """These channels stay."""
        for each in ids.tolist():
            self._reasons.setdefault(each, reason)

    def roots(self) -> Ints:
        """The class of every id: int64 (number of ids,)."""
        return np.array([self._root(each) for each in range(len(self._parent))], dtype=np.int64)

    def pinned(self) -> dict[int, str]:
        """{class: why it stays}."""
        found: dict[int, str] = {}
        for each, reason in self._reasons.items():
            found.setdefault(self._root(each), reason)
        return found

    def _root(self, each: int) -> int:
        while self._parent[each] != each:
            self._parent[each] = self._parent[self._parent[each]]
            each = self._parent[each]
        return each
