"""The steps of training augmentation as transforms of albumentations, for comparison."""

import albumentations

from vidsparse.config import AugmentConfig
from vidsparse.data.augment import part_seeds
from vidsparse.tasks import VOID


def composed(config: AugmentConfig, size: int, flip: bool = True) -> albumentations.Compose:
    """Pad and RandomCrop or RandomResizedCrop, HorizontalFlip where it may be, ColorJitter."""
    crop = [albumentations.RandomResizedCrop((size, size), scale=tuple(config.scale), ratio=(3 / 4, 4 / 3))]
    if config.pad is not None:
        crop = [albumentations.Pad(config.pad, fill_mask=VOID), albumentations.RandomCrop(size, size)]
    mirror = [albumentations.HorizontalFlip(p=0.5)] if config.flip and flip else []
    by = config.color
    color = [albumentations.ColorJitter(by, by, by, by / 4, p=0.8)] if by else []
    return albumentations.Compose([*crop, *mirror, *color])


def seeded(pipeline: albumentations.Compose, seed: int) -> albumentations.Compose:
    """The pipeline, each transform with the seed that `Augment` gives its own."""
    of = dict(zip(("Crop", "Flip", "Jitter"), part_seeds(seed), strict=True))
    for each in pipeline.transforms:
        kinds = [kind for kind in of if type(each).__name__.endswith(kind)]
        each.set_random_seed(of[kinds[0]] if kinds else 0)
    return pipeline
