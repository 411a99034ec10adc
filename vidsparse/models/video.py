"""3-D networks from torchvision and pytorchvideo, for clips of any length and size.

Heads become global averages and short clips pass temporal max pools; parameters and their names stay those of the
stock networks, and so do the logits at native size, within 1e-5. Above native size the stock heads slide a window,
which weights inner positions more; a global average does not.
"""

import operator
import warnings
from collections.abc import Sequence
from math import ceil

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidsparse.models.adapt import Stock, adapted

_ALPHA = 4  # frames of SlowFast's fast pathway to one of the slow


def build_torchvision(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """A network of `torchvision.models.video`; `frames` and `size` leave it as it is."""
    from torchvision.models import video

    model: nn.Module = getattr(video, name)(weights=None, num_classes=num_classes)
    return fit_any_clip(model)


def build_pytorchvideo(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """A network of `pytorchvideo.models.hub`; convolutional, so `frames` and `size` leave it as it is.

    The stock heads of x3d and r2plus1d_r50 end in a softmax, in training too: `head_activation=None` gives logits.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script.*is deprecated", DeprecationWarning)
        from pytorchvideo.models import hub

    model: nn.Module = getattr(hub, name)(pretrained=False, model_num_class=num_classes, head_activation=None)
    for module in model.modules():
        if (
            getattr(getattr(module, "branch_fusion", None), "__name__", "") == "<lambda>"
        ):  # x + y, which no pickle takes
            setattr(module, "branch_fusion", operator.add)  # noqa: B010  # mypy takes attributes for modules
    return fit_any_clip(model)


def build_slowfast(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """slowfast_r50 of pytorchvideo on clips of the fast pathway; the slow one sees a quarter of their frames."""
    return adapted(build_pytorchvideo(name, num_classes, frames, size), _two_pathways)


def _two_pathways(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """Both pathways in a list made anew: the stock network writes into the one it gets.

    The slow pathway has ceil(T / 4) frames, spread evenly from the first to the last.
    """
    last = clips.shape[2] - 1
    slow = torch.linspace(0, last, ceil((last + 1) / _ALPHA), device=clips.device).long()
    logits: Tensor = stock([clips.index_select(2, slow), clips])
    return logits


def fit_any_clip(model: nn.Module) -> nn.Module:
    """Replace, in place, the pools that ask for a certain clip length or size; returns `model`.

    In these networks `AvgPool3d` occurs in heads only, sized to end at one position. No pool has parameters, so
    state-dict keys are unchanged.
    """
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.AvgPool3d):
                setattr(parent, name, nn.AdaptiveAvgPool3d(1))
            elif isinstance(child, nn.MaxPool3d):
                short = ShortClipMaxPool3d(child.kernel_size, child.stride, child.padding, ceil_mode=child.ceil_mode)
                setattr(parent, name, short)
    return model


class ShortClipMaxPool3d(nn.MaxPool3d):
    """Max pooling whose temporal window is cut to the frames that there are: a clip of one frame passes too."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T', H', W') with T' at least 1."""
        time, *side = _triple(self.kernel_size)
        frames = input.shape[2] + 2 * _triple(self.padding)[0]
        window = (min(time, frames), *side)
        return functional.max_pool3d(input, window, self.stride, self.padding, ceil_mode=self.ceil_mode)


def _triple(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value, value, value) if isinstance(value, int) else tuple(value)
