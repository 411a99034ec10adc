"""A network of your own, trained sparse and reported like any other. Run: python examples/own_model.py

This file is the plug-in; a builder in a package needs none: model.name=my_package.nets:build
"""

import torch
from torch import Tensor, nn

import vidsparse


@vidsparse.register(kind="model", name="tiny3d")
class Tiny(nn.Module):
    """Clips (B, 3, T, H, W) to logits. What it asks for by name, it is given: num_classes, frames, size, name."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv3d(3, 16, 3, (1, 2, 2), 1), nn.Conv3d(16, 32, 3, 2, 1)
        self.head = nn.Linear(32, num_classes)

    def forward(self, clips: Tensor) -> Tensor:
        """Logits (B, num_classes) of float clips."""
        return self.head(self.second(self.first(clips).relu()).relu().mean((2, 3, 4)))


if __name__ == "__main__":
    print(vidsparse.create_model("tiny3d", 8, frames=4, size=32)(torch.zeros(2, 3, 4, 32, 32)).shape)
    words = [f"plugins={__file__}", "model.name=tiny3d", "name=tiny3d", "data.frames=4", "data.short_side=40",
             "data.size=32", "data.share=0.5", "training.epochs=3", "sparse.every=2", "training.optimizer.lr=0.003",
             "training.optimizer.name=torch.optim:RAdam", "evaluation.corruptions=[freeze]",
             "analysis.spectral=false"]  # fmt: skip
    vidsparse.run(vidsparse.load_config("ucf101_rigl", words))
