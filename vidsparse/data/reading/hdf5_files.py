"""A video as JPEGs in an HDF5 file: a data set `video` of one array of bytes a frame, in their order.

So the public generator of Mini Kinetics-C writes its corruptions of images ("Benchmarking the Robustness of
Spatial-Temporal Models Against Corruptions", NeurIPS 2021, Datasets and Benchmarks), and so Kinetics is often packed.
Needs h5py. A file is opened for each reading and closed after it, so that no process inherits an open one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from vidsparse.data.reading import image_files
from vidsparse.data.reading.frame_folders import RATE
from vidsparse.data.reading.frames import Frames, VideoInfo, unreadable
from vidsparse.data.reading.watchdog import got_on
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError, brief

SUFFIX: Final = ".hdf5"
_NAME: Final = "video"


def inspect(path: Path) -> tuple[VideoInfo]:
    """The one entry of a file: every frame is read, and all must have one size. Never raises for a bad one.

    The file does not say how many frames a second it has: as for a folder of frames, 24 are taken.
    """
    sizes = set[tuple[int, int]]()
    try:
        with _frames(path) as frames:
            count = len(frames)
            for number in range(count):
                sizes.add(_decoded(frames, number, path).shape[:2])
                got_on()
    except ClipDecodeError as error:
        return (unreadable(str(error)),)
    if len(sizes) != 1:
        return (unreadable(f"{path}: there are frames of {len(sizes) or 'no'} sizes in it"),)
    return (VideoInfo(count, RATE, *sizes.pop(), "pillow"),)


def read(path: Path, short_side: int | None, indices: Any, held: bool = False) -> Frames:
    """uint8 (n, H, W, 3) of these frame numbers, repeats allowed; ClipDecodeError where one cannot be read.

    With `held` the last frame stands for those behind it.
    """
    with _frames(path) as frames:
        numbers = np.asarray(indices, np.int64)
        wanted, place = np.unique(numbers.clip(max=len(frames) - 1) if held else numbers, return_inverse=True)
        if not wanted.size or wanted[0] < 0 or wanted[-1] >= len(frames):
            raise IndexError(f"{path}: frames {wanted.tolist()} of {len(frames)}")
        pictures = [image_files.resized(_decoded(frames, int(number), path), short_side) for number in wanted]
    if len({picture.shape for picture in pictures}) > 1:
        raise ClipDecodeError(f"{path}: there are frames of several sizes in it")
    return np.stack(pictures)[place]


def _decoded(frames: Any, number: int, path: Path) -> Frames:
    try:
        content = np.asarray(frames[number]).tobytes()
    except Exception as error:  # h5py raises OSError, ValueError, RuntimeError, KeyError and more
        failures.check(error, path)
        raise ClipDecodeError(f"{path}: frame {number} cannot be read ({brief(error)})") from error
    if not content:
        raise ClipDecodeError(f"{path}: frame {number} is empty: whoever wrote it stopped before")
    return image_files.decode(content, f"{path}, frame {number}")


@contextmanager
def _frames(path: Path) -> Iterator[Any]:
    """The data set of JPEGs of a file, open; ClipDecodeError where there is none."""
    import h5py

    try:
        file = h5py.File(path, "r", locking=False)  # a lock is more than a disk that is shared read-only may give
        found = file.get(_NAME)
    except Exception as error:  # see _decoded
        failures.check(error, path)
        raise ClipDecodeError(f"{path}: cannot be read as HDF5 ({brief(error)})") from error
    with file:
        if not isinstance(found, h5py.Dataset):
            raise ClipDecodeError(f"{path}: it has no data set {_NAME!r}, which holds the JPEG of each frame")
        if found.ndim != 1 or h5py.check_vlen_dtype(found.dtype) != np.uint8:
            raise ClipDecodeError(
                f"{path}: its data set {_NAME!r} is {found.dtype} {found.shape}, not the bytes of one JPEG a frame"
            )
        yield found
