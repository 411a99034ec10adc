"""Training augmentation: one draw per clip, a function of the sample's own seed alone."""

import os
from collections.abc import Mapping, Set
from random import Random

import numpy as np
from numpy.typing import NDArray

from vidsparse.config import AugmentConfig
from vidsparse.run_dir.record import DRAWS
from vidsparse.tasks import VOID

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the registry for news at import
import albumentations

Arrays = Mapping[str, NDArray[np.uint8]]  # "images" (T, H, W, 3) and, where there are any, "masks" (T, H, W)


class Augment:
    """Random crop, horizontal flip and colour jitter, the same for every frame of a clip.

    Draws and bytes are those of the transforms of albumentations: Pad and RandomCrop, or RandomResizedCrop, then
    HorizontalFlip and ColorJitter, without the checks that take most of their time for small images. Each has a seed of
    its own (`part_seeds`): a Compose that is seeded anew for each clip hands one seed to all, so that the number that
    says how near a crop is says too whether it is mirrored. Trainings that began so (`draws` 1) go on so.
    """

    def __init__(
        self, config: AugmentConfig, size: int, unflippable: Set[int] = frozenset(), draws: int = DRAWS
    ) -> None:
        """`size`: side of the result in pixels; `unflippable`: labels whose meaning a mirror changes; `draws`: how the
        run draws, `RunRecord.draws`.
        """
        self._parts = part_seeds if draws > 1 else lambda seed: (seed, seed, seed)
        self._size, self._pad, self._flip, self._unflippable = size, config.pad, config.flip, unflippable
        self._draws, strength = Random(), config.color
        self._resized_crop = albumentations.RandomResizedCrop((size, size), tuple(config.scale), ratio=(3 / 4, 4 / 3))
        self._jitter = albumentations.ColorJitter(strength, strength, strength, strength / 4, p=0.8)
        self._jitters = strength > 0

    def __call__(self, clip: NDArray[np.uint8], label: int, seed: int) -> NDArray[np.uint8]:
        """(T, H, W, 3) uint8 -> (T, size, size, 3) uint8, new; the same seed gives the same draw in any process."""
        return self._drawn({"images": clip}, label, seed)["images"]

    def with_masks(
        self, clip: NDArray[np.uint8], masks: NDArray[np.uint8], label: int, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The same clip, and its masks (T, H, W) under one draw: uint8 (T, size, size), nearest; a border is void."""
        both = self._drawn({"images": clip, "masks": masks}, label, seed)
        return both["images"], both["masks"]

    def _drawn(self, arrays: Arrays, label: int, seed: int) -> Arrays:
        crop, mirror, colors = self._parts(seed)
        if self._pad is None:
            self._resized_crop.py_random.seed(crop)
            arrays = self._resized_crop(**arrays)
        else:
            self._draws.seed(crop)
            place = (self._draws.random(), self._draws.random())
            fills = {"images": 0, "masks": VOID}
            arrays = {name: _crop(each, self._pad, self._size, place, fills[name]) for name, each in arrays.items()}
        self._draws.seed(mirror)
        if self._flip and label not in self._unflippable and self._draws.random() < 0.5:
            arrays = {name: each[:, :, ::-1] for name, each in arrays.items()}
        arrays = {name: np.ascontiguousarray(each) for name, each in arrays.items()}
        if self._jitters:
            self._jitter.set_random_seed(colors)
            arrays = self._jitter(**arrays)
        return arrays


def part_seeds(seed: int) -> tuple[int, int, int]:
    """Seeds of the crop, the mirror and the colours of a draw, which have nothing in common."""
    crop, mirror, colors = (int(each) for each in np.random.SeedSequence(seed).generate_state(3))
    return crop, mirror, colors


def _crop(frames: NDArray[np.uint8], pad: int, size: int, place: tuple[float, float], fill: int) -> NDArray[np.uint8]:
    """A square (T, size, size, ...) of frames (T, H, W, ...) with a border of `pad` pixels of value `fill`.

    `place`: how far down and to the right it begins, as shares of the room there is, each in [0, 1).
    """
    height, width = (side + 2 * pad for side in frames.shape[1:3])
    top, left = int((height - size + 1) * place[0]), int((width - size + 1) * place[1])
    bordered = np.full((len(frames), height, width, *frames.shape[3:]), fill, np.uint8)
    bordered[:, pad : height - pad, pad : width - pad] = frames
    return bordered[:, top : top + size, left : left + size]
