"""The one object that owns the masks: attached to a model and an optimizer, it drops and grows as training goes.

    sparse = sparsify(model, optimizer, method="rigl", sparsity=0.5, total_steps=10_000)
    ...                                  # any loop: loss.backward(); optimizer.step()
    checkpoint["sparse"] = sparse.state_dict()

Gradients are masked as they are accumulated, so that clipping, all-reduce and the optimizer see the sparse ones;
with weights and optimizer state zero at the start, elementwise optimizers keep absent weights at exactly zero.
Nothing is renamed or wrapped; weights and masks are changed in place.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vidsparse.sparsity import distributed
from vidsparse.sparsity.attach import Attachment, innermost
from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.candidates import candidates, dense_gradients
from vidsparse.sparsity.channel_plan import ChannelPlan
from vidsparse.sparsity.distribution import DISTRIBUTIONS, Power, name_of
from vidsparse.sparsity.first_masks import Init, first_masks, known_init, noise, rescale_fan_in
from vidsparse.sparsity.guard import BeforeForward, Guard
from vidsparse.sparsity.layer_selection import Choice, Policy, Wanted, choose, find_copy, mark, unmark
from vidsparse.sparsity.lifted_states import LiftedStates
from vidsparse.sparsity.masks import pack
from vidsparse.sparsity.methods import Method, method_row
from vidsparse.sparsity.momentum import scale_as_seen, smooth
from vidsparse.sparsity.optimizer_state import all_at_rest, forget_curvature, reset_state
from vidsparse.sparsity.sparse_weight import Layer
from vidsparse.sparsity.step_counter import StepCount
from vidsparse.sparsity.update import Update, rewire
from vidsparse.sparsity.update_plan import Plan
from vidsparse.utils.errors import ConfigError


def sparsify(
    model: nn.Module,
    optimizer: Optimizer,
    method: str | Method = "rigl",
    sparsity: float = 0.5,
    total_steps: int = 10_000,
    distribution: str | Power = "erk",
    seed: int = 0,
    *,
    init: Init = "auto",
    rescale_init: bool = False,
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
        method: the name of a row of METHODS, `module:attribute`, or a row itself; "dense" has no masks.
        sparsity: share of zeros over all those weights, 0 <= sparsity < 1.
        total_steps: optimizer steps of the whole training, for the schedule.
        distribution: "erk", "er", "uniform", another registered one, or a function of the shape; see `allocate`.
        seed: of the first masks and of random growth, that of process 0 for all; the global generators are neither
            used nor changed.
        init: the first masks: "random", or "magnitude", the largest weights of each layer (GraNet: of all layers
            together), for a network that was trained before. "auto" is magnitude where `create_model` gave it
            weights, else random: for a network of your own that was trained, say magnitude.
        rescale_init: scale random weights by the fan-in that their masks leave them, see `first.rescale_fan_in`.
        include, exclude: shell patterns of the parameters that alone are made sparse, and of those kept dense.
        first_layer: "dense" keeps the model's first prunable layer dense.
        last_layer: "dense" keeps the layers that write class scores dense, see `heads.heads`.
        depthwise: "dense" keeps depthwise convolutions dense.
        dense_in_budget: layers kept dense count in `sparsity`, so that the others get sparser; else they do not.
        settings: replace the row's own `every` (steps), `stop` (share of training), `drop_fraction` ...; see `Method`.

    Raises:
        ConfigError: an unknown method or setting, a sparsity that cannot be had, a second call for one model, a layer
            whose forward pass makes something else of zeros (weight standardisation), by name.

    >>> model = nn.Sequential(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, 10))
    >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
    >>> sparse = sparsify(model, optimizer, "rigl", sparsity=0.5, total_steps=100, every=10)
    >>> sparse.nonzero, int(sum((weight != 0).sum() for weight in (model[0].weight, model[2].weight)))
    (600, 600)
    """
    optimizer = innermost(optimizer)
    row = method_row(method, settings, sparsity if 0 <= sparsity < 1 else 0.0)
    DISTRIBUTIONS.find(distribution)
    if not 0 <= sparsity < 1:
        raise ConfigError(f"sparsity {sparsity} is outside [0, 1)")
    row.check_training(total_steps, seed)
    wanted = Wanted(include, exclude, first_layer, last_layer, depthwise, dense_in_budget)
    choice = choose(model, optimizer, wanted, row.sparse)
    shapes = {name: tuple(weight.shape) for name, weight in choice.budget.items()}
    dense = frozenset(choice.kept_dense) & set(shapes)
    budget = Budget(shapes, dense, row, sparsity if row.sparse else 0.0, distribution, total_steps)
    first = known_init(init, choice.model)
    made = Topology(optimizer, choice, budget, seed, first)
    if rescale_init:
        rescale_fan_in(made.weights(), made.masks, first)
    return made


