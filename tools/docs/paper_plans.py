"""What the paper's settings make of each method on its two video networks: computed from the configs alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import floor, prod
from typing import Final

import torch

from tools.docs.corruption_pages import table
from vidsparse.config import Config
from vidsparse.config.change import changed
from vidsparse.config.compose import compose, shipped_configs
from vidsparse.loading import resolve, validate
from vidsparse.models.zoo import create_model
from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.methods import METHODS, Method
from vidsparse.training.topology_plan import Length, TopologyPlan, topology_plan

NETWORKS: Final = {"slow_r50": "ucf101_paper_resnet50", "i3d_r50": "ucf101_paper_i3d"}
SPARSITIES: Final = (0.1, 0.5)
CLIPS = 9_537  # training clips of UCF101's split 1, by its official list
HEAD: Final = (
    "method",
    "updates",
    "sum of fractions",
    "samples a growth sees",
    *(f"{what} at {sparsity:g}" for sparsity in SPARSITIES for what in ("masked", "dropped", "net")),
)
PLANS: Final = (
    "What the configs `ucf101_paper_resnet50*` (slow_r50) and `ucf101_paper_i3d*` (i3d_r50) make of each method on "
    "UCF101's split 1: 9,537 training clips, 596 steps of 16 an epoch, 100 epochs. Counted from the configs by "
    "`python scripts/docs.py`, no training needed. Masked: prunable layers with a mask, and the share of all prunable "
    "weights that they hold. Dropped: what all updates drop together, over the weights that the masked layers have in "
    "the end. Net: what of it is gone after the same update, because growth does not take it back at once; exact in "
    "expectation where growth is random, at most what is dropped where it is by gradient: there only training knows "
    "it, see below. What pruning takes (`gmp`, and `granet_*` on the way to the target) is in neither."
)


@dataclass(frozen=True)
class Turnover:
    """`masked` of `layers` hold `share` of the weights; all updates together drop `dropped` and lose `net`, in weights
    that are there in the end (`net` None: growth by gradient, which only training knows).
    """

    masked: int
    layers: int
    share: float
    dropped: float
    net: float | None


@cache
def paper_plans(network: str) -> str:
    """Return the table of all dynamic methods for one of NETWORKS."""
    dynamic = [name for name, row in METHODS.items() if row.dynamic]
    rows = [_row(network, name, "erk") for name in dynamic]
    return table(HEAD, [*rows, _row(network, "set", "uniform"), _row(network, "rigl", "uniform")])


_CLOCK: Final = (
    "Such a step takes 0 to 1 % more processor time than another for cifar_resnet20 at batch 16, and 1 % more for "
    "r3d_18 (8 x 112 px, batch 2): medians of 60 and 8 pairs, two runs, 1.007 and 1.002, 1.014 and 1.011, RigL .5, "
    "one thread (30 November 2026, `python -m pytest -s tests/speed/test_sparsity.py -k gathers`)."
)


def window_cost(network: str) -> str:
    """Return how many steps of the paper's setting compute and keep dense gradients for growth."""
    config = paper_config(network, "rigl", SPARSITIES[0])
    total, plan = _length(network, config).steps, _plan(network, config)
    dense = len(plan.method.dense_gradient_steps(total))
    return (
        f"It costs dense gradients in the steps before updates, {plan.method.grow_window} each: in the paper's setting "
        f"{dense:,} of {total:,} steps ({100 * dense / total:.0f} %), and a sum as large as the masked layers. {_CLOCK}"
    )


def _row(network: str, method: str, distribution: str) -> tuple[str, ...]:
    plan = _plan(network, paper_config(network, method, SPARSITIES[0], distribution))
    row, title = plan.method, method if distribution == "erk" else f"{method}, {distribution}"
    found = [turnover(network, method, sparsity, distribution) for sparsity in SPARSITIES]
    cells = [cell for each in found for cell in _cells(each)]
    fractions = f"{plan.fractions:.1f}" if row.drop_fraction or row.soft_bound else ""
    return (title, str(plan.updates), fractions if row.drop_fraction else "", _seen(row, plan.samples), *cells)


def _seen(row: Method, samples: int) -> str:
    return "" if not row.dense_gradient else "of all steps" if row.smoothing else f"{samples:,}"


