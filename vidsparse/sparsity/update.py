"""One change of the topology: new masks from scores. Everything here is a function of its arguments."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from torch import Tensor

from vidsparse.sparsity.fan_in import rewire_neurons
from vidsparse.sparsity.mask_groups import rewire_groups
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.selection import add_top_, count, top
from vidsparse.sparsity.update_plan import Plan
from vidsparse.utils.errors import ConfigError


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
    before = sum(layer.nonzero + layer.lost for layer in layers.values())
    masks, before_growth, kept = {}, {}, 0
    if method.constant_fan_in or method.pattern:
        for name, layer in layers.items():
            masks[name], stayed = _evenly(name, layer, method, plan)
            kept += count(stayed)
            if method.reset_regrown:
                before_growth[name] = stayed
        return Rewired(masks, before - kept, before_growth)
    for name, (keep, end) in _keep_and_end(layers, method, plan).items():
        layer = layers[name]
        masks[name] = _strongest(layer, method, keep)
        if method.reset_regrown:
            before_growth[name] = masks[name].clone()
        if end > keep:
            _grow(masks[name], method.grow.rule(layer), end - keep, layer.allowed)
        kept += keep
    return Rewired(masks, before - kept, before_growth)


def _evenly(name: str, layer: Candidates, method: Method, plan: Plan) -> tuple[Tensor, Tensor]:
    """A new mask of as many weights in each neuron or group, and that of the weights that stay."""
    assert method.drop is not None
    assert method.grow is not None
    fraction = method.fraction(plan.step, plan.total_steps)
    drop, grow = method.drop.rule(layer), method.grow.rule(layer)
    if method.pattern:
        return rewire_groups(layer, drop, grow, fraction, method.pattern)
    salient = 0.0 if name in plan.heads else method.min_salient
    return rewire_neurons(layer, drop, grow, fraction, plan.target[name] // len(layer.weight), salient)


def _grow(mask: Tensor, scores: Tensor, number: int, allowed: Tensor | None) -> None:
    if allowed is None:
        add_top_(mask, scores, number)
    else:
        taken = ~allowed | mask
        add_top_(taken, scores, number)
        mask |= taken & allowed


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


def _keep_and_end(layers: Mapping[str, Candidates], method: Method, plan: Plan) -> dict[str, tuple[int, int]]:
    """What the counts of the method say; ConfigError where a layer could not have so many weights."""
    said = method.counts(layers, method, plan)
    for name, layer in layers.items():
        keep, end = said.get(name, (-1, -1))
        if not (0 <= keep <= min(end, layer.nonzero) and end <= layer.weight.numel()):
            has = f"{layer.nonzero} of {layer.weight.numel()} weights"
            raise ConfigError(
                f"{method.name}: its counts keep {keep} and end with {end} weights of layer {name}, which has {has}"
                if name in said
                else f"{method.name}: its counts say nothing of layer {name}"
            )
    return {name: said[name] for name in layers}
