"""The one object that owns the masks: attached to a model and an optimizer, it drops and grows as training goes.

    sparse = sparsify(model, optimizer, method="rigl", sparsity=0.5, total_steps=10_000)
    ...                                  # any loop: loss.backward(); optimizer.step()
    checkpoint["sparse"] = sparse.state_dict()

Gradients are masked as they are accumulated, so that clipping, all-reduce and the optimizer see the sparse ones;
with weights and optimizer state zero at the start, elementwise optimizers keep absent weights at exactly zero.
Nothing is renamed or wrapped; weights and masks are changed in place.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vidsparse.errors import ConfigError
from vidsparse.sparsity import processes
from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.choice import Choice, Policy, choose, mark, unmark, unwrap
from vidsparse.sparsity.distribution import DISTRIBUTIONS
from vidsparse.sparsity.fan_in import first_mask
from vidsparse.sparsity.layer import Layer
from vidsparse.sparsity.masks import pack, unpack
from vidsparse.sparsity.methods import Method, method_row
from vidsparse.sparsity.momentum import smooth
from vidsparse.sparsity.optimizers import at_rest, settle
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.selection import top
from vidsparse.sparsity.steps import StepCount
from vidsparse.sparsity.updates import Plan, rewire


@dataclass(frozen=True)
class Update:
    """One change of the topology: after which optimizer step, share of connections dropped (those that were grown
    again at once included), connections that are gone, non-zeros afterwards.
    """

    step: int
    fraction: float
    changed: int
    nonzero: int


def sparsify(
    model: nn.Module,
    optimizer: Optimizer,
    method: str = "rigl",
    sparsity: float = 0.5,
    total_steps: int = 10_000,
    distribution: str = "erk",
    seed: int = 0,
    *,
    include: Sequence[str] | str | None = None,
    exclude: Sequence[str] | str | None = None,
    first_layer: Policy = "sparse",
    last_layer: Policy = "sparse",
    depthwise: Policy = "sparse",
    dense_in_budget: bool = True,
    **settings: Any,
) -> "Topology":
    """Make `model` sparse and keep it so while `optimizer` trains it.

    Args:
        model: any module; its convolution, linear and attention-projection weights become sparse, in place. Wrapped
            ones (DDP, torch.compile, Fabric, Accelerate) are looked into; of several processes all must call this.
        optimizer: the optimizer of these parameters; a wrapper with an `.optimizer` (Fabric, Accelerate) is unwrapped.
        method: a row of METHODS; "dense" has no masks and changes nothing.
        sparsity: share of zeros over all those weights, 0 <= sparsity < 1.
        total_steps: optimizer steps of the whole training, for the schedule.
        distribution: "erk", "er" or "uniform", see `allocate`.
        seed: of the first masks and of random growth, that of process 0 for all; the global generators are neither
            used nor changed.
        include: shell patterns of parameter names; the other layers are kept dense.
        exclude: shell patterns of parameter names that are kept dense.
        first_layer: "dense" keeps the model's first prunable layer dense.
        last_layer: "dense" keeps the last one dense.
        depthwise: "dense" keeps depthwise convolutions dense.
        dense_in_budget: layers kept dense count in `sparsity`, so that the others get sparser; else they do not.
        settings: replace the row's own `every` (steps), `stop` (share of training), `drop_fraction` ...; see `Method`.

    Raises:
        ConfigError: an unknown method or setting, a sparsity that cannot be had, a second call for one model.
    """
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    row = method_row(method, settings)
    if distribution not in DISTRIBUTIONS:
        raise ConfigError(f"unknown distribution {distribution!r}; there are {', '.join(DISTRIBUTIONS)}")
    if not 0 <= sparsity < 1:
        raise ConfigError(f"sparsity {sparsity} is outside [0, 1)")
    choice = choose(model, optimizer, include, exclude, first_layer, last_layer, depthwise, dense_in_budget)
    return Topology(optimizer, row, sparsity if row.sparse else 0.0, total_steps, distribution, seed, choice)


class Topology:
    """Masks of a model, their schedule and their history; made by `sparsify`."""

    def __init__(
        self,
        optimizer: Optimizer,
        method: Method,
        sparsity: float,
        total_steps: int,
        distribution: str,
        seed: int,
        choice: Choice,
    ) -> None:
        self.method, self.sparsity, self.distribution = method, sparsity, distribution
        self.kept_dense, self.dense_in_budget = choice.kept_dense, choice.dense_in_budget
        self.total_steps, self.optimizer = total_steps, optimizer
        self.updates = 0
        self.changed = 0
        self.last_update: Update | None = None
        self.seed = processes.seed_of_first(seed, next(iter(choice.weights.values())).device)
        self._choice, self._weights = choice, choice.budget
        self._budget = Budget(
            self.shapes(),
            frozenset(choice.kept_dense) & set(self._weights),
            method,
            sparsity,
            distribution,
            total_steps,
        )
        self._update_steps = method.update_steps(total_steps)
        self._dense_steps = method.dense_gradient_steps(total_steps)
        self._steps = StepCount(self._dense_steps or self._update_steps)
        first = self._budget.after(0)
        self._layers = {name: self._new_layer(name, first[name]) for name in self._budget.sparse_layers()}
        self._rest = {name: at_rest(optimizer, layer.weight) for name, layer in self._layers.items()}
        self._leaky = [layer for name, layer in self._layers.items() if not self._rest[name].elementwise]
        self._settle(self._layers.values())
        wanted = (lambda: self._steps.planned + 1 in self._dense_steps) if self._dense_steps else None
        self._handles = [handle for layer in self._layers.values() for handle in layer.watch(wanted)]
        self._handles.append(optimizer.register_step_post_hook(self._after_step))
        mark(choice.weights.values())

    @property
    def step(self) -> int:
        """Optimizer steps that were made; those that a gradient scaler left out do not count.

        To be set by who replays steps from a CUDA graph, which no hook sees: the next update comes after so many. It
        and the steps whose dense gradients it needs are made outside the graph; weights and masks stay where they are.
        """
        return self._steps.value

    @step.setter
    def step(self, steps: int) -> None:
        self._steps.value = steps

    @property
    def masks(self) -> dict[str, Tensor]:
        """{parameter name: bool tensor of its shape}, true where a weight exists; fully dense layers have none."""
        return {name: layer.mask.bool() for name, layer in self._layers.items()}

    @property
    def nonzero(self) -> int:
        """Weights that exist, over all layers in the budget."""
        return sum(self.counts().values())

    @property
    def total(self) -> int:
        """Weights of all layers in the budget, absent ones included."""
        return sum(self.sizes().values())

    def counts(self) -> dict[str, int]:
        """{parameter name: non-zeros} of every layer in the budget."""
        layers = self._layers
        return {n: layers[n].nonzero if n in layers else w.numel() for n, w in self._weights.items()}

    def planned(self) -> dict[str, int]:
        """{parameter name: non-zeros at the target sparsity} of every layer in the budget, by the distribution."""
        return dict(self._budget.target)

    def densities(self) -> dict[str, float]:
        """{parameter name: share of weights that exist} of every layer in the budget."""
        return {name: count / self._weights[name].numel() for name, count in self.counts().items()}

    def sizes(self) -> dict[str, int]:
        """{parameter name: weights, absent ones included} of every layer in the budget."""
        return {name: weight.numel() for name, weight in self._weights.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{parameter name: weight shape} of every layer in the budget."""
        return {name: tuple(weight.shape) for name, weight in self._weights.items()}

    def explored(self) -> dict[str, float]:
        """{parameter name: share of weights that existed at some time} of every layer in the budget (ITOP's R_s)."""
        ever = {name: int(layer.ever.count_nonzero()) / layer.ever.numel() for name, layer in self._layers.items()}
        return {name: ever.get(name, 1.0) for name in self._weights}

    def overlap(self) -> dict[str, float]:
        """{parameter name: share of its present weights that were there at the start} of every layer in the budget."""
        shares = dict.fromkeys(self._weights, 1.0)
        for name, layer in self._layers.items():
            common = unpack(layer.first, layer.mask).mul_(layer.mask).count_nonzero()
            shares[name] = int(common) / max(1, layer.nonzero)
        return shares

    def state_dict(self) -> dict[str, Any]:
        """Counters, masks (1 bit a weight) and gradients that are being kept; fit for `torch.load(weights_only=True)`.

        Between two optimizer steps this and the states of model and optimizer are all that a training needs. Inside an
        accumulation window they are all with the gradients, `p.grad` of each parameter, which the caller saves and
        puts back; of several processes each then saves its own, for they accumulate on their own.
        """
        counters = {"step": self.step, "seed": self.seed, "updates": self.updates, "changed": self.changed}
        masks = {name: pack(layer.mask) for name, layer in self._layers.items()}
        return {**counters, "masks": masks, "layers": {name: layer.state() for name, layer in self._layers.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`: masks, step, seed as they were; ConfigError where names or sizes do not fit."""
        masks = state["masks"]
        if set(masks) != set(self._layers):
            odd = sorted(set(masks) ^ set(self._layers))[0]
            raise ConfigError(f"the saved masks are of another network or sparsity: layer {odd} is in one alone")
        for name, layer in self._layers.items():
            layer.restore(masks[name], state["layers"][name])
        self._steps.value, self.seed = int(state["step"]), int(state["seed"])
        self.updates, self.changed, self.last_update = int(state["updates"]), int(state["changed"]), None
        self._settle(self._layers.values())

    @torch.no_grad()
    def apply_to(self, model: nn.Module) -> None:
        """Zero what does not exist here in another copy of the network, such as a moving average of its weights."""
        weights = dict(unwrap(model).named_parameters(remove_duplicate=False))
        for name, layer in self._layers.items():
            weights[name].mul_(layer.mask.to(weights[name]))

    def close(self) -> None:
        """Take every hook away; the model stays an ordinary one with zeros in its weights."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        unmark(self._choice.weights.values())

    def _new_layer(self, name: str, count: int) -> Layer:
        weight = self._weights[name]
        noise = self._noise(name, weight)
        fixed = self.method.constant_fan_in
        return Layer.new(name, weight, first_mask(noise, count // len(weight)) if fixed else top(noise, count))

    def _noise(self, name: str, weight: Tensor) -> Tensor:
        """Uniform numbers that depend on (seed, step, layer) alone: the same on every device and process."""
        key = hashlib.blake2b(f"{self.seed}/{self._steps.planned}/{name}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)
        noise = torch.rand(weight.shape, generator=generator)
        if weight.is_cpu and weight.is_contiguous():
            return noise
        return torch.empty_like(weight, dtype=noise.dtype, requires_grad=False).copy_(noise)

    @torch.no_grad()
    def _after_step(self, *_: Any) -> None:
        made = self._steps.count(self.optimizer)
        self._settle(self._leaky)
        if made and self.method.smoothing and self._steps.planned in self._dense_steps:
            smooth([*self._layers.values()], self._dense_gradients(), self.method.smoothing)
        if made and self._steps.planned in self._update_steps:
            self._update()
        for layer in self._layers.values():
            layer.end_window(soon_again=self._steps.planned + 1 in self._dense_steps)

    def _update(self) -> None:
        self._choice.check_present()
        before, step = self.nonzero, self._steps.planned
        surplus = before - self._budget.total_after(step)
        last = list(self._choice.weights)[-1]
        plan = Plan(step, self.total_steps, surplus, self._budget.target, self._budget.after(step), last)
        masks, dropped = rewire(self._candidates(), self.method, plan)
        gone = 0
        for name, mask in masks.items():
            layer, mask = self._layers[name], processes.mask_of_first(mask)
            lived = layer.mask.bool() & mask if self._rest[name].states else None
            gone += layer.adopt(mask)
            settle(self.optimizer, layer.weight, self._rest[name], layer.mask, lived)
        self.updates += 1
        self.changed += gone
        self.last_update = Update(step, dropped / before, gone, self.nonzero)

    def _candidates(self) -> dict[str, Candidates]:
        wants_dense = self.method.dense_gradient and not self.method.smoothing
        dense = self._dense_gradients() if wants_dense else [None] * len(self._layers)
        return {
            name: Candidates(
                layer.weight.detach(),
                layer.mask.bool(),
                layer.nonzero,
                layer.weight.grad,
                gradient,
                layer.momentum,
                partial(self._noise, name, layer.weight),
                self.method.gradient_weight,
            )
            for (name, layer), gradient in zip(self._layers.items(), dense, strict=True)
        }

    def _dense_gradients(self) -> list[Tensor]:
        """The dense gradient of each layer, zero where it was not used, averaged over the processes."""
        gradients = [
            layer.new_like_weight().zero_() if layer.dense_gradient is None else layer.dense_gradient
            for layer in self._layers.values()
        ]
        processes.mean_(gradients)
        return gradients

    def _settle(self, layers: Iterable[Layer]) -> None:
        for layer in layers:
            settle(self.optimizer, layer.weight, self._rest[layer.name], layer.mask)
