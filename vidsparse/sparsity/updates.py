"""One change of the topology: new masks from scores. Everything here is a function of its arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import floor, isfinite

import torch
from torch import Tensor

from vidsparse.sparsity.distribution import share_out
from vidsparse.sparsity.fan_in import rewire_neurons
from vidsparse.sparsity.methods import Method
from vidsparse.sparsity.scores import Candidates, Score
from vidsparse.sparsity.selection import add_top_, top


@dataclass(frozen=True)
class Plan:
    """What the update after `step` has to reach.

    `surplus`: non-zeros that are to go from all layers together. `target`: non-zeros of each layer in the end.
    `planned`: those of the distribution after this step. `last`: the layer whose neurons are never ablated.
    """

    step: int
    total_steps: int
    surplus: int
    target: Mapping[str, int]
    planned: Mapping[str, int]
    last: str


def rewire(layers: Mapping[str, Candidates], method: Method, plan: Plan) -> tuple[dict[str, Tensor], int]:
    """The new bool mask of each layer, and how many connections were dropped, those grown again at once included."""
    assert method.drop is not None
    assert method.grow is not None
    before = sum(layer.nonzero for layer in layers.values())
    fraction = method.fraction(plan.step, plan.total_steps)
    masks, kept = {}, 0
    if method.constant_fan_in:
        for name, layer in layers.items():
            fan_in = plan.target[name] // len(layer.weight)
            salient = 0.0 if name == plan.last else method.min_salient
            drop, grow = method.drop.rule(layer), method.grow.rule(layer)
            masks[name], stayed = rewire_neurons(layer, drop, grow, fraction, fan_in, salient)
            kept += stayed
        return masks, before - kept
    if method.pruning == "global" and plan.surplus > 0:
        layers = prune_globally(layers, method.drop, plan.surplus)
    for name, (keep, end) in _keep_and_end(layers, method, fraction, plan).items():
        layer = layers[name]
        masks[name] = top(method.drop.rule(layer), keep, among=layer.active)
        if end > keep:
            add_top_(masks[name], method.grow.rule(layer), end - keep)
        kept += keep
    return masks, before - kept


def prune_globally(layers: Mapping[str, Candidates], score: Score, surplus: int) -> dict[str, Candidates]:
    """The layers without the `surplus` weights of lowest score, each with at least a tenth of the density left."""
    total = sum(layer.weight.numel() for layer in layers.values())
    floor_density = (sum(layer.nonzero for layer in layers.values()) - surplus) / total / 10
    scores = {name: score.rule(layer) for name, layer in layers.items()}
    safe = {
        name: top(scores[name], min(layer.nonzero, max(1, floor(floor_density * layer.weight.numel()))), layer.active)
        for name, layer in layers.items()
    }
    open_to_all = {name: layer.active & ~safe[name] for name, layer in layers.items()}
    candidates = torch.cat([scores[name][where] for name, where in open_to_all.items()])
    keep = top(candidates, candidates.numel() - surplus)
    sizes = [int(where.count_nonzero()) for where in open_to_all.values()]
    pruned = {}
    for (name, where), part in zip(open_to_all.items(), keep.split(sizes), strict=True):
        active = safe[name].masked_scatter(where, part)
        pruned[name] = replace(layers[name], active=active, nonzero=int(active.count_nonzero()))
    return pruned


def _keep_and_end(
    layers: Mapping[str, Candidates], method: Method, fraction: float, plan: Plan
) -> dict[str, tuple[int, int]]:
    """How many weights each layer keeps at this update, and how many it has after growing."""
    if method.pruning == "layer":
        return {name: (min(plan.planned[name], layer.nonzero), plan.planned[name]) for name, layer in layers.items()}
    if method.soft_bound:
        return {name: (min(plan.target[name], layer.nonzero), plan.planned[name]) for name, layer in layers.items()}
    keep = {name: layer.nonzero - floor(fraction * layer.nonzero) for name, layer in layers.items()}
    if not method.redistribute:
        return {name: (keep[name], layer.nonzero) for name, layer in layers.items()}
    dropped = sum(layer.nonzero for layer in layers.values()) - sum(keep.values())
    room = {name: layer.weight.numel() - keep[name] for name, layer in layers.items()}
    grown = share_out(dropped, {name: _mean_momentum(layer) for name, layer in layers.items()}, room)
    return {name: (keep[name], keep[name] + grown[name]) for name in layers}


def _mean_momentum(layer: Candidates) -> float:
    """Mean |momentum| of the weights that exist; 0 where it is no number."""
    assert layer.momentum is not None
    mean = float(layer.momentum.abs().mul_(layer.active).sum(dtype=torch.float64)) / max(1, layer.nonzero)
    return mean if isfinite(mean) else 0.0
