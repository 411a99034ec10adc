"""Training augmentation: one draw per clip, a function of the sample's own seed alone."""

import os
from collections.abc import Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.config import AugmentConfig
from vidsparse.tasks import VOID

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
            crop = [albumentations.Pad(config.pad, fill_mask=VOID), albumentations.RandomCrop(size, size)]
        flip = [albumentations.HorizontalFlip(p=0.5)] if config.flip else []
        color = [albumentations.ColorJitter(strength, strength, strength, strength / 4, p=0.8)] if strength else []
        self._flipping = albumentations.Compose([*crop, *flip, *color])
        self._upright = albumentations.Compose([*crop, *color])

    def __call__(self, clip: NDArray[np.uint8], label: int, seed: int) -> NDArray[np.uint8]:
        """(T, H, W, 3) uint8 -> (T, size, size, 3) uint8; the same seed gives the same draw in any process."""
        return np.asarray(self._drawn(label, seed)(images=clip)["images"])

    def with_masks(
        self, clip: NDArray[np.uint8], masks: NDArray[np.uint8], label: int, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The same clip, and its masks (T, H, W) under one draw: uint8 (T, size, size), nearest; a border is void."""
        both = self._drawn(label, seed)(images=clip, masks=masks)
        return np.asarray(both["images"]), np.ascontiguousarray(both["masks"])

    def _drawn(self, label: int, seed: int) -> Any:
        pipeline = self._upright if label in self._unflippable else self._flipping
        pipeline.set_random_seed(seed)  # albumentations keeps generators of its own
        return pipeline
