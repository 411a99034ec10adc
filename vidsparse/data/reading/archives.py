"""Files of many images: the published CIFAR archives, JPEGs packed in one .npz, arrays in .npy.

A file is opened once a process; image i is then a slice of memory, mapped from the disk where the format allows.
"""

import hashlib
import io
import pickle
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.data.reading.frames import Frames, Tally, VideoInfo, unreadable
from vidsparse.data.reading.image_files import decode, still
from vidsparse.data.reading.watchdog import got_on
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError, DataError, brief

# MD5 of the published files (cs.toronto.edu/~kriz/cifar.html), as torchvision.datasets has them.
CIFAR_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
_CIFAR_SIDE = 32
_CIFAR_BYTES = 3 * _CIFAR_SIDE**2


Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Pictures:
    """A file of images: how many, image i as uint8 (H, W, 3), and what of its labels the file holds itself."""

    count: int
    at: Callable[[int], Frames]
    decoder: str
    labels: Labels


def open_pictures(kind: str, path: Path) -> Pictures:
    """The images of an archive; `kind` is a key of ARCHIVES. DataError where it is not what its kind says."""
    try:
        stat = path.stat()
    except OSError as error:
        failures.check(error, path)
        raise DataError(f"{path}: {error.strerror}") from error
    return _opened(kind, path, stat.st_size, stat.st_mtime_ns)


def inspect(kind: str, path: Path, tally: Tally | None = None) -> Sequence[VideoInfo]:
    """One info an image, in order; where the file itself cannot be read, one that says why.

    Images are looked at from where `tally` ends, which gets each.
    """
    try:
        pictures = open_pictures(kind, path)
    except DataError as error:
        return (unreadable(str(error)),)
    if pictures.decoder == "array":
        height, width = pictures.at(0).shape[:2]
        return (still(height, width, "array"),) * pictures.count
    found = list(tally.found)[: pictures.count] if tally else []
    for number in range(len(found), pictures.count):
        found.append(_inspected(pictures, number))
        if tally:
            tally.add(found[-1])
    return found


def unpickle_cifar(path: Path) -> dict[bytes, Any]:
    """The contents of a published CIFAR pickle: its MD5 is checked first, and then it may make NumPy arrays only."""
    content = path.read_bytes()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != CIFAR_MD5.get(path.name):
        raise DataError(
            f"{path} is not the published file (its MD5 is another), so it is not unpickled; unpack the archive again"
        )
    loaded: dict[bytes, Any] = _Arrays(io.BytesIO(content), encoding="bytes").load()
    return loaded


class _Arrays(pickle.Unpickler):
    """Unpickles lists, dicts, bytes, numbers and NumPy arrays; any other name in the file is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """The few names that a NumPy array of Python 2 asks for."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name in ("_reconstruct", "scalar"):
            module = "numpy._core.multiarray"
        elif module != "numpy" or name not in ("ndarray", "dtype"):
            raise DataError(f"a pickle asks for {module}.{name}, which no image data set needs: it is refused")
        return super().find_class(module, name)


@lru_cache(maxsize=16)
def _opened(kind: str, path: Path, size: int, mtime: int) -> Pictures:
    return ARCHIVES[kind](path)


def _open_cifar_python(path: Path) -> Pictures:
    batch = unpickle_cifar(path)
    labels = np.array(batch[b"fine_labels"] if b"fine_labels" in batch else batch[b"labels"])
    return _planar(np.asarray(batch[b"data"]), labels)


def _open_cifar_binary(path: Path) -> Pictures:
    """Records of one label byte (CIFAR-10) or two, coarse and fine (CIFAR-100), and 3072 of the image."""
    labels = 2 if path.name in ("train.bin", "test.bin") else 1
    record = labels + _CIFAR_BYTES
    if path.stat().st_size % record or not path.stat().st_size:
        raise DataError(f"{path}: {path.stat().st_size} bytes are no whole number of records of {record} bytes")
    records = np.memmap(path, np.uint8, "r").reshape(-1, record)
    return _planar(records[:, labels:], np.array(records[:, labels - 1]))


