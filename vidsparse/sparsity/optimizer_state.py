"""What an optimizer does to a weight that does not exist, found out by letting one like it make three small steps."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from vidsparse.sparsity.masking import mask_

_ROOTS = ("exp_avg_sq", "square_avg", "sum")  # states of torch's optimizers whose square root is taken


@dataclass(frozen=True)
class Rest:
    """The state of a weight that is zero and has no gradient.

    `elementwise`: such a weight stays exactly zero, since each new weight is computed from that weight's own gradient
    and state. `states`: {state name: value} where the state of such a weight is not zero (square averages that start at
    1, step sizes, an added epsilon). `lifted`: names of states, zero for such a weight, that may be 1 there while a
    step is made, without another result for any weight or state: square averages, whose roots torch takes six times
    slower on a CPU where they are zero (MKL).
    """

    elementwise: bool = False
    states: Mapping[str, float] = field(default_factory=dict)
    lifted: frozenset[str] = frozenset()


def all_at_rest(optimizer: Optimizer, weights: Mapping[str, nn.Parameter]) -> dict[str, Rest]:
    """{name: `at_rest`} of many weights; those of one kind in a group of the optimizer are tried out once."""
    groups = {id(weight): place for place, group in enumerate(optimizer.param_groups) for weight in group["params"]}
    kinds = {name: (groups[id(w)], w.dim(), w.dtype, w.device) for name, w in weights.items()}
    first = {kind: weights[name] for name, kind in reversed([*kinds.items()])}
    found = {kind: at_rest(optimizer, weight) for kind, weight in first.items()}
    return {name: found[kind] for name, kind in kinds.items()}


def at_rest(optimizer: Optimizer, weight: nn.Parameter) -> Rest:
    """How `optimizer` treats absent entries of `weight`; the cautious answer where it cannot be tried out."""
    group = next(group for group in optimizer.param_groups if any(p is weight for p in group["params"]))
    settings = {key: value for key, value in group.items() if key not in ("params", "param_names")}
    devices = [weight.device] if weight.is_cuda else []
    try:
        with torch.random.fork_rng(devices), torch.enable_grad():
            return _try_out(type(optimizer), settings, weight)
    except Exception:  # an optimizer of anybody's: wants a closure, a model, other gradients
        return Rest()


def _try_out(kind: type[Optimizer], settings: dict[str, Any], weight: nn.Parameter) -> Rest:
    tried = _Trial(kind, settings, weight)
    still = not bool(tried.weight[tried.absent].any()) and bool(tried.weight.isfinite().all())
    at_zero = [name for name, value in tried.first.items() if not value and name in _ROOTS]
    liftable = weight.is_cpu and not settings.get("fused")
    lifted = [name for name in at_zero if liftable and _Trial(kind, settings, weight, name).ends_as(tried)]
    return Rest(still, {name: value for name, value in tried.first.items() if value}, frozenset(lifted))


class _Trial:
    """Three small steps of a weight of which a third is absent; `first` is the state of an absent entry after one.

    With `lifted`, the state of this name is 1 there while a step is made, and 0 afterwards.
    """

    def __init__(
        self, kind: type[Optimizer], settings: dict[str, Any], weight: nn.Parameter, lifted: str | None = None
    ) -> None:
        values = torch.linspace(-1, 1, 4 ** weight.dim(), device=weight.device)
        self.absent = absent = (torch.arange(values.numel(), device=weight.device) % 3 == 0).view([4] * weight.dim())
        self.weight = nn.Parameter(values.view(absent.shape).masked_fill(absent, 0).to(weight.dtype))
        accepted = inspect.signature(kind).parameters
        optimizer = kind(
            [{"params": [self.weight], **settings}], **{key: v for key, v in settings.items() if key in accepted}
        )
        if not float(settings.get("lr") or 0):  # a warm-up that starts at zero
            optimizer.param_groups[0]["lr"] = 1e-3
        self.first: dict[str, float] = {}
        for step in range(3):
            gradient = (values.roll(7 * step + 1) + 0.1).view(absent.shape).masked_fill(absent, 0)
            self.weight.grad = gradient.to(weight.dtype)
            for value in (1, 0):
                if lifted and step:
                    states_like(self.weight, optimizer)[lifted].masked_fill_(absent, value)
                if value:
                    optimizer.step()
            if not step:
                self.first = {n: float(v[absent].flatten()[0]) for n, v in states_like(self.weight, optimizer).items()}
        self._end = [self.weight.detach(), *states_like(self.weight, optimizer).values()]

    def ends_as(self, other: "_Trial") -> bool:
        """Whether weight and states are the same to the bit."""
        return all(torch.equal(mine, yours) for mine, yours in zip(self._end, other._end, strict=True))


def states_like(weight: nn.Parameter, optimizer: Optimizer) -> dict[str, Tensor]:
    """{state name: state} of what the optimizer keeps for each entry of a weight."""
    state = optimizer.state.get(weight, {})
    return {name: value for name, value in state.items() if isinstance(value, Tensor) and value.shape == weight.shape}


@torch.no_grad()
def reset_state(
    optimizer: Optimizer, weight: nn.Parameter, rest: Rest, mask: Tensor, lived: Tensor | None = None
) -> None:
    """Give weights that do not exist no value, no gradient and the state of a weight at rest.

    `mask` (bool): where a weight exists. `lived` (bool): those that exist and did before; the others start anew.
    """
    for value in (weight, weight.grad):
        if value is not None:
            mask_(value, mask)
    for name, value in states_like(weight, optimizer).items():
        if name in rest.states:
            value.masked_fill_(~mask if lived is None else ~lived, rest.states[name])
        else:
            mask_(value, mask)


def forget_curvature(optimizer: Optimizer) -> None:
    """Begin anew what LBFGS has seen of the loss: its directions lead through weights that exist no longer.

    It looks at the loss along them within its step, where absent weights are not masked again.
    """
    if isinstance(optimizer, torch.optim.LBFGS):
        optimizer.state.clear()
