"""Networks that give each pixel a class, seen frame by frame: float (B, 3, T, H, W) in, (B, num_classes, T, H, W) out.

Those with an auxiliary head (Zhao et al. 2017, Pyramid Scene Parsing Network, section 4) give a second map of the same
shape in training: (logits, auxiliary logits).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidsparse.models.adapt import Outputs, Stock, adapted
from vidsparse.models.images import initialize

AUXILIARY = "aux_classifier."  # what the parameters of an auxiliary head begin with
_UNET = (12, 24, 48, 96)  # channels of each level


def build_torchvision(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """A network of `torchvision.models.segmentation`, with its auxiliary head where it has one; nothing is fetched."""
    from torchvision.models import segmentation

    auxiliary = {} if name.startswith("lraspp") else {"aux_loss": True}
    build = getattr(segmentation, name)
    model: nn.Module = build(weights=None, weights_backbone=None, num_classes=num_classes, **auxiliary)
    _norm_single_values(model)
    return adapted(model, every_frame)


def build_unet(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """A U-Net of four levels, 12 to 96 channels: a quarter of a million parameters, for small frames."""
    return adapted(UNet(num_classes), every_frame)


def every_frame(model: nn.Module, stock: Stock, clips: Tensor) -> Outputs:
    """A network for images as one for clips: its maps of every frame; those of all heads in training."""
    said = stock(clips.transpose(1, 2).flatten(0, 1))
    maps = tuple(said.values()) if isinstance(said, Mapping) else (said,)
    maps = tuple(logits.unflatten(0, (-1, clips.shape[2])).transpose(1, 2) for logits in maps)  # B may be symbolic
    return maps if model.training and len(maps) > 1 else maps[0]


class SingleValueNorm(nn.BatchNorm2d):
    """Batch norm that, in training, normalises a single value a channel by the running statistics.

    The branch of DeepLab that pools a whole frame leaves one value a frame; of a batch of one frame there is no
    variance, and torch refuses it.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        if self.training and input.numel() == input.shape[1]:
            return functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(input)


def _norm_single_values(model: nn.Module) -> None:
    """Make every batch norm one that takes a single value; names, parameters and all else stay."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SingleValueNorm


class UNet(nn.Module):
    """Ronneberger et al. 2015, with padding, batch norm and bilinear growth: images (N, 3, H, W) -> (N, classes, H, W).

    Any side is taken: what is grown is brought to the side of what it is joined with.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        inputs = (3, *_UNET[:-1])
        self.down = nn.ModuleList(_convolutions(a, b) for a, b in zip(inputs, _UNET, strict=True))
        self.up = nn.ModuleList(_convolutions(a + b, a) for a, b in zip(_UNET[-2::-1], _UNET[:0:-1], strict=True))
        self.classifier = nn.Conv2d(_UNET[0], num_classes, 1)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, num_classes, H, W)."""
        levels: list[Tensor] = []
        x = images
        for block in self.down:
            x = block(functional.max_pool2d(x, 2) if levels else x)
            levels.append(x)
        for block, beside in zip(self.up, reversed(levels[:-1]), strict=True):
            grown = functional.interpolate(x, size=beside.shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([beside, grown], dim=1))
        logits: Tensor = self.classifier(x)
        return logits


def _convolutions(channels: int, out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (channels, out):
        layers += [nn.Conv2d(width, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
