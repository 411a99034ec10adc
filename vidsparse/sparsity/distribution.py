"""How many weights each layer keeps. Counts are integers and exact in total: never a re-derived float sparsity."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import cycle
from math import floor, isfinite, prod
from typing import Any

from corruptions.open_table import OpenTable
from vidsparse.utils.errors import ConfigError

Shape = Sequence[int]
Power = Callable[[Shape], float]  # how dense a layer is beside others, by the shape of its weight


def _erk(shape: Shape) -> float:
    return sum(shape) / prod(shape)


def _er(shape: Shape) -> float:
    return (shape[0] + shape[1]) / (shape[0] * shape[1])


def _uniform(shape: Shape) -> float:
    return 1.0


def _made(name: str, thing: Any) -> Power:
    if not callable(thing):
        raise ConfigError(f"distribution {name}: it is a function of a weight's shape, not {thing!r}")
    power: Power = thing
    return power


DISTRIBUTIONS: OpenTable[Power] = OpenTable(
    "distribution", "docs/methods/README.md", ConfigError, _made, {"erk": _erk, "er": _er, "uniform": _uniform}
)


def allocate(
    shapes: Mapping[str, Shape], density: float, distribution: str | Power = "erk", dense: Collection[str] = ()
) -> dict[str, int]:
    """Non-zeros of each layer: {name: weight shape (out, in, *kernel)} -> {name: int}.

    A layer's density is min(1, ε·p): p is (Σ shape)/(Π shape) for "erk" (Evci et al. 2020, appendix; kernel sides
    count as in the paper), (out + in)/(out·in) for "er" (Mocanu et al. 2018, eq. 3), 1 for "uniform"; ε is solved
    so that the total is round(density · Σ Π shape) exactly, rounding by largest remainder.

    Args:
        shapes: weight shape of each prunable layer, at least two-dimensional.
        density: share of weights kept over all these layers, 0 < density <= 1.
        distribution: "erk", "er", "uniform", the name of a registered one, or p itself, a function of the shape.
        dense: names of layers that keep all their weights, which the others make up for.

    Raises:
        ConfigError: an unknown distribution, or one that gives a layer no number above 0; a density outside (0, 1], or
            so low that some layer would keep no weight at all.

    >>> allocate({"conv": (8, 3, 3, 3), "fc": (10, 72)}, 0.5)
    {'conv': 80, 'fc': 388}
    >>> allocate({"conv": (8, 3, 3, 3), "fc": (10, 72)}, 0.5, dense=["conv"])
    {'conv': 216, 'fc': 252}
    """
    if not 0 < density <= 1:
        raise ConfigError(f"density {density} is outside (0, 1]")
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    total, kept = round(density * sum(sizes.values())), sum(sizes[name] for name in dense)
    if kept >= total and len(dense) < len(sizes):
        raise ConfigError(
            f"density {density:g} is {total} weights, but the layers kept dense alone have {kept}: lower the sparsity, "
            "or set dense_in_budget=False"
        )
    wanted = layer_densities(shapes, density, distribution, dense)
    counts = _round_to_total({name: wanted[name] * sizes[name] for name in sizes}, sizes, total)
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        named = name_of(distribution)
        raise ConfigError(f"density {density:g} with {named} leaves layer {empty[0]} without a single weight")
    return counts


def layer_densities(
    shapes: Mapping[str, Shape], density: float, distribution: str | Power, dense: Collection[str] = ()
) -> dict[str, float]:
    """Real-valued density of each layer, before rounding; layers that would exceed 1 are fixed at 1 and ε re-solved."""
    rule = DISTRIBUTIONS.find(distribution)
    power = {name: rule(shape) for name, shape in shapes.items()}
    for name, value in power.items():
        if not isfinite(value) or value <= 0:
            raise ConfigError(f"distribution {name_of(distribution)} gives {value} for layer {name}: it is above 0")
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    full = set(dense)
    while len(full) < len(sizes):
        free = [name for name in sizes if name not in full]
        budget = density * sum(sizes.values()) - sum(sizes[name] for name in full)
        scale = budget / sum(power[name] * sizes[name] for name in free)
        highest = max(power[name] for name in free)
        if scale * highest <= 1:
            return {name: 1.0 if name in full else scale * power[name] for name in sizes}
        full |= {name for name in free if power[name] == highest}
    return dict.fromkeys(sizes, 1.0)


def name_of(distribution: str | Power) -> str:
    """What a distribution is called."""
    return distribution if isinstance(distribution, str) else getattr(distribution, "__name__", "own")


def constant_fan_in(shapes: Mapping[str, Shape], counts: Mapping[str, int]) -> dict[str, int]:
    """Weights of each neuron (first dimension), as near to the layer's count as equal neurons allow, at least one.

    >>> constant_fan_in({"conv": (8, 3, 3, 3), "fc": (10, 72)}, {"conv": 80, "fc": 388})
    {'conv': 10, 'fc': 39}
    """
    return {name: max(1, floor(counts[name] / shape[0] + 0.5)) for name, shape in shapes.items()}


def share_out(total: int, weights: Mapping[str, float], room: Mapping[str, int]) -> dict[str, int]:
    """`total` things among layers in proportion to `weights`, none more than its `room`; exact in total.

    What a full layer cannot take goes to the others in proportion. Weights that are all zero count as equal.

    >>> share_out(10, {"a": 1.0, "b": 1.0, "c": 3.0}, {"a": 9, "b": 9, "c": 4})
    {'a': 3, 'b': 3, 'c': 4}
    """
    wanted, free, left = dict.fromkeys(weights, 0.0), set(weights), float(total)
    while free:
        sum_free = sum(weights[name] for name in weights if name in free)
        part = {name: weights[name] / sum_free if sum_free else 1 / len(free) for name in weights if name in free}
        full = [name for name in part if left * part[name] >= room[name]]
        wanted |= {name: room[name] if full else left * part[name] for name in full or part}
        left -= sum(room[name] for name in full)
        free -= set(full or free)
    return _round_to_total(wanted, room, total)


def _round_to_total(wanted: Mapping[str, float], room: Mapping[str, int], total: int) -> dict[str, int]:
    counts = {name: min(floor(value + 1e-9), room[name]) for name, value in wanted.items()}
    missing = total - sum(counts.values())
    # layers of one shape have equal remainders but for rounding errors: the earlier one is served first
    for name in cycle(sorted(wanted, key=lambda name: round(counts[name] - wanted[name], 7))):
        if missing <= 0:
            break
        taken = counts[name] < room[name]
        counts[name] += taken
        missing -= taken
    assert sum(counts.values()) == total
    return counts
