"""One owner a folder: a lock that other machines see too, and that does not outlive its process.

A lock is a small file beside the work, made by `link` (atomic also over NFS, and never half written), that says which
process holds it. Whether that one lives is known at once on the same machine, from its number and start time; for
another machine from the file's time, which a living owner renews every few seconds by the clock of the file system.
"""

import json
import os
import signal
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

from vidsparse.utils import json_text
from vidsparse.utils.errors import VidsparseError, WriteError

NAME = ".lock"  # in the folder that it guards
RENEW = 10.0  # seconds between two signs of life
GONE = 120.0  # seconds without one after which an owner on another machine counts as dead
_given_back = set[str]()  # tokens of locks that this process held, whether or not their files could be removed


class Locked(VidsparseError):
    """Another living process does the same work; the message names it."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock. `boot` and `space` say on which running system, and in which of its process spaces."""

    host: str
    pid: int
    started: str
    boot: str
    space: str
    token: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.pid else "a process that cannot be named"

    def lives(self, silent: float) -> bool:
        """Whether the process is there and has not given it back; `silent`: seconds since its last sign of life."""
        if self.token in _given_back:
            return False
        here = _myself("")
        if self.pid and (self.host, self.boot, self.space) == (here.host, here.boot, here.space):
            return started(self.pid) == self.started != ""
        return silent < GONE


@contextmanager
def held(path: Path, what: str, wait: bool = False, stopping: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold the lock `path` while the body runs; `what` is the work, for the sentence that refuses.

    Raises Locked where another living process holds it. With `wait` it waits, until KeyboardInterrupt once `stopping()`
    is true.
    """
    mine = _acquire(path, what, wait, stopping)
    ended = threading.Event()
    threading.Thread(target=_renew, args=(path, mine, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        _given_back.add(mine.token)
        release(path, mine)


def owner_of(path: Path) -> Owner | None:
    """The living process that holds a lock; None where nobody does."""
    found = _read(path)
    return found if found and found.lives(_silence(path)) else None


def release(path: Path, mine: Owner) -> None:
    """Give a lock back, unless somebody else has it by now."""
    with suppress(OSError):
        found = _read(path)
        if found and found.token == mine.token:
            path.unlink()


def _acquire(path: Path, what: str, wait: bool, stopping: Callable[[], bool]) -> Owner:
    mine, asked = _myself(uuid4().hex), monotonic()
    while True:
        if _take(path, mine):
            _clear_claims(path)
            return mine
        holder = owner_of(path)
        if holder and not wait:
            raise Locked(f"{what}: {holder} is at work there; wait until it ends, or stop it")
        if not holder:
            _take_over(path, mine)
            if (found := _read(path)) and found.token == mine.token:
                return mine
        elif stopping():
            raise KeyboardInterrupt
        sleep(min(1.0, 0.01 + (monotonic() - asked) / 10) if holder else 0.01)


def _take(path: Path, mine: Owner) -> bool:
    """Make the lock file where there is none."""
    temporary = _temporary(path, mine)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(asdict(mine)))
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            return _take_alone(path, temporary.read_bytes())
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error
    return True


def _temporary(path: Path, mine: Owner) -> Path:
    """A name beside a lock that nobody else takes; `files.sweep` removes it where its process died meanwhile."""
    return path.with_name(f".{mine.token}.{mine.pid}-{mine.started}-{machine()}.tmp")


def _take_alone(path: Path, content: bytes) -> bool:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return True


def _take_over(path: Path, mine: Owner) -> None:
    """Replace the lock of a dead process by ours; of several that try only one does.

    Who may replace it is settled by a lock named after the dead one's token, which is held for a moment.
    """
    dead = _read(path)
    if dead is None or len(path.name) > 120 or dead.lives(_silence(path)):  # another one took it over meanwhile
        return
    claim = path.with_name(f"{path.name}.{dead.token[:12]}")
    if not _take(claim, mine):
        if owner_of(claim) is None:
            _take_over(claim, mine)
        if (found := _read(claim)) is None or found.token != mine.token:
            return
    try:
        still = _read(path)
        if still and still.token == dead.token:
            temporary = _temporary(path, mine)
            temporary.write_text(json.dumps(asdict(mine)))
            os.replace(temporary, path)
    finally:
        release(claim, mine)


def _clear_claims(path: Path) -> None:
    """Remove what processes left that died while they took this lock over; we hold it, so none is of use any more."""
    for claim in path.parent.glob(f"{path.name}.*"):
        found = _read(claim)
        if found and found.token and not found.lives(_silence(claim)):
            claim.unlink(missing_ok=True)


def _renew(path: Path, mine: Owner, ended: threading.Event) -> None:
    """Give signs of life; where the lock is another's by now, stop this process between two steps."""
    while not ended.wait(RENEW):
        with suppress(OSError):
            found = _read(path)
            if found and found.token != mine.token and not ended.is_set():
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return
            os.utime(path)


def _read(path: Path) -> Owner | None:
    """Who holds a lock; None where there is no such file. One that cannot be read belongs to nobody known."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except OSError:
        return Owner("", 0, "", "", "", "unreadable")
    try:
        return Owner(**json_text.parsed(text))
    except (ValueError, TypeError):
        return Owner("", 0, "", "", "", f"{zlib.crc32(text.encode()):08x}")


def _silence(path: Path) -> float:
    """Seconds since a lock was renewed, by the clock of its file system."""
    probe = _temporary(path, _myself(uuid4().hex))
    try:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime
    except OSError:
        return 0.0
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _myself(token: str) -> Owner:
    pid = os.getpid()
    return Owner(socket.gethostname(), pid, started(pid), _boot(), _space(), token)


def started(pid: int) -> str:
    """When a process began, in ticks since the system did; empty where there is none, or it has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _signalled(pid)
    return "" if state in "ZX" else fields[18]


def _signalled(pid: int) -> str:
    """Where there is no /proc: that there is such a process is all that can be known."""
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "unknown"
    return "unknown"


def machine() -> str:
    """Eight hex digits that tell the running systems and process spaces apart that may share a folder."""
    return f"{zlib.crc32(f'{socket.gethostname()} {_boot()} {_space()}'.encode()):08x}"


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _space() -> str:
    with suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""
