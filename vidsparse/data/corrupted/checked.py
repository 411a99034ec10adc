"""Which files of a benchmark were held against their digests on this machine, so that each is hashed once."""

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from vidsparse.utils.machine import user_cache

_UNITS = 64  # lists in memory; a worker reads one unit after another
_MARK = 16  # bytes


class Checked:
    """Marks of the files of a benchmark that are as they were written, in a list a unit, in the user's cache.

    A mark is a hash of the file's name, its SHA-256 and what every change of its content changes: inode, size, and the
    times of the last change of content and of state, in ns. A list is only ever appended to; half a line is no mark.
    Where nothing can be written, each process hashes for itself.
    """

    def __init__(self, root: Path) -> None:
        named = blake2b(os.fsencode(root.resolve()), digest_size=8).hexdigest()
        self._folder = user_cache() / "checked" / named
        self._lists: dict[str, set[str]] = {}

    @staticmethod
    def mark(name: str, sha256: str, stat: os.stat_result) -> str:
        """32 hex digits of a file in the state that `stat` says."""
        said = (name, sha256, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        return blake2b(repr(said).encode("utf-8", "surrogateescape"), digest_size=_MARK).hexdigest()

    def marks(self, unit: str) -> set[str]:
        """Those of a unit."""
        if unit not in self._lists:
            if len(self._lists) >= _UNITS:
                self._lists.clear()
            try:
                self._lists[unit] = set(self._path(unit).read_text("ascii").split("\n"))
            except (OSError, ValueError):
                self._lists[unit] = set()
        return self._lists[unit]

    def add(self, unit: str, marks: Iterable[str]) -> None:
        """Keep marks of a unit."""
        new = [mark for mark in marks if mark not in self.marks(unit)]
        self.marks(unit).update(new)
        with suppress(OSError):
            if new:
                self._path(unit).parent.mkdir(parents=True, exist_ok=True)
                with self._path(unit).open("ab") as file:
                    file.write(("\n" + "\n".join(new) + "\n").encode("ascii"))

    def _path(self, unit: str) -> Path:
        return self._folder / unit
