"""N:M sparsity: of each M weights that follow each other along the inputs of a neuron exactly N exist.

    sparse = sparsify(model, optimizer, TWO_OF_FOUR, sparsity=0.5, distribution="uniform")   # or, by name,
    # sparse: {method: "vidsparse.sparsity.n_of_m:TWO_OF_FOUR", sparsity: 0.5, distribution: uniform}

2:4 is what the sparse matrix units of GPUs since Ampere take (Mishra et al. 2021, "Accelerating Sparse Deep Neural
Networks", arXiv 2104.08378). Groups lie along the second dimension of a weight (out, in, *kernel), at each place of
the kernel apart, as in that paper and its public code (ASP). Reading this imports no torch.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import prod

from vidsparse.sparsity import counts
from vidsparse.sparsity.distribution import Power, Shape, name_of
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.methods import METHODS
from vidsparse.utils.errors import ConfigError


def n_of_m(n: int, m: int, base: str = "rigl") -> Method:
    """The row `base` under the pattern N:M, for `sparsify` or to be registered.

    An update drops the ⌊f(t) · non-zeros⌋ weights of lowest drop score of a layer; each group then grows by its own
    highest grow scores until it has N again, what it dropped among them.

    Args:
        n: weights that exist in a group, 0 < n < m.
        m: size of a group.
        base: a row that replaces the same share in each layer at constant density (rigl, set, mest, itop_g ...), or
            static.

    Raises:
        ConfigError: no such row or pattern, or one whose layers change their counts.

    >>> n_of_m(2, 4).name, n_of_m(1, 4, "static").pattern
    ('rigl_2_of_4', (1, 4))
    """
    row = METHODS.find(base)
    if not (isinstance(n, int) and isinstance(m, int) and 0 < n < m):
        raise ConfigError(f"n_of_m({n}, {m}): whole numbers, the first above 0 and below the second")
    free = row.constant_fan_in or row.channels or row.across_layers or row.initial_density or row.soft_bound
    if not row.sparse or free or row.density_over_time or row.counts is not counts.replaced:
        raise ConfigError(
            f"n_of_m: {base} changes how many weights a layer has, or their pattern; take rigl, set, mest"
        )
    where = "in groups of one pattern (Mishra et al. 2021, arXiv 2104.08378): ours"
    title, source = f"{row.title}, {n}:{m}", f"{row.source}; {where}"
    return replace(row, name=f"{row.name}_{n}_of_{m}", title=title, source=source, pattern=(n, m))


def pattern_counts(
    shapes: Mapping[str, Shape],
    pattern: tuple[int, int],
    sparsity: float,
    distribution: str | Power,
    dense: Collection[str],
) -> dict[str, int]:
    """Non-zeros of each layer, exact: all of its weights where inputs do not come in groups, or it is kept `dense`.

    Raises:
        ConfigError: another sparsity than that of the pattern, another distribution than uniform, or no layer fits.

    >>> pattern_counts({"conv": (8, 3, 3, 3), "fc": (10, 72)}, (2, 4), 0.5, "uniform", ())
    {'conv': 216, 'fc': 360}
    """
    n, m = pattern
    if abs(sparsity - (1 - n / m)) > 1e-9:
        raise ConfigError(f"sparsity={sparsity:g}: {n} of {m} weights are a sparsity of {1 - n / m:g}: say that")
    if distribution != "uniform":
        raise ConfigError(f"distribution={name_of(distribution)}: {n} of {m} weights are so in all layers: say uniform")
    if not any(name not in dense and fits(shape, m) for name, shape in shapes.items()):
        raise ConfigError(f"no layer has inputs in multiples of {m}, so that none can have {n} of {m} weights")
    return {
        name: prod(shape) // m * n if name not in dense and fits(shape, m) else prod(shape)
        for name, shape in shapes.items()
    }


def fits(shape: Shape, m: int) -> bool:
    """Whether the inputs of a weight come in groups of m.

    >>> fits((64, 3, 7, 7), 4), fits((64, 32, 3, 3), 4)
    (False, True)
    """
    return shape[1] % m == 0


TWO_OF_FOUR = n_of_m(2, 4)
ONE_OF_FOUR = n_of_m(1, 4)
