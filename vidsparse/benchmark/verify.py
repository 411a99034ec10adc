"""Is a benchmark as it was written? Re-hash every file; or make some clips again from the source."""

import hashlib
import os
import random
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidsparse.benchmark.finish import OnDisk, Sidecars, arrays, derived, lists, ordered
from vidsparse.benchmark.formats import decode, encode
from vidsparse.benchmark.long_clips import differs
from vidsparse.benchmark.packed import header, length, partial, rows_bytes
from vidsparse.benchmark.plan import Plan, Unit, part, units_of
from vidsparse.benchmark.unit import array_shape, clip_frames, has_masks, is_of
from vidsparse.data.corrupted.corruptor import Corruptor
from vidsparse.data.corrupted.layout import (
    CARD,
    LOG,
    MANIFEST,
    PACKED,
    RECIPE,
    SAMPLES,
    SUMS,
    UNITS,
    Entry,
    Stored,
    frame_name,
    mask_paths,
    open_stored,
)
from vidsparse.data.corrupted.sidecars import read_sidecar
from vidsparse.data.reading.spill import Spilled
from vidsparse.utils import failures, files, locks
from vidsparse.utils.errors import DataError
from vidsparse.utils.machine import cores


@dataclass(frozen=True)
class Fault:
    """A file that is not as it was written; `unit` makes it again, None for what is derived from the sidecars."""

    path: str
    what: str  # missing | extra | changed | truncated
    unit: Unit | None = None


@dataclass(frozen=True)
class Check:
    """One file and what it should be: its SHA-256, its bytes where they are known, and the unit that makes it again."""

    path: str
    digest: str
    size: int | None = None
    unit: Unit | None = None


def verify(root: Path, stored: Stored | None) -> list[Fault]:
    """Every file of a benchmark that is missing, extra, changed or truncated, sorted by path.

    Sidecars carry a checksum of themselves and are believed first, then the list of checksums. `stored` is what should
    be there; None where that cannot be told, because its own two files are damaged: then the others are judged by the
    checksums alone.
    """
    units = {unit.sidecar: unit for unit in units_of(stored)} if stored else {}
    sums, names = _read_sums(root), {path.relative_to(root).as_posix() for path in (root / UNITS).rglob("*.json")}
    expected = set(units) if stored else names
    sound, checks = _from_sidecars(root, stored, units, names & expected)
    faults = [
        Fault(name, "changed" if name in names else "missing", units.get(name))
        for name in expected - sound
        if stored or name in sums
    ]
    if stored:
        faults += _array_faults(stored, OnDisk(stored, [units[name] for name in sorted(sound)]))
    if stored and sound == set(units):
        hurt = {fault.path: sums.get(fault.path, "") for fault in faults}
        made = derived(stored, OnDisk(stored, list(units.values())), hurt)
    else:
        made = ordered(stored) if stored else {}
        listed = set(_listed(stored)) if stored else set(sums)
        begun = (root / MANIFEST).exists() or (root / SUMS).exists()
        if begun and (set(sums) != listed or any(sums.get(path) != check.digest for path, check in checks.items())):
            faults.append(Fault(SUMS, "changed" if (root / SUMS).exists() else "missing"))
        judged = {*expected, *(arrays(stored) if stored else ()), *checks}
        checks |= {path: Check(path, sums[path]) for path in listed & set(sums) - judged}
    checks |= {path: Check(path, hashlib.sha256(text).hexdigest(), len(text)) for path, text in made.items()}
    with ThreadPoolExecutor(cores()) as pool:
        faults += [fault for fault in pool.map(lambda check: _fault(root, check), checks.values()) if fault]
    known = {*checks, *sound, *(fault.path for fault in faults), *(_listed(stored) if stored else ()), LOG, SUMS}
    known |= {partial(Path(path)).as_posix() for path in (arrays(stored) if stored else ())}
    faults += [Fault(path, "extra") for path in _all_files(root) if path not in known]
    return sorted(faults, key=lambda fault: (fault.path, fault.what))


def _from_sidecars(
    root: Path, stored: Stored | None, units: Mapping[str, Unit], names: Iterable[str]
) -> tuple[set[str], dict[str, Check]]:
    """The names of the sidecars that are whole and of this benchmark, and what they say of clips."""
    sound, checks = set[str](), dict[str, Check]()
    for name in names:
        sidecar = read_sidecar(root / name)
        if sidecar and is_of(sidecar, stored):
            sound.add(name)
            said = sidecar["files"].items()
            checks |= {path: Check(path, digest, size, units.get(name)) for path, (size, digest) in said}
    return sound, checks


def check_there(root: Path) -> None:
    """Raise DataError where there is no benchmark at all."""
    if not (root / RECIPE).exists() and not (root / UNITS).is_dir():
        raise DataError(f"{root}: there is no benchmark in this folder")


