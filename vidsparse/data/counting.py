"""Counting what files hold in watched processes: one that hangs or crashes costs its file, not the job."""

import hashlib
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from time import monotonic
from typing import Any

from vidsparse.data.frames import unreadable
from vidsparse.data.manifest import File, Found
from vidsparse.data.readers import READERS

Task = tuple[str, File]  # a row of READERS, and a file of its kind


@dataclass(frozen=True)
class Counted:
    """What a file holds, and its SHA-256 in hex; "" where the process did not live to say it."""

    found: Found
    sha256: str


def count(task: Task) -> Counted:
    """What a file holds, found out here and now."""
    reader, file = task
    path = Path(file.path)
    found = READERS[reader].inspect(path)
    try:
        return Counted(found, _sha256(path))
    except OSError:
        return Counted(found, "")


def _sha256(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its files' names and hashes."""
    if path.is_dir():
        inner = "".join(f"{_sha256(each)}  {each.name}\n" for each in sorted(path.iterdir()) if each.is_file())
        return hashlib.sha256(inner.encode()).hexdigest()
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def allowed(file: File, timeout_s: float) -> float:
    """Seconds that a file may take: a second more for each MiB, for all of it is decoded."""
    return timeout_s + file.size / 2**20


def watched(tasks: Sequence[Task], workers: int, timeout_s: float) -> Iterator[tuple[Task, Counted]]:
    """Each task with what was found, in the order in which they end; at most `workers` processes at a time.

    A process over its time is killed, one that dies is replaced; their file is unreadable and says so.
    """
    pending, context = list(reversed(tasks)), multiprocessing.get_context("forkserver")
    crew: list[_Worker] = []
    try:
        crew += [_Worker(context) for _ in range(min(max(1, workers), len(tasks)))]
        while True:
            for worker in crew:
                if worker.task is None and pending:
                    worker.begin(pending.pop(), timeout_s)
            busy = [worker for worker in crew if worker.task is not None]
            if not busy:
                return
            wait = max(0.0, min(worker.deadline for worker in busy) - monotonic())
            heard = connection.wait([worker.line for worker in busy], wait)
            for worker in busy:
                if worker.line in heard or monotonic() > worker.deadline:
                    task, counted, alive = worker.end(worker.line in heard, timeout_s)
                    if not alive:
                        crew[crew.index(worker)] = _Worker(context)
                    yield task, counted
    finally:
        for worker in crew:
            worker.kill()


class _Worker:
    """A process that counts one file after another."""

    def __init__(self, context: Any) -> None:
        self.line, far_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(far_end,), daemon=True)
        self._process.start()
        far_end.close()
        self.task: Task | None = None
        self.deadline = 0.0

    def begin(self, task: Task, timeout_s: float) -> None:
        self.task, self.deadline = task, monotonic() + allowed(task[1], timeout_s)
        with suppress(OSError):  # it died: `end` will hear it
            self.line.send(task)

    def end(self, spoke: bool, timeout_s: float) -> tuple[Task, Counted, bool]:
        """The task, what came of it, and whether this process can go on."""
        assert self.task is not None
        task, self.task = self.task, None
        if spoke:
            with suppress(EOFError, OSError):
                return task, self.line.recv(), True
            why = "the decoder crashed in this file"
        else:
            why = f"the decoder hangs in this file (not done in {allowed(task[1], timeout_s):.0f} s)"
        self.kill()
        return task, Counted((unreadable(f"{task[1].path}: {why}"),), ""), False

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self.line.close()


def _serve(line: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    with suppress(EOFError):
        while True:
            line.send(count(line.recv()))