class Topology:
    """Masks of a model, their schedule and their history; made by `sparsify`."""

    def __init__(
        self, optimizer: Optimizer, choice: Choice, budget: Budget, seed: int, init: Literal["random", "magnitude"]
    ) -> None:
        self.method, self.sparsity, self.distribution = budget.method, budget.sparsity, name_of(budget.distribution)
        self.kept_dense, self.dense_in_budget = choice.kept_dense, choice.dense_in_budget
        self.total_steps, self.optimizer = budget.total_steps, optimizer
        self.updates, self.changed, self.init = 0, 0, init
        self.dropped = 0  # connections, those that were grown again at once included
        self.last_update: Update | None = None
        device = next((weight.device for weight in choice.weights.values()), torch.device("cpu"))
        self.seed = distributed.seed_of_first(seed, device)
        self._choice, self._weights, self._budget = choice, choice.budget, budget
        self._update_steps = self.method.update_steps(self.total_steps)
        self._dense_steps = self.method.dense_gradient_steps(self.total_steps)
        self._steps = StepCount(self._dense_steps or self._update_steps)
        weights = {name: self._weights[name] for name in budget.sparse_layers()}
        self._channels = ChannelPlan.of(choice.model, budget, weights)
        masks = first_masks(weights, budget.after(0), self.method, init, self.seed)
        self._layers = {name: Layer.new(name, weight, masks[name]) for name, weight in weights.items()}
        self._rest = all_at_rest(optimizer, weights)
        self._leaky = [layer for name, layer in self._layers.items() if not self._rest[name].elementwise]
        self._watch()

    @property
    def step(self) -> int:
        """Optimizer steps that were made; those that a gradient scaler left out do not count.

        To be set by who replays steps from a CUDA graph, which no hook sees, but for updates and their gradients.
        """
        return self._steps.value

    @step.setter
    def step(self, steps: int) -> None:
        self._steps.value = steps

    @property
    def masks(self) -> dict[str, Tensor]:
        """{parameter name: bool tensor of its shape}, true where a weight exists; fully dense layers have none."""
        return {name: layer.mask.clone() for name, layer in self._layers.items()}

    @property
    def nonzero(self) -> int:
        """Weights that exist, over all layers in the budget."""
        return sum(self.counts().values())

    @property
    def total(self) -> int:
        """Weights of all layers in the budget, absent ones included."""
        return sum(self.sizes().values())

    def counts(self) -> dict[str, int]:
        """{parameter name: non-zeros} of every layer in the budget; absent weights that somebody wrote are zeroed."""
        self._guard.check_present()
        self._guard.hold()
        return self._counts()

    def _counts(self) -> dict[str, int]:
        layers = self._layers
        return {n: layers[n].nonzero if n in layers else w.numel() for n, w in self._weights.items()}

    def planned(self) -> dict[str, int]:
        """{parameter name: non-zeros at the target sparsity} of every layer in the budget, by the distribution."""
        return dict(self._budget.target)

    def densities(self) -> dict[str, float]:
        """{parameter name: share of weights that exist} of every layer in the budget."""
        return {name: count / self._weights[name].numel() for name, count in self.counts().items()}

    @property
    def masked_layers(self) -> frozenset[str]:
        """Names of the parameters that have a mask; the others in the budget are dense all the time."""
        return frozenset(self._layers)

    def weights(self) -> dict[str, nn.Parameter]:
        """{parameter name: the parameter itself} of every layer in the budget."""
        return dict(self._weights)

    def sizes(self) -> dict[str, int]:
        """{parameter name: weights, absent ones included} of every layer in the budget."""
        return {name: weight.numel() for name, weight in self._weights.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{parameter name: weight shape} of every layer in the budget."""
        return {name: tuple(weight.shape) for name, weight in self._weights.items()}

    def explored(self) -> dict[str, float]:
        """{parameter name: share of weights that existed at some time} of every layer in the budget (ITOP's R_s)."""
        layers = self._layers
        return {name: layers[name].explored() if name in layers else 1.0 for name in self._weights}

    def overlap(self) -> dict[str, float]:
        """{parameter name: share of its present weights that were there at the start} of every layer in the budget."""
        layers = self._layers
        return {name: layers[name].overlap() if name in layers else 1.0 for name in self._weights}

    def state_dict(self) -> dict[str, Any]:
        """Counters, masks (1 bit a weight) and gradients that are being kept; fit for `torch.load(weights_only=True)`.

        Between two optimizer steps this and the states of model and optimizer are all that a training needs. Inside an
        accumulation window the gradients, `p.grad`, must be saved and put back too, by each process its own.
        """
        self._guard.hold()
        counters = {name: getattr(self, name) for name in ("step", "seed", "updates", "changed", "dropped")}
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
        self.dropped = int(state.get("dropped", 0))  # states of older versions do not know it
        self._guard.moved()
        self._settle(self._layers.values())

    @torch.no_grad()
    def apply_to(self, model: Any) -> None:
        """Zero what does not exist here in another copy of the network, such as a moving average of its weights.

        It is looked for inside wrappers: `AveragedModel`, `ModelEmaV3` and whatever else holds such a network.

        Raises:
            ConfigError: there is no network in it with weights of these names and shapes.
        """
        layers = self._layers.values()
        weights = find_copy(model, {layer.name: layer.weight for layer in layers})
        for layer in layers:
            weights[layer.name].masked_fill_(~layer.mask.to(weights[layer.name].device), 0)

    def close(self) -> None:
        """Take every hook away; the model stays an ordinary one with zeros in its weights."""
        self._unwatch()
        unmark(self._choice.weights.values())

    def attach(self, optimizer: Optimizer) -> None:
        """Go on with another optimizer: a new one of the same weights, or of those that took their place in the model.

        Masks, counts and schedule stay as they are; its state at absent weights is set to that of a weight at rest.

        Raises:
            ConfigError: it does not train each of the sparse layers.
        """
        optimizer = innermost(optimizer)
        self._unwatch()
        unmark(self._choice.weights.values())
        self._choice = self._choice.found_again(optimizer)
        self._weights, self.optimizer = self._choice.budget, optimizer
        for name, layer in self._layers.items():
            layer.weight = self._weights[name]
        self._rest = all_at_rest(optimizer, {name: self._weights[name] for name in self._layers})
        self._leaky = [layer for name, layer in self._layers.items() if not self._rest[name].elementwise]
        self._watch()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Topology":
        """A copy that is attached to the copies of model and optimizer."""
        copied = object.__new__(type(self))
        memo[id(self)] = copied
        watching = ("_handles", "_guard", "_attachment", "_lifted")
        copied.__dict__.update({k: deepcopy(v, memo) for k, v in self.__dict__.items() if k not in watching})
        hooks = copied._choice.model._forward_pre_hooks
        for key in [key for key, hook in hooks.items() if isinstance(hook, BeforeForward)]:
            del hooks[key]
        copied._watch()
        return copied

    def _watch(self) -> None:
        """Hooks on gradients, on the optimizer and before the forward pass; absent weights become zero."""
        layers = list(self._layers.values())
        self._guard = Guard(self._choice.model, layers, self._choice.weights)
        self._lifted = LiftedStates(self.optimizer, layers, self._rest, self._guard.step_begins)
        self._attachment = Attachment(self.optimizer, layers, self._lifted.before_step, self._after_step)
        wanted = self._wants_dense_gradient if self._dense_steps else None
        began = self._attachment.gradient_began
        self._handles = [handle for layer in layers for handle in layer.watch(began, wanted)]
        self._settle(layers)
        mark(self._choice.weights.values())

    def _unwatch(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._guard.close()
        self._attachment.close()

    def _wants_dense_gradient(self) -> bool:
        return self._steps.planned + 1 in self._dense_steps

    def _noise(self, name: str, weight: Tensor) -> Tensor:
        return noise(self.seed, self._steps.planned, name, weight)

    @torch.no_grad()
    def _after_step(self) -> None:
        self._lifted.after_step()
        made = self._steps.count(self.optimizer)
        self._settle(self._leaky)
        if made and self.method.smoothing and self._steps.planned in self._dense_steps:
            smooth([*self._layers.values()], dense_gradients(self._layers), self.method.smoothing)
        gathering = made and self.method.grow_window > 1 and self._steps.planned in self._dense_steps
        if gathering:
            scale_as_seen([*self._layers.values()])
        updating = made and self._steps.planned in self._update_steps
        if updating:
            self._update()
        for layer in self._layers.values():
            layer.end_step(gathering and not updating, soon_again=self._wants_dense_gradient())
        self._guard.step_ends()

    def _update(self) -> None:
        self._guard.hold()
        before, step = sum(self._counts().values()), self._steps.planned
        surplus = before - self._budget.total_after(step)
        heads = self._choice.heads if self.method.constant_fan_in else frozenset()
        plan = Plan(step, self.total_steps, surplus, self._budget.target, self._budget.after(step), heads)
        seen = candidates(self._layers, self.method, self._noise, min(self.method.grow_window, self.method.every, step))
        change, gone = rewire(self._channels.within(seen, plan) if self._channels else seen, self.method, plan), 0
        for name, mask in change.masks.items():
            layer, mask = self._layers[name], distributed.mask_of_first(mask)
            lived = distributed.mask_of_first(change.kept[name]) if change.kept else layer.mask & mask
            gone += layer.adopt(mask)
            rest, alive = self._rest[name], lived if change.kept else layer.mask
            reset_state(self.optimizer, layer.weight, rest, alive, lived if rest.states else None)
        forget_curvature(self.optimizer)
        self.updates += 1
        self.changed += gone
        self.dropped += change.dropped
        self._guard.moved()
        self.last_update = Update(step, change.dropped / before, gone, sum(self._counts().values()))

    def _settle(self, layers: Iterable[Layer]) -> None:
        for layer in layers:
            reset_state(self.optimizer, layer.weight, self._rest[layer.name], layer.mask_like_weight())
            layer.version = layer.weight._version
