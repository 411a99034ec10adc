"""C3D (Tran et al. 2015, figure 3): eight 3x3x3 convolutions, five pools, two layers of 4096; 78 M at 101 classes."""

from torch import Tensor, nn

from vidsparse.models.video import ShortClipMaxPool3d

# Output channels of the convolutions between two pools; the first pool keeps time.
_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))
_GRID = (1, 4, 4)  # positions that the first linear layer reads: what 16 x 112 leaves


def build(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """The network; at other than 16 x 112 an average pool brings its last features to the grid of that size."""
    return C3D(num_classes)


class C3D(nn.Module):
    """(B, 3, T, H, W) -> logits (B, num_classes)."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for number, stage in enumerate(_STAGES):
            for width in stage:
                layers += [nn.Conv3d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            kernel = (1, 2, 2) if number == 0 else (2, 2, 2)
            padding = (0, 1, 1) if number == len(_STAGES) - 1 else 0
            layers.append(ShortClipMaxPool3d(kernel, kernel, padding))
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool3d(_GRID)
        self.fc6 = nn.Linear(channels * _GRID[1] * _GRID[2], 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)
        self.dropout = nn.Dropout(0.5)
        for module in self.modules():
            if isinstance(module, nn.Conv3d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # none of these lacks a bias
        nn.init.normal_(self.fc8.weight, std=0.01)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits (B, num_classes)."""
        x: Tensor = self.pool(self.features(clips)).flatten(1)
        x = self.dropout(self.fc6(x).relu())
        x = self.dropout(self.fc7(x).relu())
        logits: Tensor = self.fc8(x)
        return logits
