"""Frames of a video by number, at the size that is wanted: decord where it reads a file rightly, else PyAV."""

import logging
import os
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from vidsparse.data.decoders import inspect, open_decord, read_pyav
from vidsparse.data.frames import Frames, VideoInfo, output_size
from vidsparse.errors import ClipDecodeError

_log = logging.getLogger(__name__)
_failed_in_decord: set[tuple[Path, int, int]] = set()  # at this size, in spite of the index: not tried again
_inherited: list[object] = []  # closing a decord reader that was opened before a fork hangs: they stay open


class VideoReader:
    """Random access to one file's frames, numbered as the index counts them (see `decoders`).

    `info` comes from the index; without it the file is decoded once to find out. Raises ClipDecodeError, naming the
    file, if there is nothing to read. Decoders open at the first read.
    """

    def __init__(self, path: Path, short_side: int | None = None, info: VideoInfo | None = None) -> None:
        info = info or inspect(path)
        if not info.n_frames:
            raise ClipDecodeError(info.error or f"{path}: no frame of this video can be decoded")
        self.path, self.n_frames, self.fps, self.decoder = path, info.n_frames, float(info.rate), info.decoder
        self.height, self.width = output_size(info.height, info.width, short_side)
        self.fell_back = False
        self._decord: Any = None
        self._what = (path, self.height, self.width)
        if self.decoder == "decord" and self._what in _failed_in_decord:
            self._use_pyav()

    def read(self, indices: ArrayLike) -> Frames:
        """uint8 (n, height, width, 3), RGB, C-contiguous, of n frame numbers in any order, repeats allowed.

        Everything is decoded in one pass over the sorted, unique numbers: ask for all views of a video at once.
        Raises IndexError outside 0 .. n_frames - 1, ClipDecodeError if a frame cannot be had.
        """
        wanted, place = np.unique(np.asarray(indices, np.int64), return_inverse=True)
        if not wanted.size or wanted[0] < 0 or wanted[-1] >= self.n_frames:
            raise IndexError(f"{self.path}: frames {wanted.tolist()} of a video of {self.n_frames} frames")
        frames = self._read_decord(wanted.tolist()) if self.decoder == "decord" else None
        if frames is None:
            frames = read_pyav(self.path, wanted.tolist(), self.height, self.width)
        return frames if np.array_equal(place, np.arange(len(frames))) else frames[place]

    def close(self) -> None:
        """Give back the decoder's threads and memory. A later read opens it again."""
        self._decord = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _read_decord(self, wanted: list[int]) -> Frames | None:
        try:
            if self._decord is None:
                self._decord = open_decord(self.path, self.height, self.width)
            frames: Frames = self._decord.get_batch(wanted).asnumpy()
            if frames.shape == (len(wanted), self.height, self.width, 3):
                return frames
            reason = f"{len(frames)} frames of {len(wanted)}"
        except Exception as error:  # whatever decord raises, PyAV has the last word
            reason = type(error).__name__
        if self._what not in _failed_in_decord:
            _failed_in_decord.add(self._what)
            _log.warning("%s: decord failed (%s), PyAV reads this file from here on", self.path, reason)
        self._use_pyav()
        return None

    def _use_pyav(self) -> None:
        self.decoder, self.fell_back = "pyav", True
        self.close()


class ReaderPool:
    """The `capacity` readers used last, per process: they are opened in the worker that reads, and never travel.

    After a fork the child starts empty, and pickling sends an empty pool. `opened` and `fallbacks` count in this
    process. Not for use by several threads.
    """

    def __init__(self, capacity: int = 8) -> None:
        self.capacity = capacity
        self._start()

    def get(self, path: Path, short_side: int | None = None, info: VideoInfo | None = None) -> VideoReader:
        """The open reader of this file and size, or a new one; the one unused for longest is closed."""
        if os.getpid() != self._pid:
            _inherited.append(self._readers)
            self._start()
        key = (path, short_side)
        if key not in self._readers:
            self._readers[key] = VideoReader(path, short_side, info)
            self.opened += 1
        self._readers.move_to_end(key)
        if len(self._readers) > self.capacity:
            self._retire(self._readers.popitem(last=False)[1])
        return self._readers[key]

    @property
    def fallbacks(self) -> int:
        """Readers opened here for decord that PyAV had to take over."""
        return self._past_fallbacks + sum(reader.fell_back for reader in self._readers.values())

    def close(self) -> None:
        """Close every reader."""
        while self._readers:
            self._retire(self._readers.popitem()[1])

    def __reduce__(self) -> tuple[type["ReaderPool"], tuple[int]]:
        return ReaderPool, (self.capacity,)

    def _start(self) -> None:
        self._pid = os.getpid()
        self._readers: OrderedDict[tuple[Path, int | None], VideoReader] = OrderedDict()
        self.opened = self._past_fallbacks = 0

    def _retire(self, reader: VideoReader) -> None:
        self._past_fallbacks += reader.fell_back
        reader.close()
