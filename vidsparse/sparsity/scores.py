"""What a weight is worth: the scores by which connections are dropped and grown. The highest are kept or grown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from corruptions.open_table import OpenTable
from vidsparse.utils.errors import ConfigError

if TYPE_CHECKING:  # methods are listed by a command line that must not wait for torch
    from torch import Tensor


@dataclass(frozen=True)
class Candidates:
    """One layer at an update.

    `weight` (out, in, *kernel); `active` (bool) where it exists, `nonzero` times; `gradient` of the step just made,
    zero where there is no weight, None if the layer was not used; `dense_gradient` of all weights and `momentum`,
    its moving average, where the method asked for them; `noise` draws uniform numbers; `settings` are the method's own
    values of all its settings, by name. `allowed` (bool): where a weight may be at all, None for everywhere; as many as
    `lost` were where none may be, and are not active any more.
    """

    weight: "Tensor"
    active: "Tensor"
    nonzero: int
    gradient: "Tensor | None"
    dense_gradient: "Tensor | None"
    momentum: "Tensor | None"
    noise: Callable[[], "Tensor"]
    settings: Mapping[str, Any]
    allowed: "Tensor | None" = None
    lost: int = 0


@dataclass(frozen=True)
class Score:
    """A rule Candidates -> new Tensor of the weight's shape. `dense_gradient`: it sees gradients of absent weights."""

    name: str
    rule: "Callable[[Candidates], Tensor]"
    dense_gradient: bool = False


def _magnitude(layer: Candidates) -> "Tensor":
    return layer.weight.abs()


def _random(layer: Candidates) -> "Tensor":
    return layer.noise()


def _gradient(layer: Candidates) -> "Tensor":
    assert layer.dense_gradient is not None
    return layer.dense_gradient.abs()


def _momentum(layer: Candidates) -> "Tensor":
    """|m|, the size of the smoothed gradient (SNFS, Dettmers and Zettlemoyer 2019)."""
    assert layer.momentum is not None
    return layer.momentum.abs()


def _magnitude_and_gradient(layer: Candidates) -> "Tensor":
    """|w| + λ|g| (MEST, Yuan et al. 2021, eq. 1)."""
    if layer.gradient is None:
        return layer.weight.abs()
    return layer.gradient.abs().mul_(layer.settings["gradient_weight"]).add_(layer.weight.abs())


def _made(name: str, thing: Any) -> Score:
    """A row of the table from a Score or, for one that sees no gradients of absent weights, its rule alone."""
    made = thing if isinstance(thing, Score) else Score(name, thing)
    if not callable(made.rule):
        raise ConfigError(f"score {name}: its rule {made.rule!r} is no function of Candidates")
    return made


MAGNITUDE = Score("magnitude", _magnitude)
RANDOM = Score("random", _random)
GRADIENT = Score("gradient", _gradient, dense_gradient=True)
MOMENTUM = Score("momentum", _momentum, dense_gradient=True)
MAGNITUDE_AND_GRADIENT = Score("magnitude and gradient", _magnitude_and_gradient)
SCORES: OpenTable[Score] = OpenTable(
    "score",
    "vidsparse.sparsity.scores.SCORES",
    ConfigError,
    _made,
    {row.name: row for row in (MAGNITUDE, RANDOM, GRADIENT, MOMENTUM, MAGNITUDE_AND_GRADIENT)},
)
