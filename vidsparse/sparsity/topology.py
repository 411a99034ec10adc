"""The one object that owns the masks: attached to a model and an optimizer, it drops and grows as training goes.

    sparse = sparsify(model, optimizer, method="rigl", sparsity=0.5, total_steps=10_000)
    ...                                  # any loop: loss.backward(); optimizer.step()
    checkpoint["sparse"] = sparse.state_dict()

Gradients are masked as they are accumulated, so that clipping, all-reduce and the optimizer see the sparse ones;
with weights and optimizer state zero at the start, elementwise optimizers keep absent weights at exactly zero.
Nothing is renamed or wrapped; weights and masks are changed in place.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import floor
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from corruptions.registry import nearest
from vidsparse.errors import ConfigError
from vidsparse.sparsity.distribution import allocate
from vidsparse.sparsity.masks import pack, prunable, unpack
from vidsparse.sparsity.methods import METHODS, SETTINGS, Method
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.selection import top

# Update rules that compute each new weight from that weight's own gradient and state, so that zero stays zero.
_ELEMENTWISE = frozenset(
    ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adagrad", "Adadelta", "ASGD", "Lion", "Lamb"]
)
_ATTACHED: "WeakSet[Optimizer]" = WeakSet()  # those that have a topology


@dataclass(frozen=True)
class Update:
    """One change of the topology: after which optimizer step, share of connections dropped (those that were grown
    again at once included), connections that are gone, non-zeros afterwards.
    """

    step: int
    fraction: float
    changed: int
    nonzero: int


@dataclass
class Layer:
    """A sparse weight. `mask` holds 0 and 1 in the weight's own dtype: products by bool masks are 4-12 times slower."""

    weight: nn.Parameter
    mask: Tensor
    nonzero: int
    first: Tensor  # the mask before the first update, as bits
    ever: Tensor  # bool: the weights that existed at some time
    dense_gradient: Tensor | None = None


def sparsify(
    model: nn.Module,
    optimizer: Optimizer,
    method: str = "rigl",
    sparsity: float = 0.5,
    total_steps: int = 10_000,
    distribution: str = "erk",
    seed: int = 0,
    **settings: Any,
) -> "Topology":
    """Make `model` sparse and keep it so while `optimizer` trains it.

    Args:
        model: any module; its convolution, linear and attention-projection weights become sparse, in place.
        optimizer: the optimizer of these parameters; a wrapper with an `.optimizer` (Fabric, Accelerate) is unwrapped.
        method: a row of METHODS; "dense" has no masks and changes nothing.
        sparsity: share of zeros over all those weights, 0 <= sparsity < 1.
        total_steps: optimizer steps of the whole training, for the schedule.
        distribution: "erk", "er" or "uniform", see `allocate`.
        seed: of the first masks and of random growth; the global generators are neither used nor changed.
        settings: replace the row's own `every` (steps), `stop` (share of training), `drop_fraction` ...; see `Method`.

    Raises:
        ConfigError: an unknown method or setting, a sparsity that cannot be had, a second call for one optimizer.
    """
    while not isinstance(optimizer, Optimizer):
        optimizer = optimizer.optimizer
    if method not in METHODS:
        raise ConfigError(f"unknown method {method!r}; did you mean {nearest(method, METHODS)}?")
    if "density" in settings:
        raise ConfigError("density is not a setting: pass sparsity, the share of zeros (sparsity = 1 - density)")
    unknown = set(settings) - set(SETTINGS)
    if unknown:
        raise ConfigError(f"unknown setting {min(unknown)!r}; a method takes {', '.join(SETTINGS)}")
    if optimizer in _ATTACHED:
        raise ConfigError("this optimizer already has a topology: close() it first")
    row = replace(METHODS[method], **{key: value for key, value in settings.items() if value is not None})
    if not 0 <= sparsity < 1:
        raise ConfigError(f"sparsity {sparsity} is outside [0, 1)")
    return Topology(model, optimizer, row, sparsity if row.sparse else 0.0, total_steps, distribution, seed)


