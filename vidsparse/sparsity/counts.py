"""How many weights each layer keeps at an update, and how many it has after growing: the `counts` of methods.

Each is a function (layers, method, plan) -> {name: (keep, end)} of the candidates of every layer with a mask, the
method's row and the plan of the update. Reading this imports no torch, which the lists of methods do without.
"""

from collections.abc import Mapping
from math import floor, isfinite
from typing import Protocol

from vidsparse.sparsity.distribution import share_out
from vidsparse.sparsity.scores import Candidates, Score
from vidsparse.sparsity.update_plan import Plan

Pairs = dict[str, tuple[int, int]]
Layers = Mapping[str, Candidates]


class Rule(Protocol):
    """What is read of a method here; `method.Method` is one."""

    @property
    def drop(self) -> Score | None:
        """How weights are ranked that may go; None where the topology stays."""

    def fraction(self, step: int, total_steps: int) -> float:
        """Share 0 to 1 of a layer's non-zeros that the update after `step` replaces."""


def replaced(layers: Layers, method: Rule, plan: Plan) -> Pairs:
    """A layer drops the share f(t) of its weights and grows as many (SET, RigL, MEST)."""
    return _renewed({name: layer.nonzero for name, layer in layers.items()}, method, plan)


def softly_bound(layers: Layers, method: Rule, plan: Plan) -> Pairs:
    """A layer drops to its count in the end and grows to what is planned, which lies above it (MEST, soft bound)."""
    ends = plan.planned  # rounding may give a layer one less than its target
    return {name: (min(plan.target[name], ends[name], layer.nonzero), ends[name]) for name, layer in layers.items()}


def as_planned(layers: Layers, method: Rule, plan: Plan) -> Pairs:
    """A layer takes its count in the distribution, and grows only where that is above what it has (GMP)."""
    return {name: (min(plan.planned[name], layer.nonzero), plan.planned[name]) for name, layer in layers.items()}


def pruned_globally(layers: Layers, method: Rule, plan: Plan) -> Pairs:
    """The lowest of all layers together go; of what is left a layer renews the share f(t) (GraNet)."""
    assert method.drop is not None
    if plan.surplus <= 0:
        return replaced(layers, method, plan)
    return _renewed(prune_globally(layers, method.drop, plan.surplus), method, plan)


def shared_by_momentum(layers: Layers, method: Rule, plan: Plan) -> Pairs:
    """What all layers dropped is shared out anew, in proportion to the mean |momentum| of their weights (SNFS)."""
    keep = {name: kept for name, (kept, _) in replaced(layers, method, plan).items()}
    dropped = sum(layer.nonzero for layer in layers.values()) - sum(keep.values())
    room = {name: layer.weight.numel() - keep[name] for name, layer in layers.items()}
    grown = share_out(dropped, {name: _mean_momentum(layer) for name, layer in layers.items()}, room)
    return {name: (keep[name], keep[name] + grown[name]) for name in layers}


def within_channels(layers: Layers, method: Rule, plan: Plan) -> Pairs:
    """A layer renews the share f(t) of what its channels left it; all weights are shared out as planned anew.

    A layer has at most as many as lie between channels that stay; what it cannot take goes to the others.
    """
    total = sum(plan.planned[name] for name in layers)
    ends = share_out(total, {name: float(plan.planned[name]) for name in layers}, {n: _room(layers[n]) for n in layers})
    kept = {name: keep for name, (keep, _) in replaced(layers, method, plan).items()}
    return {name: (min(kept[name], ends[name]), ends[name]) for name in layers}


def _room(layer: Candidates) -> int:
    """How many weights a layer may have."""
    if layer.allowed is None:
        return layer.weight.numel()
    from vidsparse.sparsity.selection import count

    return count(layer.allowed)


def _renewed(left: Mapping[str, int], method: Rule, plan: Plan) -> Pairs:
    fraction = method.fraction(plan.step, plan.total_steps)
    return {name: (now - floor(fraction * now), now) for name, now in left.items()}


def prune_globally(layers: Mapping[str, Candidates], score: Score, surplus: int) -> dict[str, int]:
    """How many weights each layer has left without the `surplus` lowest, and at least a tenth of the density left.

    Of equal scores the earlier layers' stay.
    """
    import torch

    from vidsparse.sparsity.selection import candidates, count, partitioned

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


def _mean_momentum(layer: Candidates) -> float:
    """Mean |momentum| of the weights that exist; 0 where it is no number."""
    import torch

    assert layer.momentum is not None
    mean = float(layer.momentum.abs().mul_(layer.active).sum(dtype=torch.float64)) / max(1, layer.nonzero)
    return mean if isfinite(mean) else 0.0