def _planar(data: NDArray[np.uint8], labels: Labels) -> Pictures:
    """Rows of 3072 bytes: 1024 of red, then green, then blue."""
    images = data.reshape(-1, 3, _CIFAR_SIDE, _CIFAR_SIDE).transpose(0, 2, 3, 1)
    return Pictures(len(images), lambda i: np.ascontiguousarray(images[i]), "array", labels)


def _open_array(path: Path) -> Pictures:
    """A .npy of uint8 (N, H, W, 3); pickled objects in it are refused."""
    images = read_array(path)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise DataError(f"{path}: images are uint8 (N, H, W, 3), this is {images.dtype} {images.shape}")
    return Pictures(len(images), lambda i: np.array(images[i]), "array", np.empty(0, np.int64))


def read_array(path: Path) -> NDArray[Any]:
    """The array of a .npy, mapped from the disk; pickled objects in it are refused. DataError where it is none."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("it holds several arrays")
    except Exception as error:  # NumPy raises OSError, ValueError, EOFError, SyntaxError, tokenize's and struct's
        failures.check(error, path)
        raise DataError(
            f"{path} cannot be read as an array of numbers ({brief(error)}); put a whole copy there"
        ) from error
    return array


def _open_packed(path: Path) -> Pictures:
    """JPEGs one after the other: {train,test}_{jpeg,offsets,labels}, `train` first, image i at offsets[i:i + 2]."""
    parts = [read_packed(path, part) for part in ("train", "test")]
    first = len(parts[0][1])

    def at(number: int) -> Frames:
        (jpeg, _, offsets), i = (parts[0], number) if number < first else (parts[1], number - first)
        return decode(jpeg[offsets[i] : offsets[i + 1]].tobytes(), f"{path}, image {number}")

    return Pictures(first + len(parts[1][1]), at, "pillow", np.concatenate([parts[0][1], parts[1][1]]))


def read_packed(path: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """The bytes, labels and offsets of one part of a packed .npz; mapped where it is not compressed."""
    jpeg = _member(path, f"{part}_jpeg")
    labels, offsets = (np.asarray(_member(path, f"{part}_{name}"), np.int64) for name in ("labels", "offsets"))
    rising = offsets.size == labels.size + 1 and bool(np.all(np.diff(offsets) > 0)) and offsets[0] == 0
    if jpeg.dtype != np.uint8 or not rising or offsets[-1] != jpeg.size:
        raise DataError(f"{path}: {part}_offsets do not fit {part}_jpeg and {part}_labels; the file is not whole")
    return jpeg, labels, offsets


def packed_classes(path: Path) -> tuple[str, ...]:
    """The class names of a packed .npz."""
    return tuple(map(str, _member(path, "classes")))


def _member(path: Path, name: str) -> NDArray[Any]:
    """One array of an .npz, mapped from the disk where it is stored uncompressed."""
    try:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(f"{name}.npy")
            with archive.open(entry) as file:
                if entry.compress_type != zipfile.ZIP_STORED:
                    return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
                version = np.lib.format.read_magic(file)
                header = np.lib.format.read_array_header_1_0 if version == (1, 0) else _header_2
                shape, _, dtype = header(file)
                length = file.tell()
        if dtype.hasobject:
            raise ValueError(f"{name} holds Python objects")
        return np.memmap(path, dtype, "r", _data_start(path, entry) + length, shape)
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds
        failures.check(error, path)
        raise DataError(f"{path}: {name} cannot be read ({brief(error)})") from error


_header_2 = np.lib.format.read_array_header_2_0


def _data_start(path: Path, entry: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: its local header is 30 bytes, a name and an extra field of their own lengths."""
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)
        lengths = file.read(4)
    return entry.header_offset + 30 + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


def _inspected(pictures: Pictures, number: int) -> VideoInfo:
    try:
        height, width = pictures.at(number).shape[:2]
        got_on()
    except ClipDecodeError as error:
        return unreadable(str(error))
    return still(height, width, pictures.decoder)


ARCHIVES: dict[str, Callable[[Path], Pictures]] = {
    "cifar_python": _open_cifar_python,
    "cifar_binary": _open_cifar_binary,
    "packed": _open_packed,
    "array": _open_array,
}
