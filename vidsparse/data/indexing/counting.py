"""Counting what files hold in watched processes: one that hangs or crashes costs its file, not the job."""

import hashlib
import multiprocessing
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from time import monotonic
from typing import Any

from corruptions import outside
from vidsparse.data.indexing.manifest import File, Found
from vidsparse.data.indexing.partial_counts import PartialCount
from vidsparse.data.reading import watchdog
from vidsparse.data.reading.frames import unreadable
from vidsparse.data.reading.readers import READERS, inspected
from vidsparse.data.reading.watchdog import Clock
from vidsparse.utils import failures
from vidsparse.utils.errors import MachineError, plural, some

Task = tuple[str, File]  # a row of READERS, and a file of its kind
_PATIENCE = 5.0  # seconds in which a file must answer whose decoder waits for something
_HERALD = 0.5  # seconds between words of a process that gets on


@dataclass(frozen=True)
class Counted:
    """What a file holds, and its SHA-256 in hex; "" where the process did not live to say it, or was not asked."""

    found: Found
    sha256: str


def count(task: Task, hashed: bool = True) -> Counted:
    """What a file holds, found out here and now; MachineError where the machine keeps it from being read."""
    found = entries_of(task)
    path = Path(task[1].path)
    with failures.reading(path):
        return Counted(found, _sha256(path) if hashed else "")


def entries_of(task: Task) -> Found:
    """What a file holds, found out here and now; a count of many entries that was killed before goes on."""
    reader, file = task
    if READERS[reader].go_on is None:
        return inspected(reader, Path(file.path))
    tally = PartialCount(file)
    found = inspected(reader, Path(file.path), tally)
    tally.finish()
    return found


def _sha256(path: Path) -> str:
    """SHA-256 of a file; of a folder, that of its files' names and hashes."""
    watchdog.got_on()
    if path.is_dir():
        inner = "".join(f"{_sha256(each)}  {each.name}\n" for each in sorted(path.iterdir()) if each.is_file())
        return hashlib.sha256(inner.encode()).hexdigest()
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def allowed(file: File, timeout_s: float) -> float:
    """Seconds that a file may take to get on: a second more for each MiB, for all of it may be read for that."""
    return timeout_s + file.size / 2**20


def watched(
    tasks: Sequence[Task], workers: int, timeout_s: float, hashed: bool = True
) -> Iterator[tuple[Task, Counted]]:
    """Each task with what was found, in the order in which they end; at most `workers` processes at a time.

    A process that hangs (see watchdog.Clock) or crashes is replaced; its file is unreadable and says so. A process that
    is killed from outside says nothing of its file: all others are counted, then MachineError names it.
    """
    pending, context = list(reversed(tasks)), multiprocessing.get_context("forkserver")
    crew: list[_Worker] = []
    killed: list[str] = []
    try:
        crew += [_Worker(context, hashed) for _ in range(min(max(1, workers), len(tasks)))]
        while True:
            for worker in crew:
                if worker.task is None and pending:
                    worker.begin(pending.pop(), timeout_s)
            busy = [worker for worker in crew if worker.task is not None]
            if not busy:
                break
            heard = connection.wait([worker.line for worker in busy], watchdog.TICK)
            for worker in busy:
                answer = worker.hear() if worker.line in heard else worker.look()
                if answer is None:
                    continue
                task, counted = answer
                if not worker.alive:
                    crew[crew.index(worker)] = _Worker(context, hashed)
                if counted is None:
                    killed.append(task[1].path)
                else:
                    yield task, counted
    finally:
        for worker in crew:
            worker.kill()
    if killed:
        raise MachineError(
            f"the processes that counted {plural(len(killed), 'file')} were killed, perhaps for lack of memory "
            f"({some(killed)}): all others are counted and kept, and the same command continues; use fewer workers"
        )


class _Worker:
    """A process that counts one file after another."""

    def __init__(self, context: Any, hashed: bool) -> None:
        self.line, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far_end, hashed, tuple(outside.LOADED.values())), daemon=True
        )
        self._process.start()
        far_end.close()
        self.task: Task | None = None
        self.alive = True
        self._limit = 0.0
        self._clock = Clock(self._process.pid)

    def begin(self, task: Task, timeout_s: float) -> None:
        self.task, self._limit = task, allowed(task[1], timeout_s)
        self._clock = Clock(self._process.pid)
        with suppress(OSError):  # it died: `hear` will find out
            self.line.send(task)

    def hear(self) -> tuple[Task, Counted | None] | None:
        """The task and what came of it, None for that where it was killed; None where it only gets on."""
        try:
            said = self.line.recv()
        except (EOFError, OSError):
            return self._died()
        if said is None:
            self._clock.got_on()
            return None
        if isinstance(said, MachineError):
            raise said
        return self._taken(), said

    def look(self) -> tuple[Task, Counted] | None:
        """The task and that it hangs; None where it does not."""
        if self._clock.look() <= self._limit:
            return None
        assert self.task is not None
        path = Path(self.task[1].path)
        if self._clock.waited > self._clock.ran:
            _check_answers(path, self._limit)
        return self._lost(f"the decoder hangs in this file (no step further in {self._limit:.0f} s)")

    def kill(self) -> None:
        self.alive = False
        self._process.kill()
        self._process.join()
        self.line.close()

    def _died(self) -> tuple[Task, Counted | None]:
        self._process.join()
        code = -(self._process.exitcode or 0)
        if code in (signal.SIGKILL, signal.SIGTERM):  # the one of the kernel when memory ends, that of a scheduler
            self.kill()
            return self._taken(), None
        how = signal.Signals(code).name if code in set(signal.Signals) else f"code {-code}"
        assert self.task is not None
        failures.check_readable(Path(self.task[1].path))
        return self._lost(f"the decoder crashed in this file ({how})")

    def _lost(self, why: str) -> tuple[Task, Counted]:
        self.kill()
        task = self._taken()
        return task, Counted((unreadable(f"{task[1].path}: {why}"),), "")

    def _taken(self) -> Task:
        assert self.task is not None
        task, self.task = self.task, None
        return task


def _check_answers(path: Path, seconds: float) -> None:
    """MachineError where a file cannot be read either by somebody else: then it is its disk that hangs."""
    failed: list[MachineError] = []

    def read() -> None:
        try:
            failures.check_readable(path)
        except MachineError as error:
            failed.append(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(_PATIENCE)
    if failed:
        raise failed[0]
    if reader.is_alive():
        raise MachineError(
            f"{path}: nothing of it arrived in {seconds:.0f} s; bring its disk or network mount back, and the same "
            "command continues: what was counted is kept"
        )


class _Herald:
    """Tells the parent now and then that the work gets on."""

    def __init__(self, line: Any) -> None:
        self._line, self._last = line, monotonic()

    def got_on(self) -> None:
        if monotonic() - self._last > _HERALD:
            self._last = monotonic()
            self._line.send(None)


def _serve(line: Any, hashed: bool, plugins: Sequence[outside.Plugin]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    watchdog.watching.append(_Herald(line))
    try:
        outside.arrive(plugins)
    except outside.PluginError as error:  # no fault of a file
        line.send(MachineError(str(error)))
        return
    with suppress(EOFError):
        while True:
            task = line.recv()
            try:
                line.send(count(task, hashed))
            except MachineError as error:
                line.send(error)
