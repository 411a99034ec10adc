"""Corruptions in a Dataset of your own, read by two workers. Run: python examples/corrupt_dataset.py"""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

import corruptions


class Clips(Dataset[tuple[torch.Tensor, str]]):
    """Eight made clips, float (3, 8, 64, 64) in [0, 1]; yours decodes videos here."""

    def __init__(self) -> None:
        self.names = [f"clip_{number}" for number in range(8)]
        # half the clips are corrupted, by one of ten corruptions at severity 1, 2 or 3
        self.corrupt = corruptions.RandomCorrupt("core_10", severities=(1, 2, 3), p=0.5)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, str]:
        name = self.names[index]
        clip = torch.from_numpy(np.random.default_rng(index).random((3, 8, 64, 64), np.float32))
        # the key is the sample's name: the same bytes in any worker, order and epoch
        return self.corrupt(clip, key=f"0/mine/{name}"), name


if __name__ == "__main__":
    clips = Clips()
    for batch, names in DataLoader(clips, batch_size=4, num_workers=2):
        done = [clips.corrupt.condition(f"0/mine/{name}") for name in names]
        print(tuple(batch.shape), [f"{each.name} {each.severity}" if each.severity else "clean" for each in done])

    # for training, where every look may draw anew: no two workers or epochs draw the same
    clips.corrupt = corruptions.RandomCorrupt("core_10", (1, 2, 3), p=0.5, key=corruptions.KeyCounter("0/train"))
    print(clips.corrupt(torch.rand(3, 8, 64, 64)).shape)