def open_sound(root: Path) -> Stored | None:
    """The benchmark in a folder, or None where its recipe or its table of clips are not as its sidecars know them.

    Raises DataError where there is no benchmark at all.
    """
    check_there(root)
    try:
        stored = open_stored(root)
    except DataError:
        return None
    known = [said for path in sorted((root / UNITS).rglob("*.json"))[:9] if (said := read_sidecar(path))]
    wrong = [said for said in known if not is_of(said, stored)]
    return stored if len(wrong) <= len(known) // 2 else None


def verify_deep(plan: Plan, count: int) -> tuple[list[str], int]:
    """Make `count` random clips again from the source, decode what is stored: (what differs, how many were made)."""
    recipe = plan.recipe
    every = [(unit, entry) for unit in units_of(plan.stored) for entry in plan.shard(unit.shard)]
    chosen = random.SystemRandom().sample(every, min(count, len(every)))
    differ: list[str] = []
    for unit, entry in chosen:
        folder = None if recipe.format == PACKED else Path(tempfile.gettempdir())
        corruptor = Corruptor(part(plan.clips, (entry,)), plan.config.evaluation, (unit.cell,), folder)
        video = corruptor.decode(plan.clips.test[entry.position], entry.kept)
        if isinstance(video.frames, Spilled):
            if differs(plan.stored, unit.cell, corruptor, video, entry):
                differ.append(_named(plan, unit, entry))
            continue
        frames = clip_frames(corruptor, video, unit.cell, entry)
        made = decode(recipe.format, encode(recipe.format, frames, entry.rate, recipe.crf), frames.shape)
        kept, numbers = plan.stored, entry.kept
        pairs = [
            (made, kept.read(unit.cell, entry.id, numbers)),
            (corruptor.masks(video, unit.cell, numbers), kept.masks(unit.cell, entry.id, numbers)),
        ]
        if not all(np.array_equal(one, other) for one, other in pairs if one is not None and other is not None):
            differ.append(_named(plan, unit, entry))
    return differ, len(chosen)


def _named(plan: Plan, unit: Unit, entry: Entry) -> str:
    return f"{plan.stored.path(unit.cell, entry)} ({entry.id}, severity {unit.cell.severity})"


def to_mend(stored: Stored, faults: Sequence[Fault]) -> tuple[Unit, ...]:
    """The units that have to be made again so that these faults go."""
    hurt = {fault.unit for fault in faults}
    return tuple(unit for unit in units_of(stored) if unit in hurt)


def _read_sums(root: Path) -> dict[str, str]:
    """{path: SHA-256} of the list of checksums, as far as it can be read."""
    try:
        lines = (root / SUMS).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        failures.check(error, root / SUMS)
        return {}
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def _fault(root: Path, check: Check) -> Fault | None:
    path = root / check.path
    try:
        size = path.stat().st_size
        if check.size is not None and size < check.size:
            return Fault(check.path, "truncated", check.unit)
        if size != (check.size or size) or files.digest(path) != check.digest:
            return Fault(check.path, "changed", check.unit)
    except OSError as error:
        failures.check(error, path, known=not root.is_dir())
        return Fault(check.path, "missing" if isinstance(error, FileNotFoundError) else "changed", check.unit)
    return None


def _array_faults(stored: Stored, sidecars: Sidecars) -> Iterator[Fault]:
    """The arrays of which rows are not as they were, one fault a unit."""
    total = len(stored.entries)
    for path in arrays(stored):
        file = stored.root / path
        units = [unit for unit in units_of(stored) if stored.path(unit.cell, stored.entries[0]) == path]
        shape = array_shape(stored, units[0].cell, total)
        if not file.is_file():
            yield from (Fault(path, "missing", unit) for unit in units)
            continue
        size = file.stat().st_size
        what = "truncated" if size < length(shape) else "changed"
        hurt = []
        for unit in units:
            if unit in sidecars:
                _, first, count, digest = sidecars[unit]["rows"]
                if hashlib.sha256(rows_bytes(file, shape, first, count)).hexdigest() != digest:
                    hurt.append(unit)
        with file.open("rb") as opened:
            framed = opened.read(len(header(shape))) == header(shape) and size == length(shape)
        if not framed and not hurt:
            hurt = units[:1]
        yield from (Fault(path, what, unit) for unit in hurt)


def _listed(stored: Stored) -> Iterator[str]:
    """Every file of a whole benchmark but its log and the list of checksums itself."""
    yield from (RECIPE, SAMPLES, MANIFEST, CARD, *lists(stored), *arrays(stored))
    yield from (unit.sidecar for unit in units_of(stored))
    if stored.recipe.format == PACKED:
        yield "labels.npy"
        return
    for cell in stored.recipe.cells:
        for entry in stored.entries:
            path = stored.path(cell, entry)
            folder = path.endswith(entry.stem)
            yield from (f"{path}/{frame_name(number)}" for number in range(len(entry.kept))) if folder else (path,)
            yield from mask_paths(cell, entry) if has_masks(stored.recipe, cell) else ()


def _all_files(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            if not (name.startswith(".") and name.endswith(locks.NAME)):  # of who is at work here
                yield (Path(folder) / name).relative_to(root).as_posix()
