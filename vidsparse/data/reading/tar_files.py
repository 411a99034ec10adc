"""Files inside uncompressed tar archives, read where they lie: nothing is unpacked."""

import os
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from vidsparse.utils import failures
from vidsparse.utils.errors import DataError


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
    """{name in the archive: its bytes} of all files of a tar, in its order; links and devices are left out.

    Raises DataError for an archive that is compressed or cut off, and for names that lead out of it.
    """
    stat = path.stat()
    return dict(_members(path, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=64)
def _members(path: Path, size: int, changed: int) -> tuple[tuple[str, Member], ...]:
    found = []
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                name = PurePosixPath(info.name)
                if name.is_absolute() or ".." in name.parts:
                    raise DataError(f"{path}: {info.name!r} would lie outside the archive; do not use it")
                if info.isreg():
                    found.append((name.as_posix(), Member(path, info.offset_data, info.size)))
    except tarfile.TarError as error:
        raise DataError(
            f"{path} is no whole uncompressed tar ({error}): download it again, or decompress it once (gunzip)"
        ) from error
    if found and found[-1][1].offset + found[-1][1].size > size:
        raise DataError(f"{path} is cut off after {size} bytes; download it again")
    return tuple(found)
