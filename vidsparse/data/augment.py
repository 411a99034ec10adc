"""Training augmentation: one draw per clip, a function of the sample's own seed alone."""

import os
from collections.abc import Set

import numpy as np
from numpy.typing import NDArray

from vidsparse.config import AugmentConfig

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the registry for news at import
import albumentations


class Augment:
    """Random crop, horizontal flip and colour jitter, the same for every frame of a clip."""

    def __init__(self, config: AugmentConfig, size: int, unflippable: Set[int] = frozenset()) -> None:
        """`size`: side of the result in pixels; `unflippable`: labels whose meaning a mirror changes."""
        self._unflippable = unflippable
        strength = config.color
        crop = [albumentations.RandomResizedCrop((size, size), scale=tuple(config.scale), ratio=(3 / 4, 4 / 3))]
        if config.pad is not None:
            crop = [albumentations.Pad(config.pad), albumentations.RandomCrop(size, size)]
        flip = [albumentations.HorizontalFlip(p=0.5)] if config.flip else []
        color = [albumentations.ColorJitter(strength, strength, strength, strength / 4, p=0.8)] if strength else []
        self._flipping = albumentations.Compose([*crop, *flip, *color])
        self._upright = albumentations.Compose([*crop, *color])

    def __call__(self, clip: NDArray[np.uint8], label: int, seed: int) -> NDArray[np.uint8]:
        """(T, H, W, 3) uint8 -> (T, size, size, 3) uint8; the same seed gives the same draw in any process."""
        pipeline = self._upright if label in self._unflippable else self._flipping
        pipeline.set_random_seed(seed)  # albumentations keeps generators of its own
        result: NDArray[np.uint8] = np.asarray(pipeline(images=clip)["images"])
        return result


def center_crop(clip: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(T, H, W, 3) -> a view (T, size, size, 3) of its middle."""
    return crops(clip, size, 1)[0]


def crops(clip: NDArray[np.uint8], size: int, count: int) -> list[NDArray[np.uint8]]:
    """`count` square views (T, size, size, 3): the centre, three along the longer side, or five, corners and centre."""
    height, width = clip.shape[1:3]
    if count == 5:
        bottom, right = height - size, width - size
        corners = [(0, 0), (0, right), (bottom // 2, right // 2), (bottom, 0), (bottom, right)]
        return [clip[:, top : top + size, left : left + size] for top, left in corners]
    places = [0.5] if count == 1 else [i / (count - 1) for i in range(count)]
    corners = [
        (
            round((height - size) * (p if height > width else 0.5)),
            round((width - size) * (p if width >= height else 0.5)),
        )
        for p in places
    ]
    return [clip[:, top : top + size, left : left + size] for top, left in corners]
