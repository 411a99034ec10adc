"""Frames of a video by number, at the size that is wanted: decord where it reads a file rightly, else PyAV."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from vidsparse.data.reading.decoders import can_use_decord, inspect, open_decord, pyav_parts, read_pyav
from vidsparse.data.reading.frames import Frames, VideoInfo, output_size
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError

_log = logging.getLogger(__name__)
_told: set[tuple[Path, int, int]] = set()  # files and sizes of which the log says already that decord fails


class VideoReader:
    """Random access to one file's frames, numbered as the index counts them (see `decoders`).

    `info` comes from the index; without it the file is decoded once to find out. Raises ClipDecodeError, naming the
    file, if there is nothing to read.

    Every read opens a decoder and lets it go: one that stays open decodes ahead, in threads of its own, frames that
    nobody asked for (measured: half as much processor time again a clip), and it hangs in a process forked from this
    one. Which decoder gives the frames depends on the file, the size and the frames asked for, not on what was read
    before: the two may differ by 2 grey levels, and a run that is continued must see what it would have seen.
    """

    def __init__(self, path: Path, short_side: int | None = None, info: VideoInfo | None = None) -> None:
        info = info or inspect(path)
        if not info.n_frames:
            raise ClipDecodeError(info.error or f"{path}: no frame of this video can be decoded")
        self.path, self.n_frames, self.fps, self.decoder = path, info.n_frames, float(info.rate), info.decoder
        self.height, self.width = output_size(info.height, info.width, short_side)
        self.fell_back = self.decoder == "decord" and not can_use_decord(self.width)

    def read(self, indices: ArrayLike) -> Frames:
        """uint8 (n, height, width, 3), RGB, C-contiguous, of n frame numbers in any order, repeats allowed.

        Everything is decoded in one pass over the sorted, unique numbers: ask for all views of a video at once.
        Raises IndexError outside 0 .. n_frames - 1, ClipDecodeError if a frame cannot be had.
        """
        wanted, place = np.unique(np.asarray(indices, np.int64), return_inverse=True)
        if not wanted.size or wanted[0] < 0 or wanted[-1] >= self.n_frames:
            raise IndexError(f"{self.path}: frames {wanted.tolist()} of a video of {self.n_frames} frames")
        by_decord = self.decoder == "decord" and can_use_decord(self.width)
        frames = self._read_decord(wanted.tolist()) if by_decord else None
        if frames is None:
            frames = read_pyav(self.path, wanted.tolist(), self.height, self.width)
        return frames if np.array_equal(place, np.arange(len(frames))) else frames[place]

    def parts(self, numbers: Sequence[int], count: int) -> Iterator[Frames]:
        """The frames of these sorted, unique numbers, `count` at a time: those that one `read` of all would give."""
        by_decord = self.decoder == "decord" and can_use_decord(self.width)
        for start in range(0, len(numbers), count):
            frames = self._read_decord(list(numbers[start : start + count])) if by_decord else None
            if frames is None:
                yield from pyav_parts(self.path, numbers[start:], count, self.height, self.width)
                return
            yield frames

    def _read_decord(self, wanted: list[int]) -> Frames | None:
        """The frames by decord; None where it fails."""
        try:
            frames: Frames = open_decord(self.path, self.height, self.width).get_batch(wanted).asnumpy()
            if frames.shape == (len(wanted), self.height, self.width, 3):
                return frames
            self._tell(f"{len(frames)} frames of {len(wanted)}")
        except Exception as error:  # whatever decord raises, PyAV has the last word, but on what the file causes alone
            failures.check_hidden(error, self.path)
            self._tell(type(error).__name__)
        return None

    def _tell(self, reason: str) -> None:
        self.fell_back = True
        what = (self.path, self.height, self.width)
        if what not in _told:
            _told.add(what)
            _log.warning("%s: decord failed (%s), PyAV reads what decord cannot", self.path, reason)
