"""Corruptions in a pipeline of albumentations 2: an image, and a clip."""

import albumentations as A
import numpy as np

import corruptions

pipeline = A.Compose(
    [
        A.HorizontalFlip(p=0.5),
        corruptions.ForAlbumentations(corruptions.Corrupt("static_rotate", 2)),
        corruptions.ForAlbumentations(corruptions.RandomCorrupt("core_10", severities=(1, 2)), p=0.8),
        A.Normalize(),
    ],
    bbox_params=A.BboxParams("pascal_voc", label_fields=["classes"]),
    seed=0,
)
clips = A.Compose([corruptions.ForAlbumentations(corruptions.Corrupt("fog", 3))])

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (96, 128, 3), np.uint8)
    mask = np.zeros((96, 128), np.uint8)
    mask[30:60, 40:80] = 1
    # `key` names the sample: the same key gives the same corruption
    made = pipeline(image=image, mask=mask, bboxes=[(40, 30, 80, 60)], classes=["cat"], key="0/mine/00017")
    print(made["image"].shape, made["image"].dtype, np.unique(made["mask"]), made["bboxes"], made["classes"])

    clip = rng.integers(0, 256, (8, 96, 128, 3), np.uint8)
    foggy = clips(images=clip, key="0/mine/clip_7")["images"]
    print("fog drifts over the clip:", (foggy == corruptions.corrupt(clip, "fog", 3, "0/mine/clip_7")).all())
