"""Counts what a process does to files, and ends it, or fills the disk, at one of these calls."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

CRASHED = 86  # exit code of a process that was made to crash


class Boundaries:
    """Counts what is done to files below the working folder, and crashes before the `at`-th of these calls.

    `how`: "exit" ends the process there, "torn" after half of what is written, "error" says that the disk is full.
    """

    CALLS = ("replace", "rename", "fsync", "unlink", "rmdir", "mkdir")

    def __init__(self, at: int = -1, how: str = "exit") -> None:
        self.at, self.how, self.seen = at, how, list[str]()
        self._inside = False

    def install(self) -> None:
        """Put the counting in the place of the calls, in this process."""
        import numpy as np
        import pandas as pd
        import pyarrow.parquet as pq
        import torch

        import vidsparse.training.engine as engine

        for name in self.CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        writers = [(Path, "write_bytes", 0), (Path, "write_text", 0), (torch, "save", 1), (pq, "write_table", 1),
                   (engine, "save_file", 1), (pd.DataFrame, "to_parquet", 1), (np, "savez_compressed", 0)]  # fmt: skip
        for owner, name, place in writers:
            setattr(owner, name, self._counted(name, getattr(owner, name), place))

    def _counted(self, name: str, call: Callable[..., object], place: int | None = None) -> Callable[..., object]:
        def counted(*arguments: object, **named: object) -> object:
            if self._inside or not self._ours(name, arguments, place):
                return call(*arguments, **named)
            self.seen.append(name)
            hit = len(self.seen) - 1 == self.at
            if hit and self.how == "error":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if hit and not (self.how == "torn" and place is not None):
                os._exit(CRASHED)
            self._inside = place is not None  # what a writer does within is one boundary
            try:
                found = call(*arguments, **named)
            finally:
                self._inside = False
            if hit:
                self._tear(arguments[place or 0])
            return found

        return counted

    def _ours(self, name: str, arguments: tuple[object, ...], place: int | None) -> bool:
        if name == "fsync":
            return True
        if name == "mkdir" and os.path.isdir(str(arguments[0])):
            return False
        path = arguments[place or 0]
        path = getattr(path, "name", path) if not isinstance(path, Path) else path
        return isinstance(path, str | Path) and not str(path).startswith(("/dev", "/proc"))

    def _tear(self, target: object) -> None:
        path = Path(str(getattr(target, "name", target) if not isinstance(target, Path) else target))
        if hasattr(target, "flush"):
            target.flush()
        os.truncate(path, path.stat().st_size // 2)
        os._exit(CRASHED)
