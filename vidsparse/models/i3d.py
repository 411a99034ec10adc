"""Inception-v1 inflated to three dimensions (Carreira and Zisserman 2017, figure 3).

12.3 M parameters and 1025 a class. The branches are those of GoogLeNet (Szegedy et al. 2015, table 1). Modules bear
the names of the paper's figure as circulating checkpoints spell them. Padding is TensorFlow's SAME, so a clip of any
length and size passes.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

# A module and the channels of its branches: 1x1x1; 1x1x1 then 3x3x3; 1x1x1 then 3x3x3; pool then 1x1x1.
_BEFORE_POOL_4 = {"Mixed_3b": (64, 96, 128, 16, 32, 32), "Mixed_3c": (128, 128, 192, 32, 96, 64)}
_BEFORE_POOL_5 = {
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
}
_LAST = {"Mixed_5b": (256, 160, 320, 32, 128, 128), "Mixed_5c": (384, 192, 384, 48, 128, 128)}


def build(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """The network; `frames` and `size` leave it as it is."""
    return I3D(num_classes)


class I3D(nn.Sequential):
    """(B, 3, T, H, W) -> logits (B, num_classes), the mean over positions; dropout 0.5 before the last layer."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, stride=2)
        self.MaxPool3d_2a_3x3 = SamePool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64, 1)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        self.MaxPool3d_3a_3x3 = SamePool((1, 3, 3), (1, 2, 2))
        channels = self._add(192, _BEFORE_POOL_4)
        self.MaxPool3d_4a_3x3 = SamePool((3, 3, 3), (2, 2, 2))
        channels = self._add(channels, _BEFORE_POOL_5)
        self.MaxPool3d_5a_2x2 = SamePool((2, 2, 2), (2, 2, 2))
        channels = self._add(channels, _LAST)
        self.dropout = nn.Dropout(0.5)
        self.logits = Head(channels, num_classes)

    def _add(self, channels: int, modules: Mapping[str, tuple[int, ...]]) -> int:
        for name, branches in modules.items():
            self.add_module(name, Mixed(channels, branches))
            channels = branches[0] + branches[2] + branches[4] + branches[5]
        return channels


class Unit(nn.Module):
    """Convolution without bias, batch norm, ReLU."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(channels, out, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(out, eps=0.001, momentum=0.01)
        nn.init.trunc_normal_(self.conv3d.weight, std=(2 / self.conv3d.weight[0].numel()) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, out, T / stride, H / stride, W / stride), rounded up."""
        out: Tensor = self.bn(self.conv3d(same(x, self.conv3d.kernel_size, self.conv3d.stride)))
        return out.relu()


class SamePool(nn.Module):
    """Max pooling whose output has ceil(n / stride) positions along each axis."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W), not negative, to fewer positions."""
        return functional.max_pool3d(same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """The inception module: four branches side by side."""

    def __init__(self, channels: int, branches: tuple[int, ...]) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = branches
        self.b0 = Unit(channels, b0, 1)
        self.b1a, self.b1b = Unit(channels, b1a, 1), Unit(b1a, b1b, 3)
        self.b2a, self.b2b = Unit(channels, b2a, 1), Unit(b2a, b2b, 3)
        self.b3a, self.b3b = SamePool((3, 3, 3), (1, 1, 1)), Unit(channels, b3b, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T, H, W) -> (B, sum of the branches, T, H, W)."""
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], 1)


class Head(nn.Module):
    """A 1x1x1 convolution on the mean over time and space."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(channels, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T, H, W) -> (B, num_classes)."""
        out: Tensor = self.conv3d(x.mean((2, 3, 4), keepdim=True))
        return out.flatten(1)


def same(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Zeros around T, H, W so that windows of `kernel` at every `stride` begin in all of it; the odd one at the end."""
    missing = [max(k - (n % s or s), 0) for n, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    return functional.pad(x, [side for total in reversed(missing) for side in (total // 2, total - total // 2)])
