"""Is a benchmark as it was written? Re-hash every file; or make some clips again from the source."""

import hashlib
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vidsparse import files
from vidsparse.benchmark.finish import Sidecars, arrays, derived, lists, ordered, read_sidecars
from vidsparse.benchmark.packed import header, length, rows_bytes
from vidsparse.benchmark.plan import Plan, Unit, part, shard_of, units_of
from vidsparse.benchmark.unit import array_shape, clip_frames, read_sidecar
from vidsparse.data.corrupting import Corruptor
from vidsparse.data.stored import CARD, LOG, LOSSLESS, MANIFEST, SUMS, Stored
from vidsparse.machine import cores


@dataclass(frozen=True)
class Fault:
    """A file that is not as it was written; `unit` makes it again, None for what is derived from the sidecars."""

    path: str
    what: str  # missing | extra | changed | truncated
    unit: Unit | None = None


@dataclass(frozen=True)
class Check:
    """One file and what it should be: its bytes, its SHA-256, and the unit that it is a part of."""

    path: str
    size: int
    digest: str
    unit: Unit | None


def verify(stored: Stored) -> list[Fault]:
    """Every file of the benchmark that is missing, extra, changed or truncated, sorted by path."""
    sidecars = read_sidecars(stored)
    faults = [*_sidecar_faults(stored, sidecars)]
    checks = [
        Check(path, size, digest, unit)
        for unit, sidecar in sidecars.items()
        for path, (size, digest) in sidecar["files"].items()
    ]
    with ThreadPoolExecutor(cores()) as pool:
        faults += [fault for fault in pool.map(lambda check: _fault(stored.root, check), checks) if fault]
    faults += _array_faults(stored, sidecars)
    sound = not faults and len(sidecars) == len(units_of(stored))
    content = derived(stored, sidecars) if sound else ordered(stored)
    written = [Check(path, len(made), hashlib.sha256(made).hexdigest(), None) for path, made in content.items()]
    faults += [fault for fault in (_fault(stored.root, check) for check in written) if fault]
    known = {check.path for check in (*checks, *written)} | set(_expected(stored))
    faults += [Fault(path, "extra") for path in _all_files(stored.root) if path not in known]
    return sorted(faults, key=lambda fault: (fault.path, fault.what))


def verify_deep(plan: Plan, count: int) -> tuple[list[str], int]:
    """Make `count` random clips again from the source and decode what is stored: (what differs, how many were made).

    Raises BenchmarkError where this build would make other bytes.
    """
    recipe = plan.recipe
    every = [(unit, entry) for unit in units_of(plan.stored) for entry in plan.shard(unit.shard)]
    chosen = random.SystemRandom().sample(every, min(count, len(every)))
    differ: list[str] = []
    for unit, entry in chosen:
        corruptor = Corruptor(part(plan.clips, (entry,)), plan.config.evaluation, (unit.cell,))
        video = corruptor.decode(plan.clips.test[entry.position], entry.kept)
        frames = clip_frames(corruptor, video, unit.cell, entry)
        path, place = plan.stored.path(unit.cell, entry), f"{unit.cell.corruption}/{unit.cell.severity} of {entry.id}"
        shown = plan.stored.read(unit.cell, entry.id, entry.kept)
        if recipe.format in LOSSLESS and shown.tobytes() != frames.tobytes():
            differ.append(f"{path} ({place})")
        sidecar = read_sidecar(plan.stored.root / unit.sidecar)
        said = {clip["id"]: clip["pixels"] for clip in sidecar["clips"]}.get(entry.id) if sidecar else None
        if hashlib.sha256(shown.tobytes()).hexdigest() != said:
            differ.append(f"{path} ({place}), against its sidecar")
    return differ, len(chosen)


def to_mend(stored: Stored, faults: Sequence[Fault]) -> tuple[Unit, ...]:
    """The units that have to be made again so that these faults go."""
    hurt = {fault.unit for fault in faults}
    return tuple(unit for unit in units_of(stored) if unit in hurt)


def _sidecar_faults(stored: Stored, sidecars: Sidecars) -> Iterator[Fault]:
    recipe = hashlib.sha256(stored.recipe.to_json().encode()).hexdigest()
    for unit in units_of(stored):
        if unit not in sidecars:
            there = (stored.root / unit.sidecar).exists()
            yield Fault(unit.sidecar, "changed" if there else "missing", unit)
        elif sidecars[unit]["recipe"] != recipe:
            yield Fault(unit.sidecar, "changed", unit)


def _fault(root: Path, check: Check) -> Fault | None:
    path = root / check.path
    try:
        size = path.stat().st_size
        if size < check.size:
            return Fault(check.path, "truncated", check.unit)
        if size > check.size or files.digest(path) != check.digest:
            return Fault(check.path, "changed", check.unit)
    except FileNotFoundError:
        return Fault(check.path, "missing", check.unit)
    except OSError:
        return Fault(check.path, "changed", check.unit)
    return None


def _array_faults(stored: Stored, sidecars: Sidecars) -> Iterator[Fault]:
    """The arrays of which rows are not as they were, one fault a unit."""
    total = len(stored.entries)
    for path in arrays(stored):
        file = stored.root / path
        units = [unit for unit in units_of(stored) if stored.path(unit.cell, stored.entries[0]) == path]
        shape = array_shape(stored, units[0].cell, total)
        if not file.exists():
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


def _expected(stored: Stored) -> Iterator[str]:
    """Files that are no part of the checks above, and none too many either."""
    yield LOG
    yield from arrays(stored)
    yield from (unit.sidecar for unit in units_of(stored))
    unknown = [unit for unit in units_of(stored) if read_sidecar(stored.root / unit.sidecar) is None]
    for unit in unknown:  # their clips are made again whatever they are
        yield from (stored.path(unit.cell, entry) for entry in shard_of(stored, unit.shard))
    yield from (MANIFEST, CARD, SUMS, *lists(stored), *(["labels.npy"] if arrays(stored) else []))


def _all_files(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield (Path(folder) / name).relative_to(root).as_posix()
