"""Controls that ask whether a learned topology matters or its densities alone: links drawn anew when it is settled.

The sanity checks of pruning shuffle masks within layers (Su et al. 2020, "Sanity-Checking Pruning Methods", arXiv
2009.11094; Frankle et al. 2021, "Pruning Neural Networks at Initialization: Why Are We Missing the Mark?", arXiv
2009.08576, section 5) and train what is left. Here masks are shuffled after the last update of the topology, and the
rest of the training, at its own learning rates, is the retraining: the arm costs as many steps as the one it is held
against. Links that are in both topologies keep their weights; new ones start at 0, as links grown by SET and RigL do.

A shuffled topology loses weights too. So `reset` is its own control: the links that `shuffled` takes away stay, and
start at 0. Both go on with the same weights and as many links at 0; they differ in where those links are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vidsparse.sparsity.first_masks import noise
from vidsparse.sparsity.mask_groups import highest
from vidsparse.sparsity.masks import pack
from vidsparse.sparsity.selection import top
from vidsparse.sparsity.topology import Topology
from vidsparse.utils.errors import VidsparseError


@dataclass(frozen=True)
class Rearranged:
    """Links of all masked layers, and how many of them began anew at 0."""

    links: int
    at_zero: int


class NotRearranged(VidsparseError):
    """The training ended before the topology was rearranged."""


@dataclass
class Rearranging:
    """When it is due: once, before the next step of a topology that has counted `at` of them; None for never.

    Steps that a gradient scaler left out move updates of the topology back, and this with them.
    """

    at: int | None
    done: bool = False

    @classmethod
    def going_on(cls, at: int | None, saved: Mapping[str, Any]) -> "Rearranging":
        """From a checkpoint, or from the start where it is empty.

        Checkpoints of older versions do not say whether it was done; they were made where it was before the step `at`.
        """
        return cls(at, bool(saved.get("rearranged", at is not None and int(saved.get("step", 0)) > at)))

    def state(self) -> dict[str, object]:
        """What a checkpoint says of it: nothing in a training without."""
        return {} if self.at is None else {"rearranged": self.done}

    def due(self, sparse: Topology) -> bool:
        """Whether it is to be done now."""
        return self.at is not None and not self.done and sparse.step >= self.at

    def check(self, sparse: Topology) -> None:
        """At the end of a training: NotRearranged where it is still to be done."""
        if self.at is not None and not self.done:
            raise NotRearranged(
                f"sparse.rearrange: it was to be done after {self.at} optimizer steps, and the training ended with "
                f"{sparse.step}: the others were left out because gradients overflowed; train with "
                "engine.precision=bf16 or 32, or a lower training.optimizer.lr"
            )


@torch.no_grad()
def rearrange(sparse: Topology, how: str) -> Rearranged:
    """Draw the links of each masked layer anew (`shuffled`), or set as many of its own to 0 (`reset`), in place.

    Layers keep their counts and, where a method gives all neurons or groups as many, these theirs. Draws depend on the
    seed, the step and the layer alone: both ways draw the same. What the optimizer knows of a link at 0 is forgotten.
    """
    old, weights = sparse.masks, sparse.weights()
    new = {name: _drawn(sparse, name, mask) for name, mask in old.items()}
    both = {name: mask & new[name] for name, mask in old.items()}
    _set_masks(sparse, both)
    sparse.counts()  # writes zeros where a mask is
    _set_masks(sparse, new if how == "shuffled" else old)
    links = sum(int(mask.sum()) for mask in old.values())
    assert all(bool((weights[name][~mask] == 0).all()) for name, mask in sparse.masks.items())
    return Rearranged(links, links - sum(int(mask.sum()) for mask in both.values()))


def _drawn(sparse: Topology, name: str, mask: Tensor) -> Tensor:
    scores = noise(sparse.seed, sparse.step, f"{name} rearranged", sparse.weights()[name])
    if sparse.method.pattern:
        return highest(scores, sparse.method.pattern)
    if not sparse.method.constant_fan_in:
        return top(scores, int(mask.sum()))
    rows = [top(row, int(kept.sum())) for row, kept in zip(scores, mask, strict=True)]
    return torch.stack(rows)


def _set_masks(sparse: Topology, masks: dict[str, Tensor]) -> None:
    state = sparse.state_dict()
    packed = {name: pack(mask) for name, mask in masks.items()}
    layers = {name: {**kept, "ever": kept["ever"] | packed[name]} for name, kept in state["layers"].items()}
    sparse.load_state_dict({**state, "masks": packed, "layers": layers})
