"""How many frames each video really has, counted once: every later step agrees on these numbers."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vidsparse import files
from vidsparse.data.decoders import VideoInfo, inspect
from vidsparse.data.sources import Sample
from vidsparse.data.watchdog import limited
from vidsparse.errors import DataError

Progress = Callable[[int, int], None]
_File = tuple[str, int, int]  # absolute path, bytes, mtime in ns: what must be the same for a count to stand

_CACHE_NAME = "index-v2.parquet"  # the number goes up when `inspect` would answer differently
_DEAF = (signal.signal, (signal.SIGINT, signal.SIG_IGN))  # the parent decides when to stop
_FEW = 16  # files; fewer are counted faster than processes start


@dataclass(frozen=True)
class Row:
    """One video of the index: its label, its size in bytes and what `inspect` found in it."""

    label: int
    size: int
    info: VideoInfo


@dataclass(frozen=True)
class Index:
    """Rows by sample id."""

    rows: Mapping[str, Row]

    def fingerprint(self, ids: Iterable[str]) -> str:
        """32 hex digits of these samples' ids, labels, sizes and frame counts; not of their order, place or mtime."""
        digest = blake2b(digest_size=16)
        for name in sorted(ids):
            row = self.rows[name]
            digest.update(f"{name}\0{row.label}\0{row.size}\0{row.info.n_frames}\n".encode())
        return digest.hexdigest()

    @property
    def unreadable(self) -> dict[str, str]:
        """{id: reason} of the videos in which no frame can be decoded."""
        return {name: row.info.error for name, row in self.rows.items() if not row.info.n_frames}

    @property
    def damaged(self) -> dict[str, str]:
        """{id: what is wrong} of the videos of which only a part can be decoded, or only with faults."""
        return {name: row.info.damage for name, row in self.rows.items() if row.info.damage}


def build_index(
    samples: Sequence[Sample],
    cache_dir: Path,
    timeout_s: float = 60.0,
    workers: int = 0,
    progress: Progress | None = None,
) -> Index:
    """Count the frames of the samples' files, or take the count from the cache in `cache_dir` (Parquet).

    Only files that are new or changed (path, size, mtime) are decoded, `workers` at a time. What was counted is kept
    also when the counting is interrupted. `progress(done, total)` is called after each counted file. A file that
    takes longer than `timeout_s` ends the process, or is a DataError where others count for it.
    """
    stamps = {sample.id: _stamp(sample.path) for sample in samples}
    known = _load(cache_dir / _CACHE_NAME)
    new = sorted({file for file in stamps.values() if file not in known})
    try:
        for done, (file, info) in enumerate(zip(new, _inspected(new, timeout_s, workers), strict=True), start=1):
            known[file] = info
            if progress:
                progress(done, len(new))
    finally:
        if new:
            _save(known, cache_dir / _CACHE_NAME)
    return Index({s.id: Row(s.label, stamps[s.id][1], known[stamps[s.id]]) for s in samples})


def _stamp(path: Path) -> _File:
    try:
        stat = path.stat()
    except OSError:
        return str(path.absolute()), 0, 0
    return str(path.absolute()), stat.st_size, stat.st_mtime_ns


def _inspected(files: Sequence[_File], timeout_s: float, workers: int) -> Iterator[VideoInfo]:
    count = partial(_inspect, timeout_s=timeout_s)
    paths = [Path(path) for path, _, _ in files]
    if workers < 2 or len(paths) < _FEW:
        yield from map(count, paths)
        return
    try:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("forkserver"), *_DEAF) as pool:
            yield from pool.map(count, paths, chunksize=8)
    except BrokenProcessPool as error:
        raise DataError("a process that counts frames died; the same command continues where it was") from error


def _inspect(path: Path, timeout_s: float) -> VideoInfo:
    size = path.stat().st_size / 2**20 if path.exists() else 0.0
    with limited(path, timeout_s + size):  # a second more for each MiB: the whole file is decoded
        return inspect(path)


def _load(path: Path) -> dict[_File, VideoInfo]:
    try:
        records = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid):
        return {}
    return {(r.pop("path"), r.pop("size"), r.pop("mtime")): _info(r) for r in records}


def _save(known: Mapping[_File, VideoInfo], path: Path) -> None:
    records = [
        {"path": name, "size": size, "mtime": mtime, **vars(info), "rate": str(info.rate)}
        for (name, size, mtime), info in sorted(known.items(), key=lambda item: item[0])
    ]
    files.save(path, lambda temporary: pq.write_table(pa.Table.from_pylist(records), temporary))


def _info(record: dict[str, Any]) -> VideoInfo:
    return VideoInfo(**{**record, "rate": Fraction(record["rate"])})
