"""What an optimizer does to a weight that does not exist, found out by letting one like it make three small steps."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


@dataclass(frozen=True)
class Rest:
    """The state of a weight that is zero and has no gradient.

    `elementwise`: such a weight stays exactly zero, since each new weight is computed from that weight's own gradient
    and state. `states`: {state name: value} where the state of such a weight is not zero (square averages that start at
    1, step sizes, an added epsilon).
    """

    elementwise: bool = False
    states: Mapping[str, float] = field(default_factory=dict)


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
    values = torch.linspace(-1, 1, 4 ** weight.dim(), device=weight.device)
    absent = (torch.arange(values.numel(), device=weight.device) % 3 == 0).view([4] * weight.dim())
    toy = nn.Parameter(values.view(absent.shape).masked_fill(absent, 0).to(weight.dtype))
    accepted = inspect.signature(kind).parameters
    optimizer = kind(
        [{"params": [toy], **settings}], **{key: value for key, value in settings.items() if key in accepted}
    )
    if not float(settings.get("lr") or 0):  # a warm-up that starts at zero
        optimizer.param_groups[0]["lr"] = 1e-3
    states: dict[str, float] = {}
    for step in range(3):
        gradient = (values.roll(7 * step + 1) + 0.1).view(absent.shape).masked_fill(absent, 0)
        toy.grad = gradient.to(weight.dtype)
        optimizer.step()
        if not step:
            states = {name: float(value[absent].flatten()[0]) for name, value in _like(toy, optimizer).items()}
    still = not bool(toy[absent].any()) and bool(toy.isfinite().all())
    return Rest(still, {name: value for name, value in states.items() if value})


def _like(weight: nn.Parameter, optimizer: Optimizer) -> dict[str, Tensor]:
    """{state name: state} of what the optimizer keeps for each entry of a weight."""
    state = optimizer.state.get(weight, {})
    return {name: value for name, value in state.items() if isinstance(value, Tensor) and value.shape == weight.shape}


@torch.no_grad()
def reset_state(
    optimizer: Optimizer, weight: nn.Parameter, rest: Rest, mask: Tensor, lived: Tensor | None = None
) -> None:
    """Give weights that do not exist no value, no gradient and the state of a weight at rest.

    `mask` is 1 where a weight exists, else 0. `lived` (bool): those that exist and did before; the others start anew.
    """
    for value in (weight, weight.grad):
        if value is not None:
            value.mul_(mask)
    for name, value in _like(weight, optimizer).items():
        if name in rest.states:
            value.masked_fill_(mask == 0 if lived is None else ~lived, rest.states[name])
        else:
            value.mul_(mask)


def forget_curvature(optimizer: Optimizer) -> None:
    """Begin anew what LBFGS has seen of the loss: its directions lead through weights that exist no longer.

    It looks at the loss along them within its step, where absent weights are not masked again.
    """
    if isinstance(optimizer, torch.optim.LBFGS):
        optimizer.state.clear()
