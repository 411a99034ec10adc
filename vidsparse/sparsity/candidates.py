"""What an update looks at: the weights of each layer with their gradients."""

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor, nn

from vidsparse.sparsity import distributed
from vidsparse.sparsity.method import Method
from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.sparse_weight import Layer


def candidates(
    layers: Mapping[str, Layer], method: Method, noise: Callable[[str, nn.Parameter], Tensor], steps: int
) -> dict[str, Candidates]:
    """{name: its candidates} of every layer, gradients over so many `steps`; all processes must call this."""
    wants_dense = method.dense_gradient and not method.smoothing
    dense = dense_gradients(layers, steps) if wants_dense else [None] * len(layers)
    return {
        name: Candidates(
            layer.weight.detach(),
            layer.mask.clone(),
            layer.nonzero,
            layer.weight.grad,
            gradient,
            layer.momentum,
            partial(noise, name, layer.weight),
            method.values,
        )
        for (name, layer), gradient in zip(layers.items(), dense, strict=True)
    }


def dense_gradients(layers: Mapping[str, Layer], steps: int = 1) -> list[Tensor]:
    """The dense gradient of each layer, averaged over the last `steps` steps and over the processes.

    A step in which a layer was not used counts as zero.
    """
    gradients = [layer.mean_gradient(steps) for layer in layers.values()]
    for layer in layers.values():
        layer.earlier = None
    distributed.mean_(gradients)
    return gradients
