"""One classification of failures: what a file itself causes is the data's, what the machine causes is not.

A file that cannot be decoded is the data's (ClipDecodeError, DataError): it is counted and named. A mount that is away,
a disk that fails, a lack of memory or of file descriptors, a process that was killed are the machine's (MachineError):
work stops with one sentence, nothing of it is remembered, and the same command continues. Everything that reads a file
asks here which of the two an exception is.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from pathlib import Path
from stat import S_ISREG

from vidsparse.utils.errors import DataError, MachineError

_NOT_THERE = ("ENOENT", "ENOTDIR")
_AWAY = (
    *("ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT"),
    *("ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EREMOTEIO", "ESHUTDOWN", "ENOLINK"),
)
_HINTS = {
    **dict.fromkeys(_NOT_THERE, "it was there when the data set was listed: is a disk or a network mount away?"),
    **dict.fromkeys(_AWAY, "bring its disk or network mount back"),
    **dict.fromkeys(("EACCES", "EPERM"), "give this user the right to it"),
    **dict.fromkeys(("EMFILE", "ENFILE"), "raise the limit of open files (ulimit -n), or lower engine.workers"),
    **dict.fromkeys(("ENOSPC", "EDQUOT"), "make room on that disk"),
    "ENOMEM": "lower engine.workers, evaluation.batch_size or evaluation.max_clip_mb, or give the machine more memory",
    "EIO": "see to the disk or the network mount that it lies on",
    "EROFS": "make that disk writable",
    **dict.fromkeys(("EAGAIN", "EBUSY", "EINTR"), "the machine is busy: wait for it"),
}
HINTS = {number: hint for name, hint in _HINTS.items() if (number := getattr(errno, name, None)) is not None}
ABSENT = frozenset(getattr(errno, name) for name in _NOT_THERE)
_SAYINGS = {  # of libraries that have no errno: OpenCV, torch, Pillow
    errno.ENOMEM: ("nsufficient memory", "DefaultCPUAllocator", "out of memory", "not enough memory", "bad_alloc"),
    errno.EMFILE: ("oo many open files",),
    errno.ENOSPC: ("o space left on device",),
    errno.EIO: ("Input/output error",),
}
_SPARE = 256 << 20  # bytes; a machine that cannot promise them is short of memory
_PIECE, _ENOUGH = 4 << 20, 1 << 30  # bytes that are read at once, and of one file to see whether it can be read


def machine_errno(error: BaseException, known: bool = False) -> int:
    """The errno of what the machine did to cause `error` or what caused that; 0 where the machine did nothing.

    An absent file is the machine's only where it is `known`: where it was there before.
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if number := _errno_of(cause, known):
            return number
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return 0


def check(error: BaseException, path: Path | str, known: bool = False) -> None:
    """Raise MachineError, naming `path`, where the machine caused `error`; return where the file may have."""
    if isinstance(error, MachineError):
        raise error
    if number := machine_errno(error, known):
        raise MachineError(sentence(path, number)) from error


def check_readable(path: Path) -> None:
    """Raise MachineError where a known file, or any file of a known folder, cannot be read to its end now.

    For errors that do not say what caused them: decoders call a vanished file or a failing disk bad data, or its end.
    """
    try:
        for each in sorted(path.iterdir()) if path.is_dir() else (path,):
            if path == each or each.is_file():
                _read_through(each)
    except (OSError, MemoryError) as error:
        number = machine_errno(error, known=True)
        if number:
            raise MachineError(sentence(path, number)) from error


def check_hidden(error: BaseException, path: Path) -> None:
    """`check` for an error of decord, which hides what the system said: is the machine short of anything now?"""
    check(error, path, known=True)
    check_readable(path)
    if short_of_memory():
        raise MachineError(sentence(path, errno.ENOMEM)) from error


@contextmanager
def reading(path: Path, known: bool = True) -> Iterator[None]:
    """Around reading a file that is known to be there: what the machine causes is a MachineError, the rest stays.

    An error of the data passes only when the file could still be read to its end after it. Where it is not `known`
    whether the file was ever there, an absent one is the data's.
    """
    try:
        yield
    except (IndexError, MachineError):
        raise
    except Exception as error:
        check(error, path, known)
        if isinstance(error, DataError | OSError) and (known or os.path.lexists(path)):
            check_readable(path)
        raise


@contextmanager
def at_work(what: str) -> Iterator[None]:
    """Around work that reads nothing itself, such as a corruption: a lack of memory there is the machine's too."""
    try:
        yield
    except Exception as error:
        check(error, what)
        raise


def sentence(path: Path | str, number: int) -> str:
    """What is wrong, where, and the way on."""
    hint = HINTS.get(number, "see to the machine")
    why = "there is not enough memory" if number == errno.ENOMEM else os.strerror(number)
    return f"{path}: {why}; {hint} (this is no fault of the data: nothing of it is kept, the same command continues)"


def is_file(path: Path) -> bool:
    """Whether a file is there; MachineError where that cannot be told, which `Path.is_file` calls absent."""
    try:
        return S_ISREG(os.stat(path).st_mode)
    except ValueError:  # no name that a file can have
        return False
    except OSError as error:
        check(error, path)
        return False


def remembered(text: str) -> bool:
    """Whether a remembered reason is one that should never have been: old counts kept errors of the machine."""
    sayings = (*map(os.strerror, HINTS), "MemoryError", "the decoder hangs in this file (not done in")
    return any(words in text for words in sayings)


def short_of_memory(size: int = _SPARE) -> bool:
    """Whether the machine cannot promise `size` more bytes to this process."""
    try:
        mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS).close()
    except (OSError, MemoryError, ValueError):
        return True
    return False


def _errno_of(error: BaseException, known: bool) -> int:
    number = getattr(error, "errno", None) or 0
    if type(error).__module__.partition(".")[0] == "av":  # FFmpeg calls bad data ENOMEM, EIO and many things more
        return _errno_of_ffmpeg(number)
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, OSError) and number:
        return number if number in HINTS and (known or number not in ABSENT) else 0
    if isinstance(error, OSError | RuntimeError) or type(error).__module__.partition(".")[0] == "cv2":
        return next((number for number, said in _SAYINGS.items() if any(words in str(error) for words in said)), 0)
    return 0


def _errno_of_ffmpeg(number: int) -> int:
    if number in (errno.EMFILE, errno.ENFILE, errno.EACCES):  # from opening files alone
        return number
    return errno.ENOMEM if number == errno.ENOMEM and short_of_memory() else 0


def _read_through(path: Path) -> None:
    stat = path.stat()
    if not S_ISREG(stat.st_mode):  # a pipe would wait for ever
        return
    buffer = bytearray(min(_PIECE, max(1, stat.st_size)))
    with path.open("rb", buffering=0) as file:
        while file.tell() < _ENOUGH and file.readinto(buffer):
            pass
        file.seek(max(0, stat.st_size - len(buffer)))
        file.readinto(buffer)
