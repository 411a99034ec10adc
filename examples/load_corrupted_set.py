"""A DataLoader over a published corrupted set. Run: python examples/load_corrupted_set.py"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

import vidsparse


def made(folder: Path) -> Path:
    """A small set laid out as CIFAR-10-C is published, of noise, for who has none at hand."""
    rng = np.random.default_rng(0)
    np.save(folder / "fog.npy", rng.integers(0, 256, (5 * 20, 32, 32, 3), np.uint8))
    np.save(folder / "labels.npy", np.tile(np.arange(20) % 10, 5))
    return folder


if __name__ == "__main__":
    with TemporaryDirectory() as scratch:
        root = Path("data/CIFAR-10-C") if Path("data/CIFAR-10-C").is_dir() else made(Path(scratch))
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
        for severity in (1, 3, 5):
            clips = vidsparse.CorruptedClips(root, "fog", severity)
            right = 0
            for batch, labels in DataLoader(clips, batch_size=8):  # uint8 (B, 3, T, H, W), an image has T = 1
                with torch.no_grad():
                    right += int((model(batch / 255).argmax(1) == labels).sum())
            print(f"fog {severity}: {right} of {len(clips)} right, classes {clips.classes[:3]} ...")
        # the whole set at once, with statistics
        result = vidsparse.evaluate(model, "corrupted", root, labels="order", frames=1, size=32, normalize="unit")
        print(result.per_corruption)
