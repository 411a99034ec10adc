"""What each file really holds, counted once: every later step agrees on these numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing import manifest
from vidsparse.data.indexing.counting import Task, allowed, entries_of, watched
from vidsparse.data.indexing.manifest import File, Found
from vidsparse.data.reading.frames import VideoInfo, unreadable
from vidsparse.data.reading.readers import check_installed
from vidsparse.data.reading.watchdog import heard_by, limited
from vidsparse.utils import failures
from vidsparse.utils.errors import DataError, plural, some

Progress = Callable[[int, int], None]
_CACHE_NAME = "index-v5.parquet"  # the number goes up when `inspect` would answer differently
_FEW = 16  # files; fewer are counted faster than processes start


@dataclass(frozen=True)
class Row:
    """One sample of the index: its label, the size of its file in bytes and what was found in it."""

    label: int
    size: int
    info: VideoInfo


@dataclass(frozen=True)
class Index:
    """Rows by sample id."""

    rows: Mapping[str, Row]

    def check_classes(self, classes: Sequence[str]) -> None:
        """Raise DataError where a mask has a class id that these classes have not."""
        wrong = {name: row.info.top for name, row in self.rows.items() if row.info.top >= len(classes)}
        if wrong:
            named = some([f"{top} in {name}" for name, top in wrong.items()])
            raise DataError(
                f"the masks of {plural(len(wrong), 'sample')} have class ids out of range ({named}): there are "
                f"{len(classes)} classes, 0 to {len(classes) - 1}, and 255 for pixels that nobody judges"
            )

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
    prepared: Mapping[File, Found] | None = None,
) -> Index:
    """Count what the samples' files hold, or take the count from the cache in `cache_dir` (Parquet).

    `prepared` is what a manifest says already. Only files that are new or changed (path, size, mtime) are decoded,
    `workers` at a time. What was counted is kept also when the counting is interrupted. `progress(done, total)` is
    called after each counted file. A file that hangs for `timeout_s` (see watchdog) ends the process, or is unreadable
    where others count for it. MachineError where the machine keeps a file from being read: nothing is kept of that;
    ConfigError where a package that reads one is not installed.
    """
    stamps = {path: manifest.stamp(path) for path in {part.path for sample in samples for part in sample.parts}}
    counted = _trusted(manifest.load(cache_dir / _CACHE_NAME))
    known = {**_trusted(prepared or {}), **counted}
    parts = [part for sample in samples for part in sample.parts]
    check_installed({part.reader: part.path for part in parts})
    new = sorted({(part.reader, stamps[part.path]) for part in parts if stamps[part.path] not in known})

    def keep() -> None:
        if new:
            manifest.save(counted, cache_dir / _CACHE_NAME)

    try:
        with heard_by(lambda _: keep()):
            for done, (file, found) in enumerate(_inspected(new, timeout_s, workers), start=1):
                known[file] = counted[file] = found
                if progress:
                    progress(done, len(new))
    finally:
        keep()
    held = {path: known[file] for path, file in stamps.items()}
    sizes = {s.id: sum(stamps[part.path].size for part in s.parts) for s in samples}
    return Index({sample.id: Row(sample.label, sizes[sample.id], info_of(held, sample)) for sample in samples})


def info_of(found: Mapping[Path, Found], sample: Sample) -> VideoInfo:
    """What is known of a sample whose files hold this: with its mask, or unreadable where the two do not fit."""
    info = entry_of(found[sample.path], sample)
    if sample.mask is None or not info.n_frames:
        return info
    mask = entry_of(found[sample.mask.path], sample.mask)
    if not mask.n_frames:
        return unreadable(mask.error)
    if (mask.height, mask.width) != (info.height, info.width):
        here, there = f"{mask.height} x {mask.width}", f"{info.height} x {info.width}"
        return unreadable(f"{sample.mask.path}: the mask has {here} pixels, and {sample.path} has {there}")
    if mask.n_frames != info.n_frames:
        return unreadable(f"{sample.mask.path}: {mask.n_frames} masks for the {info.n_frames} frames of {sample.path}")
    return replace(info, top=mask.top)


def entry_of(found: Found, sample: Sample) -> VideoInfo:
    """What a file holds at the place of this sample; an archive that cannot be opened says why at all of them."""
    if sample.entry < len(found):
        return found[sample.entry]
    return found[0] if found[0].error else unreadable(f"{sample.path}: there is no entry {sample.entry} in it")


def _inspected(tasks: Sequence[Task], timeout_s: float, workers: int) -> Iterator[tuple[File, Found]]:
    if workers < 2 or len(tasks) < _FEW:
        yield from ((task[1], _inspect(task, timeout_s)) for task in tasks)
        return
    for (_, file), counted in watched(tasks, workers, timeout_s, hashed=False):
        yield file, counted.found


def _inspect(task: Task, timeout_s: float) -> Found:
    with limited(Path(task[1].path), allowed(task[1], timeout_s)):
        return entries_of(task)


def _trusted(known: Mapping[File, Found]) -> dict[File, Found]:
    """What is known of files, without the errors of the machine that older counts took for theirs."""
    return {
        file: found
        for file, found in known.items()
        if file.mtime and not any(info.error and failures.remembered(info.error) for info in found[:1])
    }
