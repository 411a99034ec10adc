"""The moving average of dense gradients, by which SNFS grows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vidsparse.sparsity.layer import Layer


def smooth(layers: Sequence[Layer], gradients: Sequence[Tensor], smoothing: float) -> None:
    """m ← smoothing · m + (1 - smoothing) · g for each layer (Dettmers and Zettlemoyer 2019, section 3.1).

    `gradients` are overwritten: they are first scaled as clipping and a gradient scaler scaled what the optimizer saw.
    """
    scale = _seen(layers, gradients)
    for layer, gradient in zip(layers, gradients, strict=True):
        if layer.momentum is None:
            layer.momentum = torch.zeros_like(gradient)
        layer.momentum.mul_(smoothing).add_(gradient.mul_(scale), alpha=1 - smoothing)


def _seen(layers: Sequence[Layer], gradients: Sequence[Tensor]) -> Tensor:
    """What the gradients of the present weights were multiplied by since they were summed; exactly 1 where nothing."""
    pairs = [
        (layer.weight.grad, gradient.mul(layer.mask))
        for layer, gradient in zip(layers, gradients, strict=True)
        if layer.weight.grad is not None
    ]
    if not pairs:
        return torch.ones(())
    now = torch.stack([(grad * grad).sum(dtype=torch.float64) for grad, _ in pairs]).sum()
    then = torch.stack([(grad * summed).sum(dtype=torch.float64) for grad, summed in pairs]).sum()
    return torch.where(then == 0, 1.0, now / then)
