"""Networks for images, seen frame by frame: the classics in the forms that CIFAR experiments use, and all of timm."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidsparse.models.adapt import adapted, over_frames
from vidsparse.utils.errors import ConfigError

_VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_RESNETS = {  # blocks and channels of each stage
    "cifar_resnet18": ((2, 2, 2, 2), (64, 128, 256, 512)),
    "cifar_resnet20": ((3, 3, 3), (16, 32, 64)),
    "cifar_resnet34": ((3, 4, 6, 3), (64, 128, 256, 512)),
    **{f"cifar_resnet{6 * n + 2}": ((n, n, n), (16, 32, 64)) for n in (5, 7, 9, 18)},
}


def build_vgg(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """VGG-16 for small images: 13 convolutions, a global average, one linear layer; `_bn` normalises each."""
    return adapted(Vgg16(num_classes, batch_norm=name.endswith("_bn")), over_frames)


def build_resnet(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """A residual network whose stem is one 3x3 convolution and no pool; modules bear torchvision's names."""
    return adapted(ResNet(*_RESNETS[name], num_classes, shortcut_pads=len(_RESNETS[name][0]) == 3), over_frames)


def build_vit(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """A vision transformer of 5.4 M parameters on patches of 4 pixels, 64 tokens for an image of 32."""
    import timm

    model: nn.Module = timm.create_model(
        "vit_tiny_patch16_224", num_classes=num_classes, img_size=size, patch_size=4, drop_path_rate=0.1
    )
    return adapted(model, over_frames)


def build_timm(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """timm/NAME, untrained. A network that is made for one size (a transformer) is made for this one.

    One black picture goes through it, because only that tells whether a network can take this size; else ConfigError.
    """
    import timm

    name = name.removeprefix("timm/")
    try:
        published = timm.get_pretrained_cfg(name)
    except RuntimeError as error:  # a tag that does not exist
        raise ConfigError(f"model.name: timm/{name}: {error}") from error
    settings: dict[str, Any] = {"img_size": size} if published and published.fixed_input_size else {}
    try:
        model: nn.Module = timm.create_model(name, pretrained=False, num_classes=num_classes, **settings)
        patch = getattr(getattr(model, "patch_embed", None), "patch_size", 1)
        side = patch if isinstance(patch, int) else patch[0]
        if size % side:
            raise ConfigError(f"model timm/{name} cuts frames into patches: its side is a multiple of {side} pixels")
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, size, size, device=next(model.parameters()).device))
    except (RuntimeError, AssertionError, ValueError) as error:
        why = next(iter(str(error).splitlines()), "it gives no reason")
        raise ConfigError(f"model timm/{name} cannot take frames of {size} x {size} pixels ({why})") from error
    return adapted(model.train(), over_frames)


class Vgg16(nn.Module):
    """Images (N, 3, H, W) -> logits (N, num_classes)."""

    def __init__(self, num_classes: int, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage in _VGG16:
            for width in stage:
                layers.append(nn.Conv2d(channels, width, 3, padding=1, bias=not batch_norm))
                layers += [nn.BatchNorm2d(width)] if batch_norm else []
                layers.append(nn.ReLU(inplace=True))
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels, num_classes)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, num_classes)."""
        logits: Tensor = self.classifier(self.features(images).mean((2, 3)))
        return logits


class ResNet(nn.Module):
    """Images (N, 3, H, W) -> logits (N, num_classes); every stage but the first halves the side."""

    def __init__(self, blocks: tuple[int, ...], widths: tuple[int, ...], num_classes: int, shortcut_pads: bool) -> None:
        super().__init__()
        channels = widths[0]
        self.conv1 = nn.Conv2d(3, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.stages = [f"layer{number}" for number in range(1, len(blocks) + 1)]
        for stage, count, width in zip(self.stages, blocks, widths, strict=True):
            stride = 1 if stage == "layer1" else 2
            first = Block(channels, width, stride, shortcut_pads)
            self.add_module(
                stage, nn.Sequential(first, *(Block(width, width, 1, shortcut_pads) for _ in range(count - 1)))
            )
            channels = width
        self.fc = nn.Linear(channels, num_classes)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, num_classes)."""
        x: Tensor = self.bn1(self.conv1(images)).relu()
        for stage in self.stages:
            x = self.get_submodule(stage)(x)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut: the identity, else a projection or, in option A, strides and zeros."""

    def __init__(self, channels: int, out: int, stride: int, pads: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride = stride
        changes = stride != 1 or channels != out
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
            if changes and not pads
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, out, H / stride, W / stride)."""
        y: Tensor = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self._shortcut(x)).relu()

    def _shortcut(self, x: Tensor) -> Tensor:
        if self.downsample is not None:
            short: Tensor = self.downsample(x)
            return short
        thinned = x[:, :, :: self.stride, :: self.stride]
        more = self.conv2.out_channels - self.conv1.in_channels
        return functional.pad(thinned, (0, 0, 0, 0, more // 2, more - more // 2))


def initialize(model: nn.Module) -> None:
    """Kaiming-normal convolutions by fan-out (He et al. 2015), unit norms, small linear layers, zero biases."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
