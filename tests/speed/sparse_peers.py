"""The registry's rigl-torch and sparsimony: RigL at density 0.1 as their documentation says, around a model of ours.

Both are plain Python without compiled parts, so they run in this process, each turn beside our own.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

PACKAGES = ("rigl-torch", "sparsimony")
NEVER = 10**9


def install(folder: Path) -> str | None:
    """Put both packages, and nothing they ask for, where they can be imported; what pip said if it could not."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    sys.path.append(str(folder))
    return None


class RiglTorch:
    """rigl-torch: `if pruner(): optimizer.step()`; it knows only uniform sparsity."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, every: int) -> None:
        from rigl_torch.RigL import RigLScheduler

        self.pruner = RigLScheduler(
            model, optimizer, dense_allocation=0.1, T_end=NEVER, delta=every, ignore_linear_layers=False
        )
        self.optimizer = optimizer

    def step(self) -> None:
        if self.pruner():
            self.optimizer.step()

    def update(self) -> Callable[[], object]:
        """The update of the gradients that the next backward leaves."""
        self.pruner.step = self.pruner.delta_T - 1
        return self.pruner._rigl_step


class Sparsimony:
    """sparsimony: `optimizer.step(); sparsifier.step()`, weights parametrized."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, every: int) -> None:
        from sparsimony.distributions.base import UniformDistribution
        from sparsimony.dst.rigl import RigL
        from sparsimony.schedulers.base import CosineDecayScheduler

        layers = [name for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        self.sparsifier = RigL(CosineDecayScheduler(0.3, NEVER, every), UniformDistribution(), optimizer, sparsity=0.9)
        self.sparsifier.prepare(model, [{"tensor_fqn": f"{name}.weight"} for name in layers])
        self.optimizer = optimizer

    def step(self) -> None:
        self.optimizer.step()
        self.sparsifier.step()

    def update(self) -> Callable[[], object]:
        """The update of the gradients that the next backward leaves."""

        def make() -> None:
            self.sparsifier._step_count = self.sparsifier.scheduler.delta_t - 1
            self.sparsifier.step()

        return make


PEERS = {"rigl-torch": RiglTorch, "sparsimony": Sparsimony}
