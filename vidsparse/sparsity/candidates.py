"""What an update looks at: the weights of each layer with their gradients."""

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn

from vidsparse.sparsity import processes
from vidsparse.sparsity.layer import Layer
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.scores import Candidates


def candidates(
    layers: Mapping[str, Layer], method: Method, noise: Callable[[str, nn.Parameter], Tensor]
) -> dict[str, Candidates]:
    """{name: its candidates} of every layer; all processes must call this."""
    wants_dense = method.dense_gradient and not method.smoothing
    dense = dense_gradients(layers) if wants_dense else [None] * len(layers)
    return {
        name: Candidates(
            layer.weight.detach(),
            layer.mask.bool(),
            layer.nonzero,
            layer.weight.grad,
            gradient,
            layer.momentum,
            partial(noise, name, layer.weight),
            method.gradient_weight,
        )
        for (name, layer), gradient in zip(layers.items(), dense, strict=True)
    }


def dense_gradients(layers: Mapping[str, Layer]) -> list[Tensor]:
    """The dense gradient of each layer, zero where it was not used, averaged over the processes."""
    gradients = [
        layer.new_like_weight().zero_() if layer.dense_gradient is None else layer.dense_gradient
        for layer in layers.values()
    ]
    processes.mean_(gradients)
    return gradients
