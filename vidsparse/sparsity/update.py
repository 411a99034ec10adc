"""One change of the topology: new masks from scores. Everything here is a function of its arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, isfinite

import torch
from torch import Tensor

from vidsparse.sparsity.distribution import share_out
from vidsparse.sparsity.fan_in import rewire_neurons
from vidsparse.sparsity.methods import Method
from vidsparse.sparsity.scores import Candidates, Score
from vidsparse.sparsity.selection import add_top_, candidates, count, partitioned, top


@dataclass(frozen=True)
class Update:
    """One change of the topology: after which optimizer step, share of connections dropped (those that were grown
    again at once included), connections that are gone, non-zeros afterwards.

    `fraction` is of all non-zeros of layers with a mask; the net change is `changed` alone.
    """

    step: int
    fraction: float
    changed: int
    nonzero: int


@dataclass(frozen=True)
class Plan:
    """What the update after `step` has to reach.

    `surplus`: non-zeros that are to go from all layers together. `target`: non-zeros of each layer in the end.
    `planned`: those of the distribution after this step. `heads`: the layers whose neurons, the classes, are never
    ablated.
    """

    step: int
    total_steps: int
    surplus: int
    target: Mapping[str, int]
    planned: Mapping[str, int]
    heads: frozenset[str]


@dataclass(frozen=True)
class Rewired:
    """What an update makes of the layers: bool `masks`, and how many connections were `dropped`, those that were grown
    again at once included. `kept` are the bool masks before growth, for a method with `reset_regrown`, else nothing.
    """

    masks: Mapping[str, Tensor]
    dropped: int
    kept: Mapping[str, Tensor]


def rewire(layers: Mapping[str, Candidates], method: Method, plan: Plan) -> Rewired:
    """The new topology of the layers, a function of their scores alone."""
    assert method.drop is not None
    assert method.grow is not None
    before = sum(layer.nonzero for layer in layers.values())
    fraction = method.fraction(plan.step, plan.total_steps)
    masks, before_growth, kept = {}, {}, 0
    if method.constant_fan_in:
        for name, layer in layers.items():
            fan_in = plan.target[name] // len(layer.weight)
            salient = 0.0 if name in plan.heads else method.min_salient
            drop, grow = method.drop.rule(layer), method.grow.rule(layer)
            masks[name], stayed = rewire_neurons(layer, drop, grow, fraction, fan_in, salient)
            kept += stayed
        return Rewired(masks, before - kept, {})
    left = {name: layer.nonzero for name, layer in layers.items()}
    if method.pruning == "global" and plan.surplus > 0:
        left = prune_globally(layers, method.drop, plan.surplus)
    for name, (keep, end) in _keep_and_end(layers, left, method, fraction, plan).items():
        layer = layers[name]
        masks[name] = _strongest(layer, method, keep)
        if method.reset_regrown:
            before_growth[name] = masks[name].clone()
        if end > keep:
            add_top_(masks[name], method.grow.rule(layer), end - keep)
        kept += keep
    return Rewired(masks, before - kept, before_growth)


def _strongest(layer: Candidates, method: Method, keep: int) -> Tensor:
    """The `keep` weights of highest drop score; with `signed_drop` the same share of both signs, 0 counted as above."""
    assert method.drop is not None
    scores = method.drop.rule(layer)
    if not method.signed_drop:
        return top(scores, keep, among=layer.active)
    positive = layer.active & (layer.weight >= 0)
    above, dropped = count(positive), layer.nonzero - keep
    keep_above = above - floor(dropped * above / max(1, layer.nonzero))
    return top(scores, keep_above, among=positive) | top(scores, keep - keep_above, among=layer.active & ~positive)


def prune_globally(layers: Mapping[str, Candidates], score: Score, surplus: int) -> dict[str, int]:
    """How many weights each layer has left without the `surplus` lowest, and at least a tenth of the density left.

    Of equal scores the earlier layers' stay.
    """
    total = sum(layer.weight.numel() for layer in layers.values())
    floor_density = (sum(layer.nonzero for layer in layers.values()) - surplus) / total / 10
    left, open_to_all = {}, {}
    for name, layer in layers.items():
        left[name] = min(layer.nonzero, max(1, floor(floor_density * layer.weight.numel())))
        place = layer.nonzero - left[name]
        open_to_all[name] = partitioned(candidates(score.rule(layer), layer.active), place)[:place]
    everything = torch.cat(list(open_to_all.values()))
    if surplus == everything.numel():
        return left
    lowest_kept = partitioned(everything, surplus)[surplus]
    missing = everything.numel() - surplus - count(everything > lowest_kept)
    for name, scores in open_to_all.items():
        ties = min(missing, count(scores == lowest_kept))
        left[name] += count(scores > lowest_kept) + ties
        missing -= ties
    return left


def _keep_and_end(
    layers: Mapping[str, Candidates], left: Mapping[str, int], method: Method, fraction: float, plan: Plan
) -> dict[str, tuple[int, int]]:
    """How many of the weights that pruning left each layer keeps, and how many it has after growing."""
    if method.pruning == "layer":
        return {name: (min(plan.planned[name], now), plan.planned[name]) for name, now in left.items()}
    if method.soft_bound:
        planned = plan.planned  # rounding may give a layer one less than its target
        return {name: (min(plan.target[name], planned[name], now), planned[name]) for name, now in left.items()}
    keep = {name: now - floor(fraction * now) for name, now in left.items()}
    if not method.redistribute:
        return {name: (keep[name], now) for name, now in left.items()}
    dropped = sum(left.values()) - sum(keep.values())
    room = {name: layer.weight.numel() - keep[name] for name, layer in layers.items()}
    grown = share_out(dropped, {name: _mean_momentum(layer) for name, layer in layers.items()}, room)
    return {name: (keep[name], keep[name] + grown[name]) for name in layers}


def _mean_momentum(layer: Candidates) -> float:
    """Mean |momentum| of the weights that exist; 0 where it is no number."""
    assert layer.momentum is not None
    mean = float(layer.momentum.abs().mul_(layer.active).sum(dtype=torch.float64)) / max(1, layer.nonzero)
    return mean if isfinite(mean) else 0.0
