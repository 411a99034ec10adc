"""Telling a decoder that hangs from a machine that is slow, and cutting it off: only the end of its process helps.

What counts is not the time on the wall but the time that the work had since it last got on: the processor's, and that
in which it waited while nothing was read. Time in which a busy machine let it wait for a processor counts for nothing.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Protocol

TICK = 0.25  # seconds between looks
_listeners: list[Callable[[str], object]] = []


class Watch(Protocol):
    """Whoever wants to know that work gets on."""

    def got_on(self) -> None:
        """A frame, a picture or an entry more is done."""


watching: list[Watch] = []  # in this process


def got_on() -> None:
    """Say that a frame, a picture or an entry more is done: what gets on does not hang."""
    for watch in watching:
        watch.got_on()


class _Use(NamedTuple):
    """What a process has used: seconds of a processor, seconds of waiting for one, and a count of what it has read."""

    ran: float
    delayed: float
    read: int


class Clock:
    """How long a process has had for its work since it last got on, in seconds: `ran` and `waited`.

    Look at it each TICK: a longer pause counts as two, because then the one who looks was kept waiting as well.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._pid = os.getpid() if pid is None else pid
        self.ran = self.waited = 0.0
        self._before, self._use = monotonic(), _use(self._pid)

    def got_on(self) -> None:
        """Begin again from 0."""
        self.ran = self.waited = 0.0

    def look(self) -> float:
        """`ran` + `waited` by now."""
        now, use = monotonic(), _use(self._pid)
        passed = min(now - self._before, 2 * TICK)
        ran = min(passed, max(0.0, use.ran - self._use.ran))
        delayed = max(0.0, use.delayed - self._use.delayed)
        self.waited = 0.0 if use.read > self._use.read else self.waited + max(0.0, passed - ran - delayed)
        self.ran += ran
        self._before, self._use = now, use
        return self.ran + self.waited


@contextmanager
def heard_by(listener: Callable[[str], object]) -> Iterator[None]:
    """While the body runs, let `listener` hear the last words of a process that is cut off."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextmanager
def limited(path: Path, seconds: float) -> Iterator[None]:
    """End this process with exit code 2 and one sentence naming `path` if the body hangs (see Clock) for `seconds`.

    Decoders let go of the interpreter while they work, so a thread still runs beside one that never returns.
    """
    clock, done = Clock(), threading.Event()
    threading.Thread(target=_watch, args=(path, seconds, clock, done), daemon=True).start()
    watching.append(clock)
    try:
        yield
    finally:
        watching.remove(clock)
        done.set()


def _watch(path: Path, seconds: float, clock: Clock, done: threading.Event) -> None:
    while not done.wait(min(TICK, seconds)):
        if clock.look() > seconds and not done.is_set():
            _give_up(path, seconds)


def _give_up(path: Path, seconds: float) -> None:
    words = (
        f"{path}: the decoder hangs in this file (not done in {seconds:g} s); raise data.timeout_s and the run "
        "continues, or remove the file and start under another name="
    )
    for listener in _listeners:
        listener(words)
    sys.stdout.flush()
    sys.stderr.write(f"\n{words}\n")
    sys.stderr.flush()
    os._exit(2)


def _use(pid: int) -> _Use:
    """What a process has used so far, all its threads together; zeros where the system does not tell."""
    ran = delayed = 0
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            times = _numbers(f"/proc/{pid}/task/{thread}/schedstat")
            ran, delayed = ran + times[0], delayed + times[1]
        fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        read = int(fields[9])  # pages that had to come from the disk
        read += int(_text(f"/proc/{pid}/io").split()[9])  # bytes that came from the disk
    except (OSError, ValueError, IndexError):
        return _Use(ran / 1e9, delayed / 1e9, 0)
    return _Use(ran / 1e9, delayed / 1e9, read)


def _numbers(path: str) -> list[int]:
    return [int(each) for each in _text(path).split()]


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()
