"""What a weight is worth: the scores by which connections are dropped and grown. The highest are kept or grown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # methods are listed by a command line that must not wait for torch
    from torch import Tensor


@dataclass(frozen=True)
class Candidates:
    """One layer at an update: weight (out, in, *kernel), its dense gradient if asked for, and a source of noise."""

    weight: "Tensor"
    gradient: "Tensor | None"
    noise: Callable[[], "Tensor"]


@dataclass(frozen=True)
class Score:
    """A rule Candidates -> Tensor of the weight's shape. `dense_gradient`: it looks at gradients of absent weights."""

    name: str
    rule: "Callable[[Candidates], Tensor]"
    dense_gradient: bool = False


def _gradient(layer: Candidates) -> "Tensor":
    assert layer.gradient is not None
    return layer.gradient.abs()


MAGNITUDE = Score("magnitude", lambda layer: layer.weight.abs())
RANDOM = Score("random", lambda layer: layer.noise())
GRADIENT = Score("gradient", _gradient, dense_gradient=True)
