"""Products with masks of one byte a weight, in place; on one thread as fast as with masks in the weights' own dtype.

torch multiplies a float by a bool on the CPU two to ten times slower than by a float. A compiled pass reads the byte
as the 0 or 1 that it is, so that a mask need not be kept in four. It uses one thread whatever torch has, so that
torch's product of floats is ahead again where several threads share millions of weights. Every result is that of the
product: NaN stays NaN, and what was negative becomes -0.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor

from vidsparse.sparsity.selection import in_memory_order

_BITS = {torch.float32: 32, torch.float64: 64}


def mask_(value: Tensor, mask: Tensor) -> None:
    """value ← value · mask, in place and counted by autograd as a write.

    Args:
        value: floating, any shape, layout and device; where it needs a gradient, autograd sees the product.
        mask: bool, of the same shape and on the same device.

    Raises:
        ValueError: it is not; nothing is read or written then.

    >>> weights = torch.tensor([1.0, -2.0, 3.0])
    >>> mask_(weights, torch.tensor([True, False, True]))
    >>> weights
    tensor([1., -0., 3.])
    """
    _check(value, mask)
    if _by_address(value, mask):
        _kernels().multiply[_BITS[value.dtype]](value.data_ptr(), mask.data_ptr(), value.numel())
        torch.autograd.graph.increment_version(value)
    else:
        value.mul_(mask.to(value.dtype) if value.is_cpu else mask)


def lift_(value: Tensor, mask: Tensor) -> None:
    """value ← 1 where `mask` (bool) is false, in place; as `mask_` otherwise.

    >>> squares = torch.tensor([0.25, 0.0, 4.0])
    >>> lift_(squares, torch.tensor([True, False, True]))
    >>> squares
    tensor([0.2500, 1.0000, 4.0000])
    """
    _check(value, mask)
    if _by_address(value, mask):
        _kernels().lift[_BITS[value.dtype]](value.data_ptr(), mask.data_ptr(), value.numel())
        torch.autograd.graph.increment_version(value)
    else:
        value.masked_fill_(~mask, 1)


@cache
def _kernels() -> Any:
    """The compiled passes, loaded in half a second where they are first wanted."""
    from vidsparse.sparsity import mask_kernels

    return mask_kernels


def _check(value: Tensor, mask: Tensor) -> None:
    """The compiled passes read as many bytes of the mask as there are values, whatever lies there."""
    if mask.dtype != torch.bool or mask.shape != value.shape or mask.device != value.device:
        raise ValueError(
            f"a mask is bool and of the shape and on the device of its values ({tuple(value.shape)}, {value.device}); "
            f"this one is {mask.dtype} {tuple(mask.shape)} on {mask.device}"
        )


def _by_address(value: Tensor, mask: Tensor) -> bool:
    """Whether both lie on the CPU in one order and without gaps, and autograd need not see the product."""
    if not (value.is_cpu and mask.is_cpu) or value.dtype not in _BITS:
        return False
    if value.layout != torch.strided or mask.layout != torch.strided:
        return False
    if value.requires_grad and torch.is_grad_enabled():
        return False
    if value.is_contiguous():
        return mask.is_contiguous()
    return value.stride() == mask.stride() and in_memory_order(value).data_ptr() == value.data_ptr()
