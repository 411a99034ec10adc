"""Counts what a process does to files, and lets forks of it crash, or find the disk full, at any of these calls.

A fork crashes in the working folder, and what it left there is moved away; the process itself goes on in a copy of
before: one run of the work serves every crash in it.
"""

import errno
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CRASHED = 86  # exit code of a process that was made to crash
HUNG = -signal.SIGKILL  # of one that was still there at its time limit


class Boundaries:
    """Counts what is done to files below the working folder; before call number n it forks for each of `crashes[n]`.

    "exit": the fork ends before the call. "torn": it ends after half of what is written. "error": it is told that the
    disk is full, and goes on from there. What each left in the working folder is `out/<n>_<how>`; `ended` holds their
    exit codes.
    """

    CALLS = ("replace", "rename", "link", "fsync", "unlink", "rmdir", "mkdir")

    def __init__(
        self, crashes: Mapping[int, Sequence[str]] | None = None, out: Path = Path(), limit: float = 0
    ) -> None:
        self.crashes, self.out, self.limit = crashes or {}, out, limit
        self.seen, self.ended = list[str](), dict[str, int]()
        self.pid, self._inside = 0, False

    def install(self) -> None:
        """Put the counting in the place of the calls, in this process; forks of the work itself are not counted."""
        import numpy as np
        import pandas as pd
        import pyarrow.parquet as pq
        import torch

        import vidsparse.training.engine as engine
        from vidsparse.run_dir.csv_log import CsvLog

        self.pid = os.getpid()
        for name in self.CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        for name, owner, place in (("write_bytes", Path, 0), ("write_text", Path, 0), ("save", torch, 1),
                                   ("write_table", pq, 1), ("save_file", engine, 1), ("to_parquet", pd.DataFrame, 1),
                                   ("savez_compressed", np, 0), ("add", CsvLog, 0)):  # fmt: skip
            setattr(owner, name, self._counted(name, getattr(owner, name), place))

    def _counted(self, name: str, call: Callable[..., object], place: int | None = None) -> Callable[..., object]:
        def counted(*arguments: object, **named: object) -> object:
            if self._inside or os.getpid() != self.pid or not self._ours(name, arguments, place):
                return call(*arguments, **named)
            self.seen.append(name)
            self._inside = True  # what a writer does within is one boundary
            try:
                for how in self.crashes.get(len(self.seen) - 1, ()):
                    self._fork(how, call, arguments, named, place)
                self._inside = place is not None
                return call(*arguments, **named)
            finally:
                self._inside = False

        return counted

    def _fork(
        self, how: str, call: Callable[..., object], arguments: Sequence[object], named: Mapping[str, object],
        place: int | None,
    ) -> None:  # fmt: skip
        name, here, spare = f"{len(self.seen) - 1}_{how}", os.getcwd(), self.out / "spare"
        shutil.copytree(here, spare)
        child = os.fork()
        if child:
            self.ended[name] = wait_for(child, self.limit)
            os.rename(here, self.out / name)
            os.rename(spare, here)
            os.chdir(here)
            _open_again(self.out / name, here)
            return
        if how == "error":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if how == "torn":
            call(*arguments, **named)
            _tear(arguments[place or 0])
        os._exit(CRASHED)

    def _ours(self, name: str, arguments: Sequence[object], place: int | None) -> bool:
        if name in ("fsync", "add"):
            return True
        if name == "mkdir" and os.path.isdir(str(arguments[0])):
            return False
        path = arguments[place or 0]
        path = getattr(path, "name", path) if not isinstance(path, Path) else path
        return isinstance(path, str | Path) and os.path.abspath(path).startswith(f"{os.getcwd()}/")


def writes(name: str) -> bool:
    """Whether a call writes something that can be cut in half."""
    return name not in Boundaries.CALLS


def wait_for(child: int, limit: float) -> int:
    """The exit code of a fork, which is killed with its own children after `limit` seconds; minus a signal's number."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _open_again(left: Path, here: str) -> None:
    """Files and folders of a folder that are open go on in its copy, which stands in its place now."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:  # the one that listed the folder
            continue
        if not path.startswith(f"{left}/") or not (os.path.isfile(path) or os.path.isdir(path)):
            continue
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        copy = os.open(os.path.join(here, os.path.relpath(path, left)), flags)
        if os.path.isfile(path):  # a folder's place is an order of its own
            os.lseek(copy, os.lseek(descriptor, 0, os.SEEK_CUR), os.SEEK_SET)
        os.dup2(copy, descriptor)
        os.close(copy)


def _tear(target: object) -> None:
    """Cut half of a file that was just written away, of a log half of its last line."""
    grows = hasattr(target, "_file")
    target = target._file if hasattr(target, "_file") else target
    path = Path(str(getattr(target, "name", target) if not isinstance(target, Path) else target))
    if hasattr(target, "flush"):
        target.flush()
    size = path.stat().st_size
    last = len(path.read_bytes().splitlines(keepends=True)[-1]) if grows else size
    os.truncate(path, size - (last + 1) // 2)
