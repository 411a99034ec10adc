"""Decoded frames of test videos kept on disk, so that the next model that looks at them need not decode.

A file is a header (magic, CRC-32, length) and the raw frames, mapped when it is read. It is written under a temporary
name and renamed, so that a kill leaves no half of one; what a crash of the machine damages fails its CRC and is made
again. The least recently used files go when the cache is full. Several processes may share a folder.
"""

import logging
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.data.reading.frames import Frames
from vidsparse.utils import files

_log = logging.getLogger(__name__)
_HEADER = struct.Struct("<4sIQ")
_MAGIC = b"VSF1"
_SUFFIX = ".frames"
_LOOK_AFTER = 64 << 20  # bytes written between looks at how full the folder is
_FREE = 1 << 30  # bytes of the disk that are left to others


def frame_key(*parts: Any) -> str:
    """The name of frames: a hash of everything that decides their bytes; arrays count by type and content."""
    digest = blake2b(digest_size=16)
    for part in parts:
        is_array = isinstance(part, np.ndarray)
        whole = f"{part.dtype}{part.shape}".encode() + part.tobytes() if is_array else repr(part).encode()
        digest.update(len(whole).to_bytes(8, "little") + whole)
    return digest.hexdigest()


class FrameCache:
    """Frames in a folder, at most `size` bytes of them. Picklable; a copy in another process shares the folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self.hits = self.misses = 0
        self._since_look = _LOOK_AFTER
        self._off = False

    def get(self, key: str, shape: Sequence[int], make: Callable[[], Frames]) -> Frames:
        """The uint8 frames of this key and shape, read-only where they come from the disk, else made and kept."""
        kept = self._load(self.folder / f"{key}{_SUFFIX}", tuple(shape))
        if kept is not None:
            self.hits += 1
            return kept
        self.misses += 1
        frames = make()
        if not self._off and frames.nbytes <= self.size:
            self._keep(self.folder / f"{key}{_SUFFIX}", frames)
        return frames

    def _load(self, path: Path, shape: tuple[int, ...]) -> Frames | None:
        try:
            with path.open("rb") as file:
                magic, crc, length = _HEADER.unpack(file.read(_HEADER.size))
            content: NDArray[np.uint8] = np.memmap(path, np.uint8, "r", _HEADER.size)
            if (magic, length, content.size) == (_MAGIC, prod(shape), prod(shape)) and zlib.crc32(content.data) == crc:
                os.utime(path)
                return content.reshape(shape)
            path.unlink()
        except (OSError, ValueError, struct.error):
            pass
        return None

    def _keep(self, path: Path, frames: Frames) -> None:
        temporary = files.temporary_for(path)
        frames = np.ascontiguousarray(frames)
        try:
            self._make_room(frames.nbytes)
            with temporary.open("wb") as file:
                file.write(_HEADER.pack(_MAGIC, zlib.crc32(frames.data), frames.size))
                file.write(frames.data)
            temporary.replace(path)
        except OSError as error:
            self._off = True
            files.remove(temporary)
            _log.warning("%s: frames are not kept from here on (%s)", self.folder, error.strerror or error)

    def _make_room(self, wanted: int) -> None:
        """Remove the files used longest ago until `wanted` bytes and a look's worth fit; look only now and then."""
        self._since_look += wanted
        if self._since_look < _LOOK_AFTER:
            return
        self._since_look = 0
        self.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free < _FREE + _LOOK_AFTER:
            raise OSError("the disk is nearly full")
        files.sweep(self.folder)
        found = [(entry.stat().st_mtime, entry.stat().st_size, Path(entry)) for entry in os.scandir(self.folder)]
        total = sum(size for _, size, _ in found) + wanted
        for _, size, path in sorted(found):
            if total <= max(0, self.size - _LOOK_AFTER):
                return
            files.remove(path)
            total -= size
