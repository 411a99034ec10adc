"""The moving average of dense gradients, by which SNFS grows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vidsparse.sparsity.layer import Layer
from vidsparse.sparsity.selection import in_memory_order


def smooth(layers: Sequence[Layer], gradients: Sequence[Tensor], smoothing: float) -> None:
    """m ← smoothing · m + (1 - smoothing) · g for each layer (Dettmers and Zettlemoyer 2019, section 3.1).

    `gradients` are overwritten: they are first scaled as clipping and a gradient scaler scaled what the optimizer saw.
    """
    scale = _seen(layers, gradients)
    for layer, gradient in zip(layers, gradients, strict=True):
        if layer.momentum is None:
            layer.momentum = torch.zeros_like(gradient)
        layer.momentum.lerp_(gradient.mul_(scale), 1 - smoothing)


def _seen(layers: Sequence[Layer], gradients: Sequence[Tensor]) -> Tensor | float:
    """What the gradients of the present weights were multiplied by since they were summed; exactly 1 where nothing.

    The optimizer's gradient is zero where a weight is absent, so that products with the dense one leave those out.
    """
    products = []
    for layer, gradient in zip(layers, gradients, strict=True):
        if layer.weight.grad is not None:
            seen = in_memory_order(layer.weight.grad.to(gradient.dtype))
            products.append(torch.stack([seen.dot(seen), seen.dot(in_memory_order(gradient))]).double())
    if not products:
        return 1.0
    now, then = torch.stack(products).sum(0)
    return torch.where((then != 0) & then.isfinite(), now / then, 1.0)
