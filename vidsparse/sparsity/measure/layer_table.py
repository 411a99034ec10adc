"""What sparsity would save, and what became of the topology: FLOPs, memory and a table of layers.

All savings are theoretical. Masks are simulated here: weights, gradients and optimizer state are held dense, and the
masks beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.distribution import layer_densities
from vidsparse.sparsity.layer_selection import unwrap
from vidsparse.sparsity.measure.dead_channels import dead_channels
from vidsparse.sparsity.measure.flops import Flops, training_flops

if TYPE_CHECKING:
    from vidsparse.sparsity.topology import Topology

NEGLIGIBLE = 1 / 20  # of the median size of a layer's present weights
_INDEX = 4  # bytes of a column index or row pointer
_GRID = 33  # densities between which the FLOPs of a schedule are interpolated


@dataclass(frozen=True)
class Memory:
    """Bytes of tensors, held in three ways.

    `dense`; `bitmask`, the non-zero values and one bit a weight that says where they are (as Evci et al. 2020 report
    model sizes); `csr`, the values, a 32-bit column index each and a 32-bit pointer a row. A weight without zeros is
    held dense in all of them.
    """

    dense: int = 0
    bitmask: int = 0
    csr: int = 0

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.dense + other.dense, self.bitmask + other.bitmask, self.csr + other.csr)


def weight_memory(total: int, nonzero: int, rows: int, itemsize: int) -> Memory:
    """Bytes of one weight of `total` values in `rows` rows (output channels), `nonzero` of them not zero.

    >>> weight_memory(total=800, nonzero=80, rows=10, itemsize=4)
    Memory(dense=3200, bitmask=420, csr=684)
    """
    dense, values = total * itemsize, nonzero * itemsize
    if nonzero == total:
        return Memory(dense, dense, dense)
    return Memory(dense, values + -(-total // 8), values + _INDEX * (nonzero + rows + 1))


def model_memory(model: nn.Module, sparse: "Topology") -> tuple[Memory, Memory]:
    """Bytes of all parameters, and of what the optimizer keeps beside them (nothing before its first step).

    Optimizer state has the zeros of its weight and shares its indices.
    """
    counts, weights, states = sparse.counts(), Memory(), Memory()
    for name, weight in unwrap(model).named_parameters():
        total, size = weight.numel(), weight.element_size()
        nonzero = counts.get(name, total)
        weights += weight_memory(total, nonzero, len(weight) if weight.dim() else 1, size)
        kept = [value for value in sparse.optimizer.state.get(weight, {}).values() if isinstance(value, Tensor)]
        size = sum(value.element_size() for value in kept if value.shape == weight.shape and value.dim())
        states += Memory(total * size, nonzero * size, nonzero * size)
    return weights, states


def budget_of(sparse: "Topology") -> Budget:
    """The plan of a topology, from its first step to its last."""
    shapes = sparse.shapes()
    dense = frozenset(sparse.kept_dense) & set(shapes)
    return Budget(shapes, dense, sparse.method, sparse.sparsity, sparse.distribution, sparse.total_steps)


def forward_flops(flops: Flops, budget: Budget) -> dict[int, float]:
    """{step: FLOPs of a forward pass after it}, as schedule and distribution plan them.

    A schedule that changes the density has one entry an update; its FLOPs are interpolated between 33 densities.
    """
    method, target, total, shapes = budget.method, 1 - budget.sparsity, budget.total_steps, budget.shapes
    planned = {0: flops.sparse({name: count / prod(shapes[name]) for name, count in budget.after(0).items()})}
    density = {step: method.density(step, total, target) for step in method.update_steps(total)}
    if not density or set(density.values()) == {method.density(0, total, target)}:
        return planned
    grid = np.linspace(min(density.values()), max(density.values()), _GRID)
    every = [layer_densities(shapes, float(each), budget.distribution, budget.kept_dense) for each in grid]
    costs = [flops.sparse(each) for each in every]
    return planned | {step: float(np.interp(each, grid, costs)) for step, each in density.items()}


def training_cost(flops: Flops, budget: Budget, forward: Mapping[int, float]) -> float:
    """FLOPs of the whole training for a sample a step; `forward` as `forward_flops` plans it, or as it was."""
    total = budget.total_steps
    return training_flops(flops.dense, forward, total, budget.method.dense_gradient_steps(total))


def explored(sparse: "Topology") -> float:
    """Share of the weights of all masked layers that existed at some time (R_s of ITOP, Liu et al. 2021).

    Layers without a mask are dense all the time and would count as explored; 1 where no layer has a mask.
    """
    return _mean(sparse.explored(), _masked(sparse, sparse.sizes()))


def overlap(sparse: "Topology") -> float:
    """Share of the present weights, over all masked layers, that existed at the start; 1 where none has a mask."""
    return _mean(sparse.overlap(), _masked(sparse, sparse.counts()))


def coverage(sparse: "Topology") -> dict[str, int]:
    """Where sparsity is: layers with a mask and all prunable ones, weights in masked layers and in all."""
    sizes = sparse.sizes()
    inside = _masked(sparse, sizes)
    return {
        "layers": len(sizes),
        "masked_layers": len(inside),
        "masked_weights": sum(inside.values()),
        "weights": sum(sizes.values()),
    }


def effective_counts(sparse: "Topology") -> dict[str, int]:
    """{parameter name: present weights of at least a twentieth of the median size} of every layer in the budget.

    The others are there by the mask and do nothing: grown last, when the learning rate had fallen, they never left 0.
    The median is that of the sizes |w| of the layer's present weights, a twentieth a convention of ours.
    """
    found = {}
    masks = sparse.masks
    for name, weight in sparse.weights().items():
        sizes = weight.detach().abs().flatten().float()
        present = sizes[masks[name].flatten()] if name in masks else sizes
        found[name] = int((present >= NEGLIGIBLE * present.median()).sum()) if present.numel() else 0
    return found


def _masked(sparse: "Topology", values: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in values.items() if name in sparse.masked_layers}


def layer_table(model: nn.Module, sparse: "Topology", flops: Flops | None) -> list[dict[str, Any]]:
    """One row a prunable layer: what was planned, what is there, its FLOPs a sample, its dead channels."""
    shapes, counts, planned = sparse.shapes(), sparse.counts(), sparse.planned()
    explored, overlap, dead = sparse.explored(), sparse.overlap(), dead_channels(model)
    effective = effective_counts(sparse)
    rows = []
    for name, total in sparse.sizes().items():
        row: dict[str, Any] = {
            "name": name,
            "shape": "x".join(map(str, shapes[name])),
            "total": total,
            "planned": planned[name],
            "nonzero": counts[name],
            "effective": effective[name],
            "density": counts[name] / total,
            "explored": explored[name],
            "overlap": overlap[name],
            "outputs": len(dead[name].outputs),
            "dead_outputs": int(dead[name].outputs.sum()),
            "inputs": len(dead[name].inputs),
            "dead_inputs": int(dead[name].inputs.sum()),
        }
        if flops is not None:
            dense = flops.weights.get(name, 0)
            row |= {"flops_dense": dense, "flops_sparse": dense * counts[name] / total}
        rows.append(row)
    return rows


def _mean(shares: Mapping[str, float], weights: Mapping[str, int]) -> float:
    """The mean of some shares, by weight; 1 without any."""
    return sum(shares[name] * weight for name, weight in weights.items()) / sum(weights.values()) if weights else 1.0
