"""The table of what was found in files: one row a run of equal entries, so that a packed data set is one row."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from stat import S_ISDIR
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from vidsparse.data.reading.frames import VideoInfo
from vidsparse.utils import failures, files
from vidsparse.utils.machine import user_cache


class File(NamedTuple):
    """What must be the same for a count to stand: path, bytes, time of change in ns; absent files have 0, 0."""

    path: str
    size: int
    mtime: int


Found = Sequence[VideoInfo]  # one an entry; most files have one
_MOST = 100_000_000  # entries of one file; more is a damaged number

SCHEMA = pa.schema(
    {
        "path": pa.string(),
        "size": pa.int64(),
        "mtime": pa.int64(),
        "entries": pa.int64(),
        "n_frames": pa.int64(),
        "rate": pa.dictionary(pa.int32(), pa.string()),
        "height": pa.int32(),
        "width": pa.int32(),
        "decoder": pa.dictionary(pa.int32(), pa.string()),
        "error": pa.string(),
        "damage": pa.string(),
        "top": pa.int16(),
        "sha256": pa.string(),
    }
)


NAME = "vidsparse-manifest.parquet"


def places(root: Path) -> tuple[Path, Path]:
    """Where the manifest of a data set may be: beside its files, else in the user's cache."""
    folder = root if root.is_dir() else root.parent
    named = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    return folder / NAME, user_cache() / "manifests" / named / NAME


def writable_place(root: Path) -> Path:
    """Where a manifest of this data set can be written; a folder marked read-only is left alone, by root too."""
    beside, cached = places(root)
    marked = not beside.parent.stat().st_mode & 0o222
    return cached if marked or not os.access(beside.parent, os.W_OK) else beside


def prepared(root: Path) -> dict[File, Found]:
    """What was prepared of a data set; empty where nothing was."""
    return next((load(place) for place in places(root) if place.is_file()), {})


def stamp(path: Path) -> File:
    """The file as it is now; a folder is all its files together."""
    try:
        stat = path.stat()
        if S_ISDIR(stat.st_mode):
            with os.scandir(path) as entries:
                within = [entry.stat() for entry in entries]
            size, mtime = (
                sum(each.st_size for each in within),
                max([stat.st_mtime_ns, *(each.st_mtime_ns for each in within)]),
            )
            return File(str(path.absolute()), size, mtime)
    except OSError as error:
        failures.check(error, path)
        return File(str(path.absolute()), 0, 0)
    return File(str(path.absolute()), stat.st_size, stat.st_mtime_ns)


def load(path: Path) -> dict[File, Found]:
    """What a table holds; paths in it are relative to its folder, or absolute. Empty where it cannot be read."""
    known: dict[File, list[VideoInfo]] = {}
    try:
        columns = pq.read_table(path, schema=SCHEMA).to_pydict()
        for name, size, mtime, entries, *info, _ in zip(*columns.values(), strict=True):
            if entries < 1 or info[0] is None or info[0] < 0:
                raise ValueError(f"{name} has {entries} entries of {info[0]} frames")
            found = [_info(tuple(info))] * min(entries, _MOST)
            known.setdefault(File(os.path.join(_place(path), name), size, mtime), []).extend(found)
    except (OSError, pa.ArrowException, ValueError, TypeError, ZeroDivisionError) as error:
        failures.check(error, path)
        return {}  # odd contents: everything is counted again
    return dict(known)


def hashes(path: Path) -> dict[str, str]:
    """{absolute path: SHA-256 in hex} of a table; empty where it cannot be read."""
    try:
        columns = pq.read_table(path, columns=["path", "sha256"]).to_pydict()
        place, rows = _place(path), zip(*columns.values(), strict=True)
        return {os.path.join(place, name): digest for name, digest in rows if digest}
    except (OSError, pa.ArrowException, ValueError, TypeError) as error:
        failures.check(error, path)
        return {}


def save(known: Mapping[File, Found], path: Path, hashes: Mapping[str, str] | None = None) -> None:
    """Write a table atomically. With `hashes` ({path: SHA-256 in hex}), paths are kept relative to its folder."""
    place = _place(path)
    rows = [
        (
            file.path if hashes is None else file.path.removeprefix(place),
            file.size,
            file.mtime,
            entries,
            info.n_frames,
            str(info.rate),
            info.height,
            info.width,
            info.decoder,
            info.error,
            info.damage,
            info.top,
            (hashes or {}).get(file.path),
        )
        for file, found in sorted(known.items())
        for info, entries in _runs(found)
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    table = pa.table([pa.array(c, kind) for c, kind in zip(columns, SCHEMA.types, strict=True)], schema=SCHEMA)
    files.save(path, lambda temporary: pq.write_table(table, temporary))


def _place(table: Path) -> str:
    """The folder that paths in a table are relative to; ends with a separator."""
    return f"{table.parent.absolute()}{os.sep}"


def _runs(found: Found) -> Iterator[tuple[VideoInfo, int]]:
    for info, run in groupby(found):
        yield info, sum(1 for _ in run)


@lru_cache(maxsize=4096)
def _info(row: tuple[Any, ...]) -> VideoInfo:
    n_frames, rate, height, width, decoder, error, damage, top = row
    top = -1 if top is None else top  # a table of before there were masks
    return VideoInfo(n_frames, Fraction(rate), height, width, decoder, error, damage, top)
