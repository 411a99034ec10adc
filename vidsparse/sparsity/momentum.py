"""Dense gradients over several steps: the moving average by which SNFS grows, and the scale at which they are added."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vidsparse.sparsity import distributed
from vidsparse.sparsity.selection import in_memory_order
from vidsparse.sparsity.sparse_weight import Layer

_ENOUGH = 65_536  # weights of a layer that tell how its gradient was scaled


def smooth(layers: Sequence[Layer], gradients: Sequence[Tensor], smoothing: float) -> None:
    """m ← smoothing · m + (1 - smoothing) · g for each layer (Dettmers and Zettlemoyer 2019, section 3.1).

    `gradients` are overwritten: they are first scaled as clipping and a gradient scaler scaled what the optimizer saw.
    """
    _rescale([*gradients], _seen(layers, gradients))
    for layer, gradient in zip(layers, gradients, strict=True):
        if layer.momentum is None:
            layer.momentum = torch.zeros_like(gradient)
    momenta = [layer.momentum for layer in layers if layer.momentum is not None]
    torch._foreach_lerp_(momenta, [*gradients], 1 - smoothing)


def scale_as_seen(layers: Sequence[Layer]) -> None:
    """Scale the dense gradients of this step as clipping and a gradient scaler scaled what the optimizer saw, in place.

    So steps at which these scaled differently can be added up. Each of several processes scales its own.
    """
    used = [layer for layer in layers if layer.dense_gradient is not None]
    gradients = [layer.dense_gradient for layer in used if layer.dense_gradient is not None]
    if gradients:
        _rescale(gradients, _seen(used, gradients, shared=True))


def _rescale(gradients: list[Tensor], scale: Tensor) -> None:
    if not scale.is_cpu or scale != 1:
        torch._foreach_mul_(gradients, scale)


def _seen(layers: Sequence[Layer], gradients: Sequence[Tensor], shared: bool = False) -> Tensor:
    """What the gradients of the present weights were multiplied by since they were summed; exactly 1 where nothing.

    The optimizer's gradient is zero where a weight is absent, so that products with the dense one leave those out. The
    first weights of each layer are asked, and all where these have no gradient; on a GPU all at once, without a wait.
    """
    present = [
        (in_memory_order(layer.weight.grad), in_memory_order(gradient))
        for layer, gradient in zip(layers, gradients, strict=True)
        if layer.weight.grad is not None
    ]
    scale = torch.ones((), dtype=torch.float64, device=gradients[0].device)
    for enough in (_ENOUGH, None) if scale.is_cpu else (None,):
        products = [_products(seen[:enough].to(dense.dtype), dense[:enough]) for seen, dense in present]
        if not products:
            break
        total = torch.stack(products).sum(0)
        if shared:  # the optimizer saw the mean over processes of such gradients
            distributed.mean_([total])
        now, then = total
        known = (then != 0) & then.isfinite()
        scale = torch.where(known, now / then, scale)
        if enough and known:
            break
    return scale


def _products(seen: Tensor, dense: Tensor) -> Tensor:
    return torch.stack([seen.dot(seen), seen.dot(dense)]).double()
