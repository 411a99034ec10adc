"""Files inside uncompressed tar archives, read where they lie: nothing is unpacked."""

import os
import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from vidsparse.utils import failures
from vidsparse.utils.errors import DataError, plural, some
from vidsparse.utils.progress import warn

_DEEPEST = 40  # links behind links, as Linux has it
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

    Behind them stand symbolic links to files and folders of the same archive, as the files that they lead to (in a
    linked folder, links to further folders are not followed). Those that lead elsewhere or nowhere are counted and
    named in a warning, and not read; devices are left out. Raises DataError for an archive that is compressed, cut off,
    damaged or continued behind its end, for files that stand twice or are stored with holes, and for names that lead
    out of it.
    """
    stat = path.stat()
    return dict(_members(path, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=64)
def _members(path: Path, size: int, changed: int) -> tuple[tuple[str, Member], ...]:
    found, links = dict[str, Member](), dict[str, str]()
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                name = _inside(path, info.name)
                if name in found or name in links:
                    raise DataError(f"{path}: {name!r} stands twice in it; pack it again with one of the two")
                if info.isreg() or info.islnk():
                    found[name] = _member(path, info, found)
                elif info.issym():
                    links[name] = info.linkname
            end = archive.offset
    except tarfile.TarError as error:
        raise DataError(
            f"{path} is no whole uncompressed tar ({error}): download it again, or decompress it once (gunzip)"
        ) from error
    _check_end(path, end, size)
    places = {link: _place(link, links) for link in links}
    linked = {link: found[place] for link, place in places.items() if place in found}
    folders = {link: _below(link, place, found | linked) for link, place in places.items() if link not in linked}
    if lost := [link for link, below in folders.items() if not below]:
        warn(f"{path}: {plural(len(lost), 'symbolic link')} to what is not in the archive, not read: {some(lost, 8)}")
    return (*found.items(), *linked.items(), *(item for below in folders.values() for item in below.items()))


def _place(link: str, links: Mapping[str, str]) -> str:
    """The path in the archive that a link leads to, over others; above the archive or absolute where it leads out."""
    place = link
    for _ in range(_DEEPEST):
        above = next((part for part in _parents(place) if part in links), None)
        if above is None:
            break
        place = posixpath.normpath(posixpath.join(posixpath.dirname(above), links[above]) + place[len(above) :])
    return place


def _below(link: str, place: str, files: Mapping[str, Member]) -> dict[str, Member]:
    """The files of the folder `place`, by their names below the link to it."""
    return {link + name[len(place) :]: file for name, file in files.items() if name.startswith(place + "/")}


def _parents(place: str) -> list[str]:
    """A path and all above it, the topmost first."""
    parts = place.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


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
