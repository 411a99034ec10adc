"""A network of some thousand weights for clips, so that a run folder of it is small enough to be kept here."""

import torch
from torch import Tensor, nn

from vidsparse.models.zoo import MODELS, ModelSpec

NAME = "tiny_3d"


class Tiny3d(nn.Module):
    """Clips (B, 3, T, H, W) -> logits (B, classes): two 3D convolutions with batch norm, the mean, one linear layer."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 8, 3, stride=(1, 2, 2), padding=1, bias=False)
        self.norm1 = nn.BatchNorm3d(8)
        self.body = nn.Conv3d(8, 12, 3, stride=2, padding=1, bias=False)
        self.norm2 = nn.BatchNorm3d(12)
        self.fc = nn.Linear(12, num_classes)

    def forward(self, clips: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.stem(clips)))
        x = torch.relu(self.norm2(self.body(x)))
        return self.fc(x.mean((2, 3, 4)))


def build(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    return Tiny3d(num_classes)


def register() -> None:
    """Make it a row of the table of models, as a user's own network is."""
    spec = ModelSpec(NAME, "tiny_network:build", "video", 4, 40, 32, "kinetics", "made for these tests", min_size=8)
    MODELS[NAME] = spec
