"""Masks: the class of every pixel of a picture, in a PNG of one 8-bit value a pixel, or a folder with one a frame.

Class ids count from 0; `VOID` marks pixels that nobody judges. Reading a mask needs Pillow and NumPy alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidsparse.data.reading.frame_folders import RATE, entries
from vidsparse.data.reading.frames import STILL, VideoInfo, output_size, unreadable
from vidsparse.data.reading.image_files import opened, upright
from vidsparse.data.reading.watchdog import got_on
from vidsparse.tasks import VOID
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError

Labels = NDArray[np.uint8]

_ROAD_SCENE = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)  # in the order of train ids


def _cityscapes() -> Labels:
    code = np.arange(256, dtype=np.uint8)  # what is no label id at all stays, and is found out of range
    code[:34] = VOID
    code[list(_ROAD_SCENE)] = np.arange(len(_ROAD_SCENE))
    return code


CODES: Mapping[str, Labels] = {  # the class id of each value of a pixel
    "class_ids": np.arange(256, dtype=np.uint8),
    "cityscapes_ids": _cityscapes(),  # Cordts et al. 2016: 19 of the label ids are judged
    "object_ids": np.minimum(np.arange(256), 1).astype(np.uint8),  # any object is foreground, also one drawn as 255
}


def inspect(code: str, path: Path) -> tuple[VideoInfo]:
    """The one entry of a mask: all its pictures are read; `top` is the highest class id. Never raises for a bad one."""
    try:
        pictures = _pictures(path)
        shapes, top = set[tuple[int, int]](), -1
        for picture in pictures:
            labels = CODES[code][open_mask(picture)]
            shapes.add(labels.shape)
            got_on()
            top = max(top, int(labels.max(initial=0, where=labels != VOID)))
    except (ClipDecodeError, OSError) as error:
        failures.check(error, path)
        return (unreadable(str(error)),)
    if len(shapes) != 1:
        return (unreadable(f"{path}: there are masks of {len(shapes) or 'no'} sizes in it"),)
    (height, width), rate = shapes.pop(), RATE if path.is_dir() else STILL
    return (VideoInfo(len(pictures), rate, height, width, "pillow", top=top),)


def read(code: str, path: Path, short_side: int | None, indices: "Sequence[int] | NDArray[Any]") -> Labels:
    """uint8 (n, H, W): class ids of these frames, as large as pictures are read; the pixel nearest to the place.

    ClipDecodeError, naming the file, where one cannot be read.
    """
    pictures = _pictures(path)
    wanted, place = np.unique(np.asarray(indices, np.int64), return_inverse=True)
    if not wanted.size or wanted[0] < 0 or wanted[-1] >= len(pictures):
        raise IndexError(f"{path}: frames {wanted.tolist()} of {len(pictures)} masks")
    return np.stack([resized(CODES[code][open_mask(pictures[number])], short_side) for number in wanted])[place]


def resized(labels: Labels, short_side: int | None) -> Labels:
    """Labels (H, W) at the size to which `images.resized` brings their picture."""
    height, width = output_size(labels.shape[0], labels.shape[1], short_side)
    if labels.shape == (height, width):
        return labels
    return np.asarray(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))


def _pictures(path: Path) -> list[Path]:
    return entries(path, (".png",)) if path.is_dir() else [path]


def open_mask(path: Path) -> Labels:
    """The values of one PNG, uint8 (H, W), as they stand in it, upright; ClipDecodeError where it is no mask."""
    try:
        with opened(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise ClipDecodeError(
                    f"{path}: it has mode {image.mode}; a mask has one 8-bit value, the class, a pixel"
                )
            return np.asarray(upright(image)).astype(np.uint8)
    except ClipDecodeError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error and its own
        failures.check(error, path)
        said = str(error).partition(" <")[0] or type(error).__name__
        raise ClipDecodeError(f"{path}: cannot be read as a mask ({said})") from error
