"""A video as a folder of pictures, one a frame, in the order of their names."""

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from vidsparse.data.datasets.file_kinds import is_leftover
from vidsparse.data.reading import image_files
from vidsparse.data.reading.frames import Frames, VideoInfo, unreadable
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError

RATE: Final = Fraction(24)  # frames a second, as DAVIS was shot: a folder does not say
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def entries(folder: Path, suffixes: Sequence[str] = SUFFIXES) -> list[Path]:
    """The pictures of a folder by name; hidden ones are left out. ClipDecodeError where it cannot be opened."""
    try:
        names = [name for name in os.listdir(folder) if not is_leftover(name)]
    except OSError as error:
        failures.check(error, folder)
        raise ClipDecodeError(f"{folder}: {error.strerror}") from error
    return [folder / name for name in sorted(names) if os.path.splitext(name)[1].lower() in suffixes]


def inspect(path: Path) -> tuple[VideoInfo]:
    """The one entry of a folder: every picture is read, and all must have one size. Never raises for a bad one."""
    try:
        found = [image_files.inspect(picture)[0] for picture in entries(path)]
    except ClipDecodeError as error:
        return (unreadable(str(error)),)
    broken = next((info.error for info in found if info.error), "")
    if broken:
        return (unreadable(broken),)
    sizes = {(info.height, info.width) for info in found}
    if len(sizes) != 1:
        return (unreadable(f"{path}: there are frames of {len(sizes) or 'no'} sizes in it"),)
    return (VideoInfo(len(found), RATE, *sizes.pop(), "pillow"),)


def read(path: Path, short_side: int | None, indices: Any) -> Frames:
    """uint8 (n, H, W, 3) of these frame numbers, repeats allowed; ClipDecodeError where one cannot be read."""
    pictures = entries(path)
    wanted, place = np.unique(np.asarray(indices, np.int64), return_inverse=True)
    if not wanted.size or wanted[0] < 0 or wanted[-1] >= len(pictures):
        raise IndexError(f"{path}: frames {wanted.tolist()} of {len(pictures)} pictures")
    return np.stack([image_files.resized(image_files.open_picture(pictures[number]), short_side) for number in wanted])[
        place
    ]