class Topology:
    """Masks of a model, their schedule and their history; made by `sparsify`."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        method: Method,
        sparsity: float,
        total_steps: int,
        distribution: str,
        seed: int,
    ) -> None:
        self.method, self.sparsity, self.distribution = method, sparsity, distribution
        self.total_steps, self.seed = total_steps, seed
        self.step = 0
        self.updates = 0
        self.changed = 0
        self.last_update: Update | None = None
        self.optimizer = optimizer
        self._update_steps = method.update_steps(total_steps)
        self._weights = prunable(model)
        self._target = allocate(self.shapes(), 1 - sparsity, distribution)
        start = self._planned(0)
        self._layers = {
            name: self._new_layer(name, weight, start[name])
            for name, weight in self._weights.items()
            if self._target[name] < weight.numel() or (method.pruning == "global" and sparsity)
        }
        self._mask_all()
        self._handles = [h for layer in self._layers.values() for h in self._watch(layer)]
        self._handles.append(optimizer.register_step_post_hook(self._after_step))
        _ATTACHED.add(optimizer)

    @property
    def masks(self) -> dict[str, Tensor]:
        """{parameter name: bool tensor of its shape}, true where a weight exists; fully dense layers have none."""
        return {name: layer.mask.bool() for name, layer in self._layers.items()}

    @property
    def nonzero(self) -> int:
        """Weights that exist, over all prunable layers."""
        return sum(self.counts().values())

    @property
    def total(self) -> int:
        """Weights of all prunable layers, absent ones included."""
        return sum(self.sizes().values())

    def counts(self) -> dict[str, int]:
        """{parameter name: non-zeros} of every prunable layer."""
        layers = self._layers
        return {n: layers[n].nonzero if n in layers else w.numel() for n, w in self._weights.items()}

    def densities(self) -> dict[str, float]:
        """{parameter name: share of weights that exist} of every prunable layer."""
        return {name: count / self._weights[name].numel() for name, count in self.counts().items()}

    def sizes(self) -> dict[str, int]:
        """{parameter name: weights, absent ones included} of every prunable layer."""
        return {name: weight.numel() for name, weight in self._weights.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{parameter name: weight shape} of every prunable layer."""
        return {name: tuple(weight.shape) for name, weight in self._weights.items()}

    def explored(self) -> dict[str, float]:
        """{parameter name: share of weights that existed at some time} of every prunable layer (ITOP's R_s)."""
        ever = {name: int(layer.ever.count_nonzero()) / layer.ever.numel() for name, layer in self._layers.items()}
        return {name: ever.get(name, 1.0) for name in self._weights}

    def overlap(self) -> dict[str, float]:
        """{parameter name: share of its present weights that were there at the start} of every prunable layer."""
        shares = dict.fromkeys(self._weights, 1.0)
        for name, layer in self._layers.items():
            common = unpack(layer.first, layer.mask).mul_(layer.mask).count_nonzero()
            shares[name] = int(common) / max(1, layer.nonzero)
        return shares

    def state_dict(self) -> dict[str, Any]:
        """Step, counters and masks (1 bit a weight); plain enough for `torch.load(weights_only=True)`."""
        masks = {name: pack(layer.mask) for name, layer in self._layers.items()}
        ever = {name: pack(layer.ever) for name, layer in self._layers.items()}
        first = {name: layer.first for name, layer in self._layers.items()}
        counters = {"step": self.step, "seed": self.seed, "updates": self.updates, "changed": self.changed}
        return {**counters, "masks": masks, "first": first, "ever": ever}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict()`: masks, step, seed as they were; ConfigError where names or sizes do not fit."""
        masks = state["masks"]
        if set(masks) != set(self._layers):
            odd = sorted(set(masks) ^ set(self._layers))[0]
            raise ConfigError(f"the saved masks are of another network or sparsity: layer {odd} is in one alone")
        for name, layer in self._layers.items():
            layer.mask.copy_(unpack(masks[name], layer.mask))
            layer.nonzero = int(layer.mask.sum(dtype=torch.int64))
            layer.first = state["first"][name].clone()
            layer.ever.copy_(unpack(state["ever"][name], layer.ever))
        self.step, self.seed = int(state["step"]), int(state["seed"])
        self.updates, self.changed = int(state["updates"]), int(state["changed"])
        self._mask_all()

    def close(self) -> None:
        """Take every hook away; the model stays an ordinary one with zeros in its weights."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        _ATTACHED.discard(self.optimizer)

    def _new_layer(self, name: str, weight: nn.Parameter, nonzero: int) -> Layer:
        mask = torch.zeros_like(weight, requires_grad=False)  # in the weight's own memory layout
        mask.copy_(top(self._noise(name, weight), nonzero))
        return Layer(weight, mask, nonzero, pack(mask), mask.bool())

    def _noise(self, name: str, weight: Tensor) -> Tensor:
        """Uniform numbers that depend on (seed, step, layer) alone: the same on every device and process."""
        key = hashlib.blake2b(f"{self.seed}/{self.step}/{name}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(key, "little") >> 1)
        noise = torch.rand(weight.shape, generator=generator)
        return torch.empty_like(weight, dtype=noise.dtype, requires_grad=False).copy_(noise)

    def _watch(self, layer: Layer) -> list[Any]:
        def keep_dense(gradient: Tensor) -> None:
            """Sum the gradients of one accumulation window; zeroed or absent ones mean that a new window begins."""
            if self.method.dense_gradient and self.step + 1 in self._update_steps:
                if layer.dense_gradient is None or layer.weight.grad is None or not layer.weight.grad.any():
                    layer.dense_gradient = gradient.clone()
                else:
                    layer.dense_gradient.add_(gradient)

        def mask_gradient(weight: Tensor) -> None:
            if weight.grad is not None:
                weight.grad.mul_(layer.mask)

        weight: Any = layer.weight
        return [weight.register_hook(keep_dense), weight.register_post_accumulate_grad_hook(mask_gradient)]

    def _after_step(self, *_: Any) -> None:
        self.step += 1
        if type(self.optimizer).__name__ not in _ELEMENTWISE:
            self._mask_all()
        if self.step in self._update_steps:
            self._update()
        for layer in self._layers.values():
            layer.dense_gradient = None

    def _planned(self, step: int) -> dict[str, int]:
        """Non-zeros of each layer after an update at `step`, by the distribution."""
        density = self.method.density(step, self.total_steps, 1 - self.sparsity)
        return self._target if density == 1 - self.sparsity else allocate(self.shapes(), density, self.distribution)

    @torch.no_grad()
    def _update(self) -> None:
        before, method = self.nonzero, self.method
        candidates = {name: self._candidates(name, layer) for name, layer in self._layers.items()}
        gone = self._prune_globally(candidates) if method.pruning == "global" else 0
        dropped, planned = before - self.nonzero, self._planned(self.step)
        for name, layer in self._layers.items():
            keep, end = self._keep_and_end(layer, self._target[name], planned[name])
            dropped += layer.nonzero - keep
            gone += self._swap(layer, candidates[name], keep, end)
            layer.ever |= layer.mask.bool()
        self._mask_all()
        self.updates += 1
        self.changed += gone
        self.last_update = Update(self.step, dropped / before, gone, self.nonzero)

    def _candidates(self, name: str, layer: Layer) -> Candidates:
        dense = _mean_over_processes(layer.dense_gradient)
        if dense is None and self.method.dense_gradient:
            dense = torch.zeros_like(layer.weight)  # the layer was not used in this step
        noise = partial(self._noise, name, layer.weight)
        return Candidates(layer.weight, layer.weight.grad, dense, noise, self.method.gradient_weight)

    def _keep_and_end(self, layer: Layer, target: int, planned: int) -> tuple[int, int]:
        """How many weights a layer keeps at this update, and how many it has after growing."""
        if self.method.pruning == "layer":
            return min(planned, layer.nonzero), planned
        if self.method.soft_bound:
            return min(target, planned), planned
        fraction = self.method.fraction(self.step, self.total_steps)
        return layer.nonzero - floor(fraction * layer.nonzero), layer.nonzero

    def _swap(self, layer: Layer, candidates: Candidates, keep: int, end: int) -> int:
        """Keep the best `keep` weights of a layer, grow until there are `end`; returns how many are gone."""
        active = layer.mask.bool()
        assert self.method.drop is not None
        assert self.method.grow is not None
        new = top(self.method.drop.rule(candidates), keep, among=active)
        new |= top(self.method.grow.rule(candidates), end - keep, among=~new)
        layer.mask.copy_(new)
        layer.nonzero = end
        return int((active & ~new).count_nonzero())

    def _prune_globally(self, candidates: Mapping[str, Candidates]) -> int:
        """Keep the best weights over all layers, but of each at least a tenth of the density; returns how many go."""
        density = self.method.density(self.step, self.total_steps, 1 - self.sparsity)
        surplus = self.nonzero - round(density * self.total)
        if surplus <= 0:
            return 0
        assert self.method.drop is not None
        scores = {name: self.method.drop.rule(candidates[name]) for name in self._layers}
        active = {name: layer.mask.bool() for name, layer in self._layers.items()}
        safe = {
            name: top(scores[name], min(layer.nonzero, max(1, floor(density * layer.mask.numel() / 10))), active[name])
            for name, layer in self._layers.items()
        }
        open_to_all = torch.cat([(active[name] & ~safe[name]).flatten() for name in self._layers])
        flat = torch.cat([score.flatten().float() for score in scores.values()])
        keep = top(flat, int(open_to_all.count_nonzero()) - surplus, among=open_to_all)
        parts = keep.split([score.numel() for score in scores.values()])
        for (name, layer), part in zip(self._layers.items(), parts, strict=True):
            layer.mask.copy_(part.view(layer.mask.shape) | safe[name])
            layer.nonzero = int(layer.mask.count_nonzero())
        return surplus

    @torch.no_grad()
    def _mask_all(self) -> None:
        """Make absent weights, their gradients and their optimizer state exactly zero."""
        for layer in self._layers.values():
            layer.weight.mul_(layer.mask)
            if layer.weight.grad is not None:
                layer.weight.grad.mul_(layer.mask)
            for value in self.optimizer.state.get(layer.weight, {}).values():
                if isinstance(value, Tensor) and value.shape == layer.mask.shape:
                    value.mul_(layer.mask)


def _mean_over_processes(gradient: Tensor | None) -> Tensor | None:
    """The signed mean over processes: |mean g|, never mean |g|, is what one process on the whole batch would see."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if gradient is not None and distributed:
        torch.distributed.all_reduce(gradient)
        gradient /= torch.distributed.get_world_size()
    return gradient
