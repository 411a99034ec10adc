"""One array a corruption, as CIFAR-10-C is published, filled in by units that know nothing of one another.

Until the benchmark is whole an array is called .<name>.partial; a unit writes its rows there and is done when its
sidecar is.
"""

import contextlib
import io
import os
from pathlib import Path

import numpy as np

from vidsparse.utils.errors import WriteError


def header(shape: tuple[int, ...]) -> bytes:
    """What stands before the bytes of a .npy of this shape, uint8."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def partial(path: Path) -> Path:
    """What an array is called while it is not whole."""
    return path.with_name(f".{path.name}.partial")


def length(shape: tuple[int, ...]) -> int:
    """Bytes of the whole file."""
    return len(header(shape)) + int(np.prod(shape))


def place_rows(path: Path, shape: tuple[int, ...], first: int, rows: bytes) -> None:
    """Put rows into the array from row `first` on, and ask the disk to keep them. WriteError where it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # a whole array that is mended is not whole meanwhile
            os.replace(path, partial(path))
        handle = os.open(partial(path), os.O_RDWR | os.O_CREAT, 0o644)
        with open(handle, "r+b") as file:
            if os.fstat(handle).st_size != length(shape):
                os.ftruncate(handle, length(shape))
            file.write(header(shape))
            file.seek(len(header(shape)) + first * int(np.prod(shape[1:])))
            file.write(rows)
            file.flush()
            os.fsync(handle)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error


def rows_bytes(path: Path, shape: tuple[int, ...], first: int, count: int) -> bytes:
    """The bytes of `count` rows from row `first` on, as far as they are there."""
    row = int(np.prod(shape[1:]))
    with path.open("rb") as file:
        file.seek(len(header(shape)) + first * row)
        return file.read(count * row)


def publish(path: Path) -> None:
    """Give a whole array its name."""
    try:
        with contextlib.suppress(FileNotFoundError):
            os.replace(partial(path), path)
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}") from error
