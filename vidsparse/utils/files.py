"""Files that are whole or absent: written under a temporary name, synced, renamed.

What numbers are computed from is sealed: beside FILE stands FILE.sha256, its digest in the form of sha256sum. It is
written before the file takes its name, so that a kill between the two leaves no file, or one that is made again.
"""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from types import TracebackType
from typing import Self

from vidsparse.utils import locks
from vidsparse.utils.errors import DamagedFile, WriteError
from vidsparse.utils.progress import warn

SEAL = ".sha256"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_SAID = ("PytorchStreamWriter", "inline_container", "unexpected pos")  # by torch where its file cannot grow


def at_home(path: str | Path) -> Path:
    """A path in which a leading ~ or ~user is that folder; as it is where there is no such user."""
    return Path(os.path.expanduser(path))


@contextmanager
def replacing(path: Path, sealed: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed to it, on failure removed.

    The body may write a file or make a folder. `sealed` writes the digest of a file beside it. A full disk or a
    read-only folder becomes one sentence.
    """
    temporary = temporary_for(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _open_to_others(temporary)
        _sync(temporary)
        if sealed:
            write(seal_of(path), f"{digest(temporary)}  {path.name}\n")
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
        _sync(path.parent, recursive=False)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error
    except Exception as error:
        if not _failed_to_write(error):
            raise
        room = shutil.disk_usage(path.parent).free >> 20
        raise WriteError(f"{path} cannot be written; {room} MiB are free on that disk") from error
    finally:
        remove(temporary)


def write(path: Path, content: str | bytes) -> None:
    """Write a whole small file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def save(path: Path, writer: Callable[[Path], object], sealed: bool = False) -> None:
    """Let `writer(temporary)` write a file that only takes a path, atomically; `sealed` with its digest beside it."""
    with replacing(path, sealed) as temporary:
        writer(temporary)


def seal_of(path: Path) -> Path:
    """Where the digest of a file stands."""
    return path.with_name(path.name + SEAL)


def seal(path: Path) -> None:
    """Write the digest of a file that grew where it is and is now done."""
    write(seal_of(path), f"{digest(path)}  {path.name}\n")


def check(path: Path) -> bool:
    """Whether a file is as it was written: True where its digest says so, False where it has none (older runs).

    Raises:
        DamagedFile: it has another digest than the one that was written with it, or that one is no digest.
    """
    try:
        said = seal_of(path).read_bytes()
    except FileNotFoundError:
        return False
    if not path.exists():
        return False  # a kill came between the two
    if said != f"{digest(path)}  {path.name}\n".encode():
        raise DamagedFile(
            f"{path} is damaged: its SHA-256 is not that of {path.name}{SEAL}, written with it; put back a whole copy, "
            "or give the command of the run again, which makes it anew"
        )
    return True


def differs(path: Path) -> bool:
    """Whether a file has a digest beside it and is not what was written."""
    try:
        check(path)
    except DamagedFile:
        return True
    return False


def is_kept(path: Path) -> bool:
    """Whether a file is there and not damaged; one that is damaged is said and removed, so that it is made again."""
    try:
        check(path)
    except DamagedFile as error:
        warn(f"{str(error).partition(';')[0]}; it is made again")
        remove(path)
    return path.exists()


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder; if it is not there, `make(temporary)` fills it. Another process that is faster makes the same one."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=".sample-", dir=folder.parent))
        try:
            make(making)
            making.chmod(0o755)
            making.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def remove(path: Path) -> None:
    """Remove a file with its digest, or a whole folder, if it is there; a kill leaves what `sweep` takes."""
    if path.is_dir() and not path.is_symlink():
        if not path.name.endswith(".tmp"):
            path = path.rename(temporary_for(path))
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()
        seal_of(path).unlink(missing_ok=True)


def _failed_to_write(error: BaseException | None) -> bool:
    """Whether torch, safetensors or zipfile say in their own way, or after it, what others say by OSError."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if type(error).__name__ == "SafetensorError" or any(words in str(error) for words in _SAID):
            return True
        error = error.__cause__ or error.__context__
    return False


def _open_to_others(path: Path) -> None:
    """Give what a library made for its owner alone (safetensors: 0600) the permissions that every file gets."""
    for entry in path.iterdir() if path.is_dir() else (path,):
        os.chmod(entry, 0o666 & ~_umask())


def _umask() -> int:
    """The mask of this process; it can only be read by setting it, for that moment to the strictest."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def temporary_for(path: Path) -> Path:
    """The name under which this process writes `path`; another process, here or elsewhere, has another one."""
    name, pid = path.name, os.getpid()
    if len(os.fsencode(name)) > 180:  # file systems take 255 bytes
        name = hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()
    return path.with_name(f".{name}.{pid}-{locks.started(pid)}-{locks.machine()}.tmp")


def sweep(folder: Path) -> None:
    """Remove what `replacing` left behind in a folder tree when its process was killed, and nothing of a living one."""
    for leftover in [*folder.rglob(".*.tmp")] if folder.is_dir() else ():
        if not _in_writing(leftover):
            remove(leftover)


def _in_writing(temporary: Path) -> bool:
    """Whether the process that made a temporary file may still be at it."""
    found = re.search(r"\.(\d+)-(\w*)-([0-9a-f]{8})\.tmp$", temporary.name)
    if found is None or int(found[1]) == os.getpid():
        return False
    if found[3] == locks.machine():
        return locks.started(int(found[1])) == found[2] != ""
    try:
        return time() - temporary.stat().st_mtime < locks.GONE
    except OSError:
        return False


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path, recursive: bool = True) -> None:
    """Ask the disk to keep it: a file, or a folder and its entries."""
    for entry in path.iterdir() if recursive and path.is_dir() else ():
        _sync(entry)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Together:
    """`with Together() as unit`: `unit.write(path, content)` any number of files; all appear when the body is done.

    They are written under temporary names, then all synced, then all renamed; none appears where the body fails.
    A full disk or a read-only folder becomes one sentence.
    """

    def __init__(self) -> None:
        self._waiting: dict[Path, Path] = {}

    def __enter__(self) -> Self:
        return self

    def write(self, path: Path, content: bytes) -> None:
        """Write one file under its temporary name."""
        with _told(path):
            self.place(path).write_bytes(content)

    def place(self, path: Path) -> Path:
        """The temporary name of a file, to be written by somebody else."""
        self._waiting[path] = temporary_for(path)
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        return self._waiting[path]

    def settle(self, path: Path, sha256: str) -> None:
        """Leave a file that was placed alone where the same content (SHA-256 in hex) stands there already."""
        with _told(path):
            if path.is_file() and digest(path) == sha256:
                self._waiting.pop(path).unlink()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._appear()
        finally:
            for temporary in self._waiting.values():
                temporary.unlink(missing_ok=True)

    def _appear(self) -> None:
        for path, temporary in self._waiting.items():
            with _told(path):
                _sync(temporary)
        for path, temporary in self._waiting.items():
            with _told(path):
                os.replace(temporary, path)
        for folder in {path.parent for path in self._waiting}:
            with _told(folder):
                _sync(folder, recursive=False)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an error of the disk into one sentence."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error
