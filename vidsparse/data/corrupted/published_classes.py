"""Which classes the labels of a published corrupted set stand for: by position those of the set it was made from."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidsparse.classes.spaces import SPACES, listed
from vidsparse.data.datasets.class_names import listed_classes
from vidsparse.data.datasets.lists import first_file
from vidsparse.utils.errors import DataError

_CIFAR_SIDE, _TINY_SIDE = 32, 64  # pixels


def classes_of_arrays(root: Path, labels: NDArray[np.int64], size: tuple[int, ...]) -> tuple[str, ...]:
    """The classes that these numbers stand for: those of classes.txt beside them, else CIFAR's, if they can be."""
    file = root / "classes.txt"
    first, last = int(labels.min()), int(labels.max())
    if file.is_file():
        classes = listed_classes(file)
        if last >= len(classes):
            raise DataError(f"{root}/labels.npy: {last} is none of the {len(classes)} classes of {file}, from 0")
        return classes
    name = "cifar10" if last < 10 and "100" not in root.resolve().name else "cifar100"
    if first or last >= SPACES[name] or size != (_CIFAR_SIDE, _CIFAR_SIDE):
        raise DataError(
            f"{root}/labels.npy: numbers from {first} to {last} of {size[1]} x {size[0]} pictures are not those of "
            f"CIFAR-10 or CIFAR-100, so nobody knows which classes they are; put {file} beside them, a name "
            "a line from number 0"
        )
    return listed(name)


def classes_of_folders(root: Path, names: Sequence[str], size: Callable[[], tuple[int, int]]) -> tuple[str, ...]:
    """The classes in their published order: wnids.txt in or beside the set, Tiny ImageNet's; else that of their names.

    `size` finds the height and width of the first picture, which is asked for only where names are Tiny ImageNet's.
    """
    file = first_file(root / "wnids.txt", root.parent / "wnids.txt")
    if file and set(names) <= set(listed_classes(file)):
        return listed_classes(file)
    tiny = tuple(name for name in listed("tiny_imagenet") if name in names)
    return tiny if len(tiny) == len(names) and size() == (_TINY_SIDE, _TINY_SIDE) else tuple(names)
