"""The masks that a network begins with, and the draws behind everything random in a topology."""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from vidsparse.sparsity import distributed
from vidsparse.sparsity.counts import prune_globally, pruned_globally
from vidsparse.sparsity.fan_in import first_mask
from vidsparse.sparsity.mask_groups import highest
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.scores import MAGNITUDE, Candidates
from vidsparse.sparsity.selection import top
from vidsparse.utils.errors import ConfigError

Init = Literal["auto", "random", "magnitude"]
_TRAINED = "weights_were_trained"  # what `create_model` sets on a model that it gives weights


def known_init(init: Init, model: nn.Module) -> Literal["random", "magnitude"]:
    """`init`, or what "auto" is for this model; ConfigError for what is none of the three."""
    if init not in ("auto", "random", "magnitude"):
        raise ConfigError(f"init={init!r}: it is auto, random or magnitude")
    if init == "auto":
        return "magnitude" if getattr(model, _TRAINED, False) else "random"
    return init


def first_masks(
    weights: Mapping[str, nn.Parameter], counts: Mapping[str, int], method: Method, init: str, seed: int
) -> dict[str, Tensor]:
    """{name: bool mask} with `counts` weights of each layer, drawn (`random`) or the largest (`magnitude`).

    The largest of each layer, of each neuron or group where the method gives all the same number, or, where it prunes
    all layers together, of all layers in the way of its pruning: the total is then that of `counts`, not each layer's.
    """
    if init == "random":
        scores = {name: noise(seed, 0, name, weight) for name, weight in weights.items()}
        return {name: _best(each, counts[name], method) for name, each in scores.items()}
    if method.counts is pruned_globally:
        layers = {name: _dense(name, weight) for name, weight in weights.items()}
        surplus = sum(weight.numel() for weight in weights.values()) - sum(counts[name] for name in weights)
        counts = prune_globally(layers, MAGNITUDE, surplus) if surplus > 0 else counts
    masks = {name: _best(weight.detach().abs(), counts[name], method) for name, weight in weights.items()}
    return {name: distributed.mask_of_first(mask) for name, mask in masks.items()}


@torch.no_grad()
def rescale_fan_in(weights: Mapping[str, nn.Parameter], masks: Mapping[str, Tensor], init: str) -> None:
    """Multiply the weights of every neuron (first dimension) by sqrt(n / present), in place; n is its dense fan-in.

    So what a neuron gets at the start varies as in the dense network: a random initialisation takes its scale from
    n inputs, of which the mask leaves fewer (Evci et al. 2022, Gradient Flow in Sparse Neural Networks and How Lottery
    Tickets Win, section 3, who draw anew with each neuron's own fan-in; that is the same distribution).

    Raises:
        ConfigError: the masks keep the largest weights of a trained network, whose scale is learned.
    """
    if init != "random":
        raise ConfigError("rescale_init is for random weights and masks; trained ones have the scale that they learned")
    for name, mask in masks.items():
        present = mask.flatten(1).sum(1)
        scale = (mask[0].numel() / present.clamp_min(1)).sqrt()
        weights[name].mul_(scale.to(weights[name]).view(-1, *[1] * (mask.dim() - 1)))


def noise(seed: int, step: int, name: str, weight: Tensor) -> Tensor:
    """Uniform numbers that depend on (seed, step, layer) alone: the same on every device and process."""
    key = hashlib.blake2b(f"{seed}/{step}/{name}".encode(), digest_size=8).digest()
    drawn = _uniform(int.from_bytes(key, "little") >> 1, weight.shape)
    if weight.is_cpu and weight.is_contiguous():
        return drawn
    return torch.empty_like(weight, dtype=drawn.dtype, requires_grad=False).copy_(drawn)


def _uniform(seed: int, shape: torch.Size) -> Tensor:
    """What `torch.rand` draws by a generator of this seed."""
    if torch.get_default_dtype() != torch.float32:
        return torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    from vidsparse.sparsity import twister  # compiled: loaded in half a second

    return torch.from_numpy(twister.uniform(seed, shape.numel())).view(shape)


def _best(scores: Tensor, count: int, method: Method) -> Tensor:
    if method.pattern:
        return highest(scores, method.pattern)
    return first_mask(scores, count // len(scores)) if method.constant_fan_in else top(scores, count)


def _dense(name: str, weight: nn.Parameter) -> Candidates:
    everything = torch.ones_like(weight, dtype=torch.bool, requires_grad=False)
    draw = partial(noise, 0, 0, name, weight)
    return Candidates(weight.detach(), everything, weight.numel(), None, None, None, draw, {})
