"""Make a data set ready: say what is missing, then count every file once, so that training starts at once."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from vidsparse.data.datasets.downloads import instructions
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.data.datasets.sources import ABSENT, Dataset, Sample
from vidsparse.data.indexing import manifest
from vidsparse.data.indexing.counting import Task, watched
from vidsparse.data.indexing.index import Index, Row, info_of
from vidsparse.data.reading.frames import VideoInfo
from vidsparse.utils import csv_text, files
from vidsparse.utils.errors import ConfigError, DataError, plural, some
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import Bar, say, warn

PROBLEMS = "vidsparse-problems.csv"
SHORT = 16  # frames; a clip with fewer is listed
_KEEP_EVERY = 30.0  # seconds between savings: a job that is killed has lost no more


@dataclass(frozen=True)
class Problem:
    """A sample that is not as it should be, for the list that people read."""

    id: str
    path: str
    kind: str  # "broken", "damaged", "short" or "missing"
    what: str


def prepare(name: str, root: Path, workers: int | None = None, timeout_s: float = 60.0, short: int = SHORT) -> Path:
    """Index the data set `name` in `root`; returns the manifest (Parquet) that training reads.

    Every file that is new or changed is decoded whole in a watched process. Broken, damaged, missing and short samples
    go to vidsparse-problems.csv beside the manifest. Raises DataError where the data set is not there, after saying
    how to get it, ConfigError where no data set has that name.
    """
    if name not in SOURCES:
        raise ConfigError(f"{name} is no data set that vidsparse knows; {SOURCES.hint(name)}")
    try:
        splits = load_splits(name, root)
    except DataError as error:
        for line in instructions(name, root):
            say(line)
        raise DataError(f"{error}; get what is listed above, then run this command again") from error
    samples = list({sample.id: sample for split in splits for sample in (*split.train, *split.test)}.values())
    there = [sample for sample in samples if _is_there(sample)]
    target = manifest.writable_place(root)
    known, hashes = _count(there, target, cores() if workers is None else workers, timeout_s)
    problems = find_problems(samples, known, short)
    _write_problems(target.with_name(PROBLEMS), problems)
    _say(name, there, known, problems, target)
    for note in dict.fromkeys(note for split in splits for note in split.notes):
        warn(note)
    for number, split in enumerate(splits, start=1):
        if split.untrained:
            named = some(split.untrained, 6)
            warn(f"split {number}: the test part has classes without any training clip: {named}")
    _say_leaks(splits, known, hashes)
    for split in splits:
        counted = [sample for sample in (*split.train, *split.test) if _is_there(sample)]
        Index({s.id: Row(s.label, 0, info_of(known, s)) for s in counted}).check_classes(split.classes)
    return target


def load_splits(name: str, root: Path) -> list[Dataset]:
    """Every split of a data set that has lists here; DataError where the first has none, or no file at all."""
    if not root.exists():
        raise DataError(f"{root} does not exist")
    load = SOURCES[name].loader
    splits = [load(root, 1)]
    for number in range(2, SOURCES[name].splits + 1):
        try:
            splits.append(load(root, number))
        except DataError as error:
            warn(f"split {number} is left out: {error}")
    if all(sample.path == ABSENT for split in splits for sample in (*split.train, *split.test)):
        raise DataError(f"{root}: none of the files of {name} is there")
    return splits


def find_problems(samples: Sequence[Sample], known: dict[Path, manifest.Found], short: int) -> list[Problem]:
    """What is wrong with samples: the broken ones, the damaged, the missing, the short."""
    found = [Problem(s.id, "", "missing", "its file is not there") for s in samples if s.path == ABSENT]
    found += [Problem(s.id, str(s.path), "missing", "its mask is not there") for s in samples if _unmasked(s)]
    for sample in (each for each in samples if _is_there(each)):
        info = info_of(known, sample)
        kind, what = _problem(info, short if sample.reader in ("video", "hdf5") else 0)
        if kind:
            found.append(Problem(sample.id, str(sample.path), kind, what))
    return sorted(found, key=lambda problem: (problem.kind, problem.id))


def _is_there(sample: Sample) -> bool:
    return all(part.path != ABSENT for part in sample.parts)


def _unmasked(sample: Sample) -> bool:
    return sample.path != ABSENT and not _is_there(sample)


def _problem(info: VideoInfo, short: int) -> tuple[str, str]:
    if not info.n_frames:
        return "broken", info.error
    if info.damage:
        return "damaged", info.damage
    return ("short", plural(info.n_frames, "frame")) if info.n_frames < short else ("", "")


def _count(
    samples: Sequence[Sample], target: Path, workers: int, timeout_s: float
) -> tuple[dict[Path, manifest.Found], dict[str, str]]:
    """What the files hold, by path, and their hashes, by path as text; kept in `target` on the way."""
    parts = [part for sample in samples for part in sample.parts]
    stamps = {path: manifest.stamp(path) for path in {part.path for part in parts}}
    before, hashes = manifest.load(target), manifest.hashes(target)
    known = {file: before[file] for file in stamps.values() if file in before and hashes.get(file.path)}
    tasks: list[Task] = sorted({(part.reader, stamps[part.path]) for part in parts if stamps[part.path] not in known})
    hashes = {file.path: hashes[file.path] for file in known}
    kept = monotonic()
    try:
        with Bar("counting", len(tasks)) as bar:
            for done, ((_, file), counted) in enumerate(watched(tasks, workers, timeout_s), start=1):
                known[file], hashes[file.path] = counted.found, counted.sha256
                bar.advance(done)
                if monotonic() - kept > _KEEP_EVERY:
                    manifest.save(known, target, hashes)
                    kept = monotonic()
    finally:
        manifest.save(known, target, hashes)
    return {path: known[file] for path, file in stamps.items()}, hashes


def _write_problems(path: Path, problems: Sequence[Problem]) -> None:
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "problem", "what", "path"))
        writer.writerows(map(csv_text.cell, (each.id, each.kind, each.what, str(each.path))) for each in problems)


def _say(
    name: str, samples: Sequence[Sample], known: dict[Path, manifest.Found], problems: Sequence[Problem], target: Path
) -> None:
    frames = sum(info_of(known, sample).n_frames for sample in samples)
    say(f"{name:<10} {plural(len(samples), 'sample')} in {plural(len(known), 'file')}, {plural(frames, 'frame')}")
    for kind in dict.fromkeys(problem.kind for problem in problems):
        ids = [problem.id for problem in problems if problem.kind == kind]
        say(f"{kind:<10} {len(ids)}: {some(ids)}")
    if problems:
        say(f"problems   {target.with_name(PROBLEMS)}")
    say(f"manifest   {target}")


def _say_leaks(splits: Sequence[Dataset], known: dict[Path, manifest.Found], hashes: dict[str, str]) -> None:
    """Warn of test files that are training files, byte for byte."""
    for number, split in enumerate(splits, start=1):
        trained, tested = (
            {
                sample.id: hashes.get(str(sample.path.absolute()))
                for sample in part
                if [info.n_frames > 0 for info in known.get(sample.path, ())] == [True]
            }
            for part in (split.train, split.test)
        )
        seen = set(trained.values())
        leaked = sorted(name for name, digest in tested.items() if digest and digest in seen)
        if leaked:
            warn(f"split {number}: {plural(len(leaked), 'test file')} equal to training files: {some(leaked)}")