def _cells(found: Turnover) -> tuple[str, str, str]:
    masked = f"{found.masked} of {found.layers}, {100 * found.share:.0f} %"
    if not found.dropped:
        return masked, "", ""
    return masked, f"{found.dropped:.2f}", "by gradient" if found.net is None else f"{found.net:.2f}"


@cache
def turnover(network: str, method: str, sparsity: float, distribution: str = "erk") -> Turnover:
    """Where masks are over the training, and what its updates drop and lose.

    Of a layer of N weights an update keeps m and grows g of the other N - m. Growth at random takes each of the others
    with probability g / (N - m), so that of k dropped ones k (1 - g / (N - m)) are gone. Layers that move weights to
    one another (GraNet, SNFS) count as one layer, for training alone says how many each has.
    """
    config = paper_config(network, method, sparsity, distribution)
    shapes, row, total = _shapes(network), _plan(network, config).method, _length(network, config).steps
    budget = Budget(shapes, frozenset(), row, sparsity, config.sparse.distribution, total)
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    masked = budget.sparse_layers()
    changes = planned_changes(budget, [masked] if row.across_layers else [[name] for name in masked])
    inside = _present(budget.target, masked)
    dropped, net = (sum(each) / inside for each in zip(*changes, strict=True)) if changes else (0.0, 0.0)
    random = row.grow is not None and row.grow.name == "random"
    share = sum(sizes[name] for name in masked) / sum(sizes.values())
    return Turnover(len(masked), len(sizes), share, dropped, net if random else None)


def planned_changes(budget: Budget, groups: Sequence[Sequence[str]]) -> list[tuple[int, float]]:
    """For each update of each group of layers: how many weights it drops, how many of them random growth leaves gone.

    Updates at which nothing is dropped are left out.
    """
    row, total, found = budget.method, budget.total_steps, []
    counts = {step: budget.after(step) for step in (0, *row.update_steps(total))}
    for group in groups:
        size = sum(prod(budget.shapes[name]) for name in group)
        target, now = _present(budget.target, group), _present(counts[0], group)
        for step in row.update_steps(total):
            after = _present(counts[step], group)
            before, now = now if row.soft_bound else after, after
            kept = min(target, after, before) if row.soft_bound else after - floor(row.fraction(step, total) * after)
            if before > kept:
                found.append((before - kept, (before - kept) * (1 - (after - kept) / (size - kept))))
    return found


def _present(counts: Mapping[str, int], names: Sequence[str]) -> int:
    return sum(counts[name] for name in names)


def paper_config(network: str, method: str, sparsity: float, distribution: str = "erk") -> Config:
    """The paper's config of a method on the real data, the shipped one where there is one, at this sparsity."""
    base = NETWORKS[network]
    own = f"{base}_{method}" if (shipped_configs() / f"{base}_{method}.yaml").is_file() else base
    composed, origin = _composed(own)
    chosen = {"sparse.method": method, "sparse.sparsity": sparsity, "sparse.distribution": distribution}
    config = resolve(changed(composed, chosen), origin)
    validate(config, origin)
    return config


@cache
def _composed(name: str) -> tuple[Config, dict[str, str]]:
    return compose(name, ["data.root=."])  # any root but the sample's: that of the real data


def short_run_settings(network: str, method: str, sparsity: float) -> dict[str, object]:
    """The settings of the paper's config as `sparsify` takes them."""
    return dict(_plan(network, paper_config(network, method, sparsity)).settings)


def _plan(network: str, config: Config) -> TopologyPlan:
    return topology_plan(config.sparse, _length(network, config))


def _length(network: str, config: Config) -> Length:
    return Length(config.training.batch_size, _steps_per_epoch(network), config.training.epochs)


def _steps_per_epoch(network: str) -> int:
    return CLIPS // paper_config(network, "static", SPARSITIES[0]).training.batch_size


@cache
def _shapes(network: str) -> dict[str, tuple[int, ...]]:
    data = paper_config(network, "static", SPARSITIES[0]).data
    with torch.device("meta"):
        model = create_model(network, 101, data.frames, data.size)
    return {name: tuple(weight.shape) for name, weight in prunable(model).items()}
