"""Files inside uncompressed tar archives, read where they lie: nothing is unpacked."""

import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from vidsparse.utils import failures
from vidsparse.utils.errors import DataError

_BLOCK, _CHUNK = 512, 1 << 20  # bytes: of a tar's blocks, and what is looked at at once


@dataclass(frozen=True)
class Member:
    """A file in an archive: which bytes of it."""

    archive: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """The bytes; DataError where the archive is cut off."""
        with failures.reading(self.archive), self.archive.open("rb") as file:
            content = os.pread(file.fileno(), self.size, self.offset)
        if len(content) != self.size:
            raise DataError(f"{self.archive} ends within a file; download it again")
        return content


def members(path: Path) -> dict[str, Member]:
    """{name in the archive: its bytes} of all files of a tar, in its order; a hard link is the file that it names.

    Symbolic links and devices are left out. Raises DataError for an archive that is compressed, cut off, damaged or
    continued behind its end, for files that stand twice or are stored with holes, and for names that lead out of it.
    """
    stat = path.stat()
    return dict(_members(path, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=64)
def _members(path: Path, size: int, changed: int) -> tuple[tuple[str, Member], ...]:
    found = dict[str, Member]()
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                name = _inside(path, info.name)
                if name in found:
                    raise DataError(f"{path}: {name!r} stands twice in it; pack it again with one of the two")
                if info.isreg() or info.islnk():
                    found[name] = _member(path, info, found)
            end = archive.offset
    except tarfile.TarError as error:
        raise DataError(
            f"{path} is no whole uncompressed tar ({error}): download it again, or decompress it once (gunzip)"
        ) from error
    _check_end(path, end, size)
    return tuple(found.items())


def _member(path: Path, info: tarfile.TarInfo, before: Mapping[str, Member]) -> Member:
    """Where the bytes of a file stand; DataError where they do not stand there one after the other."""
    if info.issparse():
        raise DataError(
            f"{path}: {info.name!r} is stored with holes; pack it again without them (tar without --sparse)"
        )
    if not info.islnk():
        return Member(path, info.offset_data, info.size)
    first = PurePosixPath(info.linkname).as_posix()
    if first not in before:
        raise DataError(f"{path}: {info.name!r} is a link to {info.linkname!r}, which does not stand before it")
    return before[first]


def _inside(path: Path, name: str) -> str:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise DataError(f"{path}: {name!r} would lie outside the archive; do not use it")
    return parts.as_posix()


def _check_end(path: Path, end: int, size: int) -> None:
    """DataError unless a block of zeros, and nothing else than zeros, follows the last file.

    The reader takes any head that it cannot read for the end: one that is damaged, or cut off, or not there.
    """
    with failures.reading(path), path.open("rb") as file:
        file.seek(end)
        mark = file.read(_BLOCK)
        if len(mark) < _BLOCK:
            raise DataError(
                f"{path} is cut off after {size} bytes: the mark of its end is not there; download it again"
            )
        if any(mark):
            raise DataError(f"{path} is damaged at byte {end}, where a file or its end should begin; download it again")
        while rest := file.read(_CHUNK):
            if rest.count(0) < len(rest):
                raise DataError(f"{path} goes on behind its end (byte {end}), as tars do that were joined: unpack each")
