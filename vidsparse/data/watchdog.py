"""Cutting off a decoder that hangs: only the end of its process helps, so the process says why and ends."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_listeners: list[Callable[[str], object]] = []


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
    """End this process with exit code 2 and one sentence naming `path` if the body takes longer than `seconds`.

    Decoders let go of the interpreter while they work, so a timer thread still runs beside one that never returns.
    """
    timer = threading.Timer(seconds, _give_up, (path, seconds))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
