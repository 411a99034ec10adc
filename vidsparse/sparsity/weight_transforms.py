"""Layers whose forward pass changes the weight: what is trained there, and whether its zeros are still zeros in use.

Weight and spectral normalisation scale a weight, so that masks of the trained tensor hold for the one in use. A
standardised weight has a mean taken off, and a zero becomes something else: no mask that a checkpoint could carry would
hold, and such layers are found by trying them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils import parametrize, prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm
from torch.overrides import TorchFunctionMode

PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_STOCK = tuple(kind.forward for kind in _KINDS)
_STOCK_CONV = tuple(kind._conv_forward for kind in _KINDS if hasattr(kind, "_conv_forward"))
_SCALING = (WeightNorm, SpectralNorm)
_PRODUCTS = {
    *(getattr(functional, f"conv{kind}{dims}d") for kind in ("", "_transpose") for dims in (1, 2, 3)),
    *(functional.linear, functional.bilinear),
    *(getattr(torch, name) for name in ("matmul", "mm", "bmm", "addmm", "baddbmm", "einsum", "tensordot")),
    *(getattr(Tensor, name) for name in ("matmul", "mm", "bmm", "__matmul__", "__rmatmul__")),
}


def trained(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """(name below the module, tensor) that is trained for each weight of a convolution, linear or attention layer.

    The tensor is None where the weight is computed from others of other shapes.
    """
    kinds: tuple[str, ...] = ("weight",) if isinstance(module, _ConvNd | nn.Linear) else ()
    for kind in PROJECTIONS if isinstance(module, nn.MultiheadAttention) else kinds:
        if parametrize.is_parametrized(module, kind):
            parts: Any = module.parametrizations
            shape = _in_use(module, kind).shape
            fitting = [key for key, value in parts[kind]._parameters.items() if value.shape == shape]
            name = f"parametrizations.{kind}.{fitting[-1]}" if fitting else kind
            yield name, parts[kind]._parameters[fitting[-1]] if fitting else None
            continue
        stored = next((key for key in (kind, f"{kind}_orig", f"{kind}_v") if key in module._parameters), None)
        if stored is not None:
            yield stored, module._parameters[stored]
        elif isinstance(value := getattr(module, kind, None), Tensor) and value.requires_grad:
            yield kind, None


def holder(model: nn.Module, name: str) -> nn.Module:
    """The layer whose weight the parameter called `name` is, or is behind."""
    before, found, _ = f".{name}".partition(".parametrizations.")
    return model.get_submodule(before[1:] if found else name.rpartition(".")[0])


def unfit(model: nn.Module, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, why) of those of these weights whose zeros are something else when they are used."""
    for name in names:
        module = holder(model, name)
        if (why := _why_unfit(module, name.rpartition(".")[2], name)) is not None:
            yield name, why


def _why_unfit(module: nn.Module, key: str, name: str) -> str | None:
    hooks = [*module._forward_pre_hooks.values()]
    if any(isinstance(hook, prune.BasePruningMethod) for hook in hooks):
        return "torch.nn.utils.prune masks it already; make that permanent first, with prune.remove"
    if ".parametrizations." in f".{name}":
        return None if _parametrization_keeps_zeros(module, name) else "its parametrization does not keep zeros"
    if key != "weight" and key not in PROJECTIONS:
        known = any(isinstance(hook, _SCALING) for hook in hooks)
        return None if known else "a hook computes it, which nobody here knows"
    if key not in module._parameters:
        return "it is computed from tensors of other shapes"
    if not isinstance(module, _ConvNd | nn.Linear) or _is_stock(module):
        return None
    return _tried(module)


def _is_stock(module: nn.Module) -> bool:
    """Whether a layer computes as torch's own, which uses its weight as it is."""
    kind: Any = type(module)
    own_pass = "forward" in vars(module) or kind.forward not in _STOCK
    own_convolution = hasattr(kind, "_conv_forward") and kind._conv_forward not in _STOCK_CONV
    return not own_pass and not own_convolution


def _parametrization_keeps_zeros(module: nn.Module, name: str) -> bool:
    _, kind, key = name.rsplit(".", 2)
    parts: Any = module.parametrizations
    weight = parts[kind]._parameters[key]
    with _zeros_in(module, weight) as mask:
        try:
            value = _in_use(module, kind)
        except Exception:  # a parametrization of anybody's that minds such values
            return False
    kept = value.shape == weight.shape and not value[~mask].any()
    return kept and 2 * int(value.count_nonzero()) > int(mask.count_nonzero())  # not zero altogether


def _tried(module: Any) -> str | None:
    """Why a layer with a forward pass of its own cannot be masked, found by calling it on noise; None if it can."""
    weight = module.weight
    with _zeros_in(module, weight) as mask, _Operands(weight.numel()) as seen:
        try:
            module(_example(module))
        except Exception:  # it takes other arguments
            return f"{type(module).__name__} has a forward pass of its own, which could not be tried"
    used = [operand for operand in seen.operands if operand.numel() == weight.numel()]
    if not used:
        return f"{type(module).__name__} has a forward pass of its own, in which the weight was not found"
    if any(int(operand.count_nonzero()) > int(mask.count_nonzero()) for operand in used):
        return f"the forward pass of {type(module).__name__} changes it, so that zeros do not stay zeros"
    return None


def _example(module: Any) -> Tensor:
    if isinstance(module, nn.Linear):
        shape: tuple[int, ...] = (2, module.in_features)
    else:
        reach = zip(module.kernel_size, module.dilation, strict=True)
        shape = (2, module.in_channels, *(dilation * (size - 1) + 3 for size, dilation in reach))
    return torch.ones(shape, device=module.weight.device, dtype=module.weight.dtype)


class _Operands(TorchFunctionMode):
    """Notes what takes part in products."""

    def __init__(self, numel: int) -> None:
        super().__init__()
        self.operands: list[Tensor] = []
        self._numel = numel

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _PRODUCTS:
            flat = [part for each in args for part in (each if isinstance(each, list | tuple) else [each])]
            tensors = [each for each in (*flat, *(kwargs or {}).values()) if isinstance(each, Tensor)]
            self.operands += [each.detach().clone() for each in tensors if each.numel() == self._numel]
        return func(*args, **(kwargs or {}))


@contextmanager
def _zeros_in(module: nn.Module, weight: Tensor) -> Iterator[Tensor]:
    """A third of a weight is zero in the body, the rest noise, and `module` in evaluation mode; then all is as before.

    Gives the bool mask of those that are not.
    """
    modes = [(each, each.training) for each in module.modules()]
    values = weight.data
    mask = (torch.arange(weight.numel(), device=weight.device) % 3 != 0).view(weight.shape)
    devices = [weight.device] if weight.is_cuda else []
    buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        with torch.random.fork_rng(devices), torch.no_grad():
            drawn = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)).to(values)
            weight.data = torch.empty_like(values).copy_(drawn * mask)
            module.eval()
            yield mask
    finally:
        weight.data = values
        for each, training in modes:
            each.training = training
        for buffer, before in buffers:
            if not torch.equal(buffer, before):
                buffer.data.copy_(before)


def _in_use(module: nn.Module, kind: str) -> Tensor:
    """The weight as the forward pass sees it, in evaluation mode, so that no statistics move."""
    modes = [(each, each.training) for each in module.modules()]
    try:
        with torch.no_grad():
            value: Tensor = getattr(module.eval(), kind)
    finally:
        for each, training in modes:
            each.training = training
    return value
