"""Give a stock network our input and output without renaming its parameters."""

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

_Stock = nn.Module if TYPE_CHECKING else object  # at run time the stock class stands behind it


def adapted(model: nn.Module, adapter: type) -> nn.Module:
    """`model` itself, its `forward` wrapped by that of `adapter`, which calls the stock one by `super()`.

    A module around it would put a prefix before every parameter's name, and published checkpoints would not fit.
    """
    stock = type(model)
    model.__class__ = type(stock.__name__, (adapter, stock), {"__module__": stock.__module__})
    return model


class OverFrames(_Stock):
    """A network for images, (N, 3, H, W) in, as one for clips: the mean of its logits over the frames."""

    def forward(self, clips: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        logits: Tensor = super().forward(clips.transpose(1, 2).flatten(0, 1))
        return logits.unflatten(0, (len(clips), -1)).mean(1)


class EvenFrames(_Stock):
    """A network that takes frames in pairs: an odd clip ends with its last frame twice, so T = 1 is a still pair."""

    def forward(self, clips: Tensor) -> Tensor:
        """(B, 3, T, H, W) -> (B, classes)."""
        logits: Tensor = super().forward(evened(clips))
        return logits


def evened(clips: Tensor) -> Tensor:
    """(B, C, T, H, W) with an even T, the last frame repeated where it was odd."""
    odd = clips.shape[2] % 2
    return functional.pad(clips, (0, 0, 0, 0, 0, odd), mode="replicate") if odd else clips

