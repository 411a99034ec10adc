"""Corruptions in a pipeline of torchvision v2; masks and boxes move along."""

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

import corruptions

pipeline = v2.Compose(
    [
        v2.RandomHorizontalFlip(),
        corruptions.Corrupt("translate", 4, resolution="relative", key=corruptions.KeyCounter("0/train")),
        v2.ToDtype({tv_tensors.Image: torch.float32, "others": None}, scale=True),
        v2.SanitizeBoundingBoxes(),
    ]
)

if __name__ == "__main__":
    image = tv_tensors.Image(torch.randint(0, 256, (3, 96, 128), dtype=torch.uint8))
    mask = torch.zeros(96, 128, dtype=torch.uint8)
    mask[30:60, 40:80] = 1
    target = {
        "mask": tv_tensors.Mask(mask),
        "boxes": tv_tensors.BoundingBoxes([[40, 30, 80, 60]], format="XYXY", canvas_size=(96, 128)),
        "labels": torch.tensor([1]),
    }
    for _ in range(2):
        moved, labels = pipeline(image, target)
        print(moved.dtype, tuple(moved.shape), "box", labels["boxes"].tolist())
        rows, columns = torch.where(labels["mask"] == 1)
        print("mask", [columns.min().item(), rows.min().item(), columns.max().item() + 1, rows.max().item() + 1])
