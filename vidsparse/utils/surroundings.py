"""What a command meets outside itself and must not stop for: closed or narrow streams, a log pipe that goes away."""

import errno
import locale
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")  # each says how threads wait
_GONE = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ENOSPC, errno.EDQUOT)


class Steady:
    """A stream whose reader may go away: what cannot be written any more is lost, and the work goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what the stream takes; letters that its encoding has not are spelled out."""
        with self._without_reader():
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                encoding = self._stream.encoding or "ascii"
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        with self._without_reader():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _without_reader(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the file was closed
            if isinstance(error, UnicodeError) or (isinstance(error, OSError) and error.errno not in _GONE):
                raise
            with suppress(OSError, ValueError):  # so that the flush at exit finds no broken pipe
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            self._stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the rest of the process


@contextmanager
def steady_streams() -> Iterator[None]:
    """While the body runs, standard output and error take whatever is written to them."""
    _fill_closed()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Steady(sys.stdout), Steady(sys.stderr)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def _fill_closed() -> None:
    """Open what the shell has closed (`>&-`): else the next file that is opened takes the number of the output."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the rest of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def prepare_environment() -> None:
    """What libraries read when they are imported: no figure window, no message of albumentations about updates.

    Threads of OpenMP, of which torch makes one a core, sleep while they wait for each other instead of spinning, in
    this process and those that it starts: see docs/speed.md. What the user has set stands.
    """
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    if not any(name in os.environ for name in _WAITING):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["MPLBACKEND"] = "agg"  # a notebook leaves module://matplotlib_inline.backend_inline to its children


def speak_utf8() -> None:
    """Start this Python again in UTF-8 mode where the locale is another: files must not depend on who is logged in."""
    if sys.flags.utf8_mode or locale.getencoding().lower().replace("-", "") == "utf8" or "PYTHONUTF8" in os.environ:
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
