"""Frames that are too many for memory, in a file of their own that is gone when nobody needs it any more."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.data.reading.frames import Frames
from vidsparse.utils import failures

PART = 32 << 20  # bytes of frames that are worked on at a time


class Spilled:
    """Frames uint8 (n, H, W, 3) on disk, taken by their places as an array is: `spilled[numbers]`."""

    def __init__(self, folder: Path, shape: Sequence[int]) -> None:
        """An empty file without a name in `folder`, for frames (H, W, 3) of this shape."""
        self._folder, self._frame, self._count = folder, tuple(shape), 0
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  # open as long as it is used

    def append(self, frames: Frames) -> None:
        """Add frames (k, H, W, 3). MachineError where the disk is full."""
        try:
            for frame in frames:
                _write(self._file.fileno(), np.ascontiguousarray(frame))
        except OSError as error:
            failures.check(error, self._folder)
            raise
        self._count += len(frames)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, H, W, 3)."""
        return (self._count, *self._frame)

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return prod(self.shape)

    @property
    def per_part(self) -> int:
        """How many frames are worked on at a time."""
        return frames_a_part(self._frame)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, places: "NDArray[np.int64]") -> Frames:
        out = np.empty((len(places), *self._frame), np.uint8)
        for frame, place in zip(out, places, strict=True):
            _read(self._file.fileno(), frame, int(place) * prod(self._frame))
        return out


def frames_a_part(shape: Sequence[int]) -> int:
    """How many frames (H, W, 3) are worked on at a time."""
    return max(1, PART // prod(shape))


def parts(numbers: "NDArray[np.int64]", count: int) -> "Iterator[NDArray[np.int64]]":
    """The numbers in runs of at most `count`."""
    for start in range(0, len(numbers), count):
        yield numbers[start : start + count]


def _write(handle: int, frame: Any) -> None:
    left = memoryview(frame).cast("B")
    while left:
        left = left[os.write(handle, left) :]


def _read(handle: int, frame: Any, offset: int) -> None:
    left = memoryview(frame).cast("B")
    while left:
        got = os.preadv(handle, [left], offset)
        if not got:
            raise EOFError("frames that were put on disk are not all there")
        left, offset = left[got:], offset + got
