"""Which optimizer is stepped: the one inside wrappers is found, and training that passes it by is an error.

A topology lives by the steps of one optimizer. Where another one, or none that torch knows, moves the weights, no
update would ever be made, and a run called RigL would be static.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from vidsparse.sparsity.selection import in_memory_order
from vidsparse.sparsity.sparse_weight import Layer
from vidsparse.utils.errors import ConfigError

_NAMES = ("optimizer", "base_optimizer", "_optimizer", "_base_optimizer", "original_optimizer", "inner_optimizer")
_PATIENCE = 3  # times that weights move after gradients and no step is made: sharpness-aware ascent does so twice

_SAMPLE = 64  # weights of a layer that tell whether it moved


def innermost(optimizer: Any) -> Any:
    """The optimizer that makes the steps: that inside wrappers (Fabric, Accelerate, SAM, Lookahead and others).

    A wrapper is known by what it holds: an optimizer, in any attribute, of all the parameters that it has itself.
    """
    seen = {id(optimizer)}
    while (inner := next(_inside(optimizer), None)) is not None and id(inner) not in seen:
        seen.add(id(inner))
        optimizer = inner
    return optimizer


def _inside(wrapper: Any) -> Iterator[Optimizer]:
    known = (getattr(wrapper, name, None) for name in _NAMES)
    mine = set(_parameters(wrapper))
    for value in (*known, *getattr(wrapper, "__dict__", {}).values()):
        if isinstance(value, Optimizer) and value is not wrapper and mine <= set(_parameters(value)):
            yield value


def _parameters(optimizer: Any) -> Iterator[int]:
    return (id(weight) for group in getattr(optimizer, "param_groups", ()) for weight in group["params"])


class Attachment:
    """The hooks on an optimizer, and what else moves the weights of `layers`.

    `before` and `after` are called around each step. Raises ConfigError, out of the step or the backward pass, when
    another optimizer of these weights has stepped twice, or weights have moved three times after gradients, and this
    one was never stepped meanwhile.
    """

    def __init__(
        self, optimizer: Optimizer, layers: Iterable[Layer], before: Callable[[], None], after: Callable[[], None]
    ) -> None:
        self.optimizer = optimizer
        self.steps = 0
        self._inside = False  # a step is being made, which may ask for gradients itself (LBFGS)
        self._layers = list(layers)
        self._weights = {id(layer.weight) for layer in self._layers}
        self._others: WeakKeyDictionary[Optimizer, int] = WeakKeyDictionary()
        self._windows: dict[str, _Window] = {}
        self._before, self._after = before, after
        self._handles = [
            optimizer.register_step_pre_hook(self._begin),
            optimizer.register_step_post_hook(self._end),
        ]
        _LIVING.add(self)
        _listen()

    def close(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()
        _LIVING.discard(self)

    def gradient_began(self, layer: Layer) -> None:
        """Notice that the gradient of a layer is another than before: one window of accumulation is over."""
        if self._inside:
            return
        window = self._windows.get(layer.name)
        if window is None or window.steps != self.steps:
            self._windows[layer.name] = _Window(self.steps)
            return
        now = _sample(layer.weight)
        if window.seen is not None and not torch.equal(now, window.seen):
            window.moved += 1
        window.seen = now
        if window.moved >= _PATIENCE:
            raise self._unstepped(layer.name, "something else moves it")

    def other_stepped(self, other: Optimizer) -> None:
        """Notice a step of another optimizer."""
        if other is self.optimizer or not any(each in self._weights for each in _parameters(other)):
            return
        if innermost(other) is self.optimizer:
            return
        if self._others.get(other) == self.steps:
            mine = set(_parameters(other))
            name = next(layer.name for layer in self._layers if id(layer.weight) in mine)
            raise self._unstepped(name, f"another {type(other).__name__} trains it")
        self._others[other] = self.steps

    def _unstepped(self, name: str, what: str) -> ConfigError:
        return ConfigError(
            f"{name} is trained, but the optimizer given to sparsify ({type(self.optimizer).__name__}) is not stepped: "
            f"{what}, so that the topology is never updated; call sparse.attach(optimizer) with the optimizer whose "
            "step() is called once a step (optimizers that step inside the backward pass cannot be followed)"
        )

    def _begin(self, *_: Any) -> None:
        self._inside = True
        self._before()

    def _end(self, *_: Any) -> None:
        self.steps += 1
        self._inside = False
        self._after()


class _Window:
    """What was seen at the last beginnings of a layer's gradient, all after one and the same step."""

    def __init__(self, steps: int) -> None:
        self.steps, self.moved = steps, 0
        self.seen: Tensor | None = None


def _sample(weight: nn.Parameter) -> Tensor:
    """Some of the weights, spread over the layer."""
    values = in_memory_order(weight.detach())
    return values[:: max(1, values.numel() // _SAMPLE)].clone()


_LIVING: WeakSet[Attachment] = WeakSet()
_LISTENING: list[Any] = []


def _listen() -> None:
    if not _LISTENING:
        _LISTENING.append(register_optimizer_step_post_hook(_stepped))


def _stepped(optimizer: Optimizer, *_: Any) -> None:
    for attachment in list(_LIVING):
        attachment.other_stepped(optimizer)
