"""How many weights each layer keeps. Counts are integers and exact in total: never a re-derived float sparsity."""

from collections.abc import Callable, Mapping, Sequence
from math import floor, prod

from vidsparse.errors import ConfigError

Shape = Sequence[int]


def _erk(shape: Shape) -> float:
    return sum(shape) / prod(shape)


def _er(shape: Shape) -> float:
    return (shape[0] + shape[1]) / (shape[0] * shape[1])


def _uniform(shape: Shape) -> float:
    return 1.0


DISTRIBUTIONS: dict[str, Callable[[Shape], float]] = {"erk": _erk, "er": _er, "uniform": _uniform}


def allocate(shapes: Mapping[str, Shape], density: float, distribution: str = "erk") -> dict[str, int]:
    """Non-zeros of each layer: {name: weight shape (out, in, *kernel)} -> {name: int}.

    A layer's density is min(1, ε·p): p is (Σ shape)/(Π shape) for "erk" (Evci et al. 2020, appendix; kernel sides
    count as in the paper), (out + in)/(out·in) for "er" (Mocanu et al. 2018, eq. 3), 1 for "uniform"; ε is solved
    so that the total is round(density · Σ Π shape) exactly, rounding by largest remainder.

    Args:
        shapes: weight shape of each prunable layer, at least two-dimensional.
        density: share of weights kept over all these layers, 0 < density <= 1.
        distribution: "erk", "er" or "uniform".

    Raises:
        ConfigError: a density outside (0, 1], or so low that some layer would keep no weight at all.

    >>> allocate({"conv": (8, 3, 3, 3), "fc": (10, 72)}, 0.5)
    {'conv': 80, 'fc': 388}
    """
    if not 0 < density <= 1:
        raise ConfigError(f"density {density} is outside (0, 1]")
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    wanted = layer_densities(shapes, density, distribution)
    counts = _round_to_total(
        {name: wanted[name] * sizes[name] for name in sizes}, sizes, round(density * sum(sizes.values()))
    )
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        raise ConfigError(f"density {density:g} with {distribution} leaves layer {empty[0]} without a single weight")
    return counts


def layer_densities(shapes: Mapping[str, Shape], density: float, distribution: str) -> dict[str, float]:
    """Real-valued density of each layer, before rounding; layers that would exceed 1 are fixed at 1 and ε re-solved."""
    power = {name: DISTRIBUTIONS[distribution](shape) for name, shape in shapes.items()}
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    dense: set[str] = set()
    while len(dense) < len(sizes):
        free = [name for name in sizes if name not in dense]
        budget = density * sum(sizes.values()) - sum(sizes[name] for name in dense)
        scale = budget / sum(power[name] * sizes[name] for name in free)
        highest = max(power[name] for name in free)
        if scale * highest <= 1:
            return {name: 1.0 if name in dense else scale * power[name] for name in sizes}
        dense |= {name for name in free if power[name] == highest}
    return dict.fromkeys(sizes, 1.0)


def _round_to_total(wanted: Mapping[str, float], sizes: Mapping[str, int], total: int) -> dict[str, int]:
    counts = {name: min(floor(value + 1e-9), sizes[name]) for name, value in wanted.items()}
    by_remainder = sorted(wanted, key=lambda name: counts[name] - wanted[name])
    for name in by_remainder * 2:
        if sum(counts.values()) >= total:
            break
        counts[name] += counts[name] < sizes[name]
    assert sum(counts.values()) == total
    return counts
