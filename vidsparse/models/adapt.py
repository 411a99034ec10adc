"""Give a stock network our input and output without renaming its parameters."""

from collections.abc import Callable
from functools import cache, partial
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
    model.__class__ = _adapted_class(type(model), adapter)  # type: ignore[arg-type]  # functions hash
    return model


@cache
def _adapted_class(stock: type[nn.Module], adapter: Adapter) -> type[nn.Module]:
    """A subclass of `stock` with the forward pass of `adapter`.

    A pickle finds classes by name, and this one has none of its own: it is pickled as what it is made of.
    """

    def forward(self: nn.Module, clips: Tensor) -> Outputs:
        return adapter(self, partial(stock.forward, self), clips)

    def reduce(self: nn.Module, protocol: int) -> Any:
        return _bare, _made_of(type(self)), object.__reduce_ex__(self, 2)[2]

    own = {"forward": forward, "__reduce_ex__": reduce, "__module__": stock.__module__, "_adapted": (stock, adapter)}
    return type(stock.__name__, (stock,), own)


def _made_of(kind: type[nn.Module]) -> tuple[Any, ...]:
    """The class that a network came with, and its adapters from the inside out."""
    if "_adapted" not in vars(kind):
        return (kind,)
    stock, adapter = vars(kind)["_adapted"]
    return *_made_of(stock), adapter


def _bare(kind: type[nn.Module], *adapters: Adapter) -> nn.Module:
    """An adapted network without anything in it yet."""
    for adapter in adapters:
        kind = _adapted_class(kind, adapter)  # type: ignore[arg-type]  # functions hash
    return kind.__new__(kind)


def over_frames(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """A network for images (N, 3, H, W) as one for clips: the mean of its logits over the frames, (B, classes)."""
    logits: Tensor = stock(clips.transpose(1, 2).flatten(0, 1))
    mean: Tensor = logits.unflatten(0, (clips.shape[0], -1)).mean(1)  # len() would fix the number of clips of an export
    return mean


def even_frames(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """A network that takes frames in pairs: an odd clip ends with its last frame twice, so T = 1 is a still pair."""
    odd = clips.shape[2] % 2
    logits: Tensor = stock(functional.pad(clips, (0, 0, 0, 0, 0, odd), mode="replicate") if odd else clips)
    return logits
