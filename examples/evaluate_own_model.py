"""A network of your own under corruption, from Python. Run: python examples/evaluate_own_model.py"""

import numpy as np
import torch
from torch import nn

import vidsparse


class Mine(nn.Module):
    """Yours: from float (B, 3, T, H, W) to logits (B, classes)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv3d(3, 8, 3, padding=1), nn.Linear(8, 3)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Logits (B, classes)."""
        return self.head(self.conv(clips).relu().mean((2, 3, 4)))


if __name__ == "__main__":
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    # made clips, uint8 (T, H, W, 3) with their class; yours come from a list, a Dataset or a DataLoader,
    # or by name: vidsparse.evaluate(model, data="ucf101", root="data/ucf101", labels="order", ...)
    clips = [(rng.integers(60 * label, 60 * label + 90, (4, 32, 32, 3), np.uint8), label) for label in [0, 1, 2] * 6]
    one, two = Mine(), Mine()
    pixels = torch.from_numpy(np.stack([clip for clip, _ in clips])).permute(0, 4, 1, 2, 3) / 255
    optimizer = torch.optim.Adam(one.parameters(), lr=0.05)
    for _ in range(40):  # one is trained, two is not
        optimizer.zero_grad()
        nn.functional.cross_entropy(one(pixels), torch.tensor([label for _, label in clips])).backward()
        optimizer.step()
    settings = {"normalize": "unit", "suite": "core_10", "severities": [1, 3]}
    result = vidsparse.evaluate(one, clips, name="one", **settings)
    other = vidsparse.evaluate(two, clips, name="two", **settings)
    print(result)
    print(result.per_corruption.round(2))
    print(result.compare(other))
