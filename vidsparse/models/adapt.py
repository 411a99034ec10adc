"""Give a stock network our input and output without renaming its parameters."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

Stock = Callable[[Any], Any]  # the forward pass that a network came with
Outputs = Tensor | tuple[Tensor, ...]  # logits, and in training those of an auxiliary head after them
Adapter = Callable[[nn.Module, Stock, Tensor], Outputs]  # of the network, that pass and clips (B, 3, T, H, W)


def adapted(model: nn.Module, adapter: Adapter) -> nn.Module:
    """`model` itself, whose forward pass is now `adapter`'s; it becomes an instance of a subclass of its own class.

    A module around it would put a prefix before every parameter's name, and published checkpoints would not fit.
    """
    stock = type(model)

    def forward(self: nn.Module, clips: Tensor) -> Outputs:
        return adapter(self, partial(stock.forward, self), clips)

    model.__class__ = type(stock.__name__, (stock,), {"forward": forward, "__module__": stock.__module__})
    return model


def over_frames(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """A network for images (N, 3, H, W) as one for clips: the mean of its logits over the frames, (B, classes)."""
    logits: Tensor = stock(clips.transpose(1, 2).flatten(0, 1))
    mean: Tensor = logits.unflatten(0, (len(clips), -1)).mean(1)
    return mean


def even_frames(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """A network that takes frames in pairs: an odd clip ends with its last frame twice, so T = 1 is a still pair."""
    odd = clips.shape[2] % 2
    logits: Tensor = stock(functional.pad(clips, (0, 0, 0, 0, 0, odd), mode="replicate") if odd else clips)
    return logits
