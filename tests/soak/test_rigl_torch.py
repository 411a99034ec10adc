"""Our RigL beside the registry's rigl-torch 0.5.2, step by step on the same weights, masks, momenta and gradients.

`pip install --no-deps rigl-torch==0.5.2` (the extra `peers`); without it the trial is skipped.
"""

from collections.abc import Iterator
from copy import deepcopy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest
import torch
from torch import nn

from vidsparse.sparsity.topology import Topology, sparsify

PEER = "rigl-torch"
TOTAL, EVERY = 400, 10
STOP = 0.75


def installed() -> str | None:
    try:
        return version(PEER)
    except PackageNotFoundError:
        return None


pytestmark = pytest.mark.skipif(installed() != "0.5.2", reason=f"needs {PEER}==0.5.2, there is {installed()}")


def network() -> nn.Module:
    """The first layer is dense, as rigl-torch keeps it."""
    first = (nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3, groups=2), nn.BatchNorm2d(12), nn.ReLU())
    return nn.Sequential(*first, nn.Conv2d(12, 16, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 7))


class Pair:
    """One network trained by our RigL, its twin by rigl-torch: update after each tenth optimizer step, until 300."""

    def __init__(self, seed: int, sparsity: float, **optimizer: Any) -> None:
        from rigl_torch.RigL import RigLScheduler

        torch.manual_seed(seed)
        self.ours, self.theirs = network(), network()
        self.theirs.load_state_dict(self.ours.state_dict())
        self.opt, self.opt_theirs = (torch.optim.SGD(n.parameters(), **optimizer) for n in (self.ours, self.theirs))
        self.sparse: Topology = sparsify(
            self.ours, self.opt, "rigl", sparsity, TOTAL, "uniform", seed, first_layer="dense", dense_in_budget=False,
            every=EVERY, stop=STOP, drop_fraction=0.3,
        )  # fmt: skip
        self.peer = RigLScheduler(
            self.theirs, self.opt_theirs, 1 - sparsity, T_end=round(STOP * TOTAL), ignore_linear_layers=False,
            delta=EVERY, alpha=0.3,
        )  # fmt: skip
        self.names = [name for name, w in self.ours.named_parameters() if w.dim() > 1]
        self.peer.backward_masks = [None, *[self.sparse.masks[name].clone() for name in self.names[1:]]]
        self.theirs.load_state_dict(self.ours.state_dict())  # it has masked the weights at random

    def step(self, batch: torch.Tensor, label: torch.Tensor) -> None:
        for net, opt in ((self.ours, self.opt), (self.theirs, self.opt_theirs)):
            opt.zero_grad()
            nn.functional.cross_entropy(net(batch), label).backward()
            opt.step()
        self.peer()  # after the optimizer's step, where ours updates too

    def masks(self) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
        for name, theirs in zip(self.names[1:], self.peer.backward_masks[1:], strict=True):
            yield name, self.sparse.masks[name], theirs

    def follow(self) -> None:
        """Give the twin our weights, statistics and momenta: it goes its own way in nothing but its masks."""
        self.theirs.load_state_dict(self.ours.state_dict())
        self.opt_theirs.load_state_dict(deepcopy(self.opt.state_dict()))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9])
def test_no_entry_of_a_mask_differs_from_rigl_torch_in_a_whole_training(seed, sparsity):
    pair = Pair(seed, sparsity, lr=0.05, momentum=0.9, weight_decay=5e-4)
    drawn, changes = torch.Generator().manual_seed(seed), 0
    before = {name: ours.clone() for name, ours, _ in pair.masks()}
    for step in range(1, TOTAL + 1):
        pair.step(torch.randn(8, 3, 12, 12, generator=drawn), torch.randint(7, (8,), generator=drawn))
        for name, ours, theirs in pair.masks():
            assert torch.equal(ours, theirs), (step, name, int((ours ^ theirs).sum()))
            changes += int((ours ^ before[name]).sum())
            before[name] = ours.clone()
        for (name, ours), theirs in zip(pair.ours.named_parameters(), pair.theirs.parameters(), strict=True):
            assert torch.equal(ours, theirs), (step, name)
        pair.follow()
    assert pair.sparse.updates == pair.peer.rigl_steps == 29
    assert changes > 100
