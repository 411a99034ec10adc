"""Narrower dense networks: as many weights as a sparse network of the same kind has, in layers of fewer channels.

The control that tells "sparse" from "small": every width is scaled by one factor, found so that the weights are as
many. Layers are found by one forward pass without values, each made to fit what reaches it, so branches that are added
or concatenated need no rule of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from vidsparse.sparsity.heads import heads
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.tracing import CONVS, on_meta
from vidsparse.utils.errors import ConfigError, first_line

NEAR: Final = 0.02  # how far from the weights that are wanted, as a share
CLOSE: Final = 0.01  # how near is near enough to look no further
_STEPS: Final = 6
Widths = Callable[[int], int]
_Layer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear


@dataclass(frozen=True)
class Fit:
    """One layer of a narrower network: channels that reach it and leave it, groups of its convolution."""

    inputs: int
    outputs: int
    groups: int = 1


def narrow(model: nn.Module, share: float) -> int:
    """Narrow an untrained network in place until it does without `share` of its prunable weights; returns the target.

    The target is all parameters less round(share · prunable weights): what a network of this sparsity keeps. Every
    width n becomes round(w n) with one w for all, then single widths move by one where that is nearer. Outputs of the
    network stay. Values are the first ones of the wide layers, times sqrt(n / n') for fan-ins n and n' (as a sparse
    layer's by `first_masks.rescale_fan_in`), so that what a neuron gets varies as before. Same seed, same values.

    Args:
        model: a network of `create_model`, whose `example_shape` says its input.
        share: 0 < share < 1.

    Raises:
        ConfigError: widths of this network cannot be scaled (heads of attention, tables of positions), or no widths
            come within 2 % of the target.
    """
    whole = sum(weight.numel() for weight in model.parameters())
    target = whole - round(share * sum(weight.numel() for weight in prunable(model).values()))
    kept = {name.rpartition(".")[0] for name in heads(model)}
    fits, count = _nearest(model, target, kept)
    if abs(count - target) > NEAR * target:
        raise ConfigError(
            f"model.narrowed={share:g}: the nearest widths leave {count:,} weights, and {target:,} are wanted; that is "
            f"more than {NEAR:.0%} apart"
        )
    modules = dict(model.named_modules())
    for name, fit in fits.items():
        _resize(modules[name], fit)
    return target


def _nearest(model: nn.Module, target: int, kept: set[str]) -> tuple[dict[str, Fit], int]:
    """The fits whose count of parameters is nearest to the target, of those that were tried, and that count."""
    factor, tried = 1.0, [(_scaled(1.0), *_count(model, _scaled(1.0), kept))]
    for _ in range(_STEPS):
        if abs(tried[-1][2] - target) <= CLOSE * target:
            break
        factor *= (target / tried[-1][2]) ** 0.5  # kernels are products of two widths
        tried.append((_scaled(factor), *_count(model, _scaled(factor), kept)))
    widths, fits, count = min(tried, key=lambda each: abs(each[2] - target))
    for size in sorted({_width(module) for module in model.modules() if isinstance(module, _Layer)}):
        if abs(count - target) <= CLOSE * target:
            break
        moved = _moved(widths, size, 1 if count < target else -1)
        other, found = _count(model, moved, kept)
        if abs(found - target) < abs(count - target):
            widths, fits, count = moved, other, found
    return fits, count


def _scaled(factor: float) -> Widths:
    return lambda size: max(1, round(factor * size))


def _moved(widths: Widths, one: int, by: int) -> Widths:
    return lambda size: max(1, widths(size) + by * (size == one))


def _width(layer: _Layer) -> int:
    return layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels


def _count(model: nn.Module, widths: Widths, kept: set[str]) -> tuple[dict[str, Fit], int]:
    """How each layer is narrowed so that one forward pass goes through, and how many parameters are left."""
    copy, fits = on_meta(model).train(), dict[str, Fit]()

    def fitting(name: str) -> Callable[[nn.Module, Any], None]:
        def fit(module: nn.Module, given: Any) -> None:
            if name not in fits:
                fits[name] = _fit(module, given[0], widths, name in kept)
                _resize(module, fits[name])

        return fit

    for name, module in copy.named_modules():
        module._forward_pre_hooks.clear()
        if isinstance(module, (*CONVS, nn.Linear, _BatchNorm, nn.LayerNorm)):
            module.register_forward_pre_hook(fitting(name))
    shape = (2, *getattr(model, "example_shape")[1:])  # noqa: B009  # mypy takes attributes for modules; norms want two
    try:
        with torch.no_grad():
            copy(torch.empty(shape, device="meta"))
    except Exception as error:  # whatever a forward pass says of channels that do not fit
        raise ConfigError(
            f"model.narrowed: the widths of {getattr(model, 'zoo_name', type(model).__name__)} cannot be scaled by one "
            f"factor ({first_line(error)}); convolutional networks can"
        ) from error
    return fits, sum(weight.numel() for weight in copy.parameters())


def _fit(module: nn.Module, x: Tensor, widths: Widths, kept: bool) -> Fit:
    last = isinstance(module, nn.Linear | nn.LayerNorm)
    inputs = x.shape[-1 if last else 1]
    if not isinstance(module, _Layer):
        return Fit(inputs, inputs)
    if not isinstance(module, nn.Linear) and module.groups > 1 and module.groups == module.in_channels:
        return Fit(inputs, inputs * (module.out_channels // module.in_channels), inputs)
    outputs = _width(module) if kept else widths(_width(module))
    groups = 1 if isinstance(module, nn.Linear) else module.groups
    return Fit(inputs, max(groups, outputs // groups * groups), groups)


@torch.no_grad()
def _resize(module: nn.Module, fit: Fit) -> None:
    """Cut a layer to its fit, in place."""
    if isinstance(module, _Layer):
        old = module.weight
        new = old[: fit.outputs, : fit.inputs // fit.groups].clone(memory_format=torch.contiguous_format)
        module.weight = nn.Parameter(new * (prod(old.shape[1:]) / max(1, prod(new.shape[1:]))) ** 0.5)
        if isinstance(module, nn.Linear):
            module.in_features, module.out_features = fit.inputs, fit.outputs
        else:
            module.in_channels, module.out_channels, module.groups = fit.inputs, fit.outputs, fit.groups
    elif isinstance(module, _BatchNorm):
        module.num_features = fit.outputs
        for name in ("running_mean", "running_var"):
            if (buffer := getattr(module, name)) is not None:
                setattr(module, name, buffer[: fit.outputs].clone())
    elif isinstance(module, nn.LayerNorm):
        module.normalized_shape = (fit.outputs,)
    for name in ("bias",) if isinstance(module, _Layer) else ("weight", "bias"):
        if (vector := getattr(module, name, None)) is not None:
            setattr(module, name, nn.Parameter(vector[: fit.outputs].clone()))
