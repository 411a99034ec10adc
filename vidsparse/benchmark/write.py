"""Write a benchmark: claim the folder, make the units that are missing, finish when all of them are there."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import corruptions
from vidsparse import files
from vidsparse.benchmark.estimate import size_text
from vidsparse.benchmark.finish import OnDisk, finish, ordered
from vidsparse.benchmark.plan import Plan, Unit, units_of
from vidsparse.benchmark.pools import carry_out, open_pool
from vidsparse.benchmark.unit import Done, Task, is_of, make, read_sidecar, tasks_of, write_changed
from vidsparse.data.stored import LOG, RECIPE, UNITS, Stored, read_recipe
from vidsparse.errors import BenchmarkError, WriteError, plural, some
from vidsparse.interrupt import Stop
from vidsparse.machine import cores
from vidsparse.progress import Bar


@dataclass
class Tally:
    """What a command has done so far."""

    units: int = 0
    clips: int = 0
    bytes: int = 0
    failed: tuple[Done, ...] = ()


def claim(stored: Stored) -> None:
    """Make the folder this recipe's own, or go on with it; BenchmarkError where it holds another benchmark."""
    check_mine(stored)
    write_order(stored)


def write_order(stored: Stored) -> None:
    """Write the two files that say what was ordered, where they are not as they should be."""
    with files.Together() as output:
        for path, content in ordered(stored).items():
            write_changed(output, stored.root / path, content)


def check_mine(stored: Stored, mending: bool = False) -> None:
    """Raise BenchmarkError where the folder holds anything but a part of this benchmark, or nothing.

    When it is mended its recipe may be damaged: then one sidecar that knows this recipe is enough.
    """
    root = stored.root
    sidecars = map(read_sidecar, sorted(root.glob(f"{UNITS}/*/*/*.json"))) if mending else ()
    if any(is_of(sidecar, stored) for sidecar in sidecars if sidecar):
        return
    if (root / RECIPE).exists():
        _check_same(stored)
    elif (root / UNITS).is_dir() and not mending:
        raise BenchmarkError(f"{root} holds a benchmark without its {RECIPE}: stage=repair writes it again")
    elif root.is_file() or (root.is_dir() and any(not path.name.startswith(".") for path in root.iterdir())):
        raise BenchmarkError(f"{root} is not empty and not a benchmark of vidsparse; choose another benchmark.dir")


def missing(stored: Stored, units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The units without a sidecar: what is left to do."""
    return tuple(unit for unit in units if not (stored.root / unit.sidecar).exists())


def make_units(plan: Plan, units: Sequence[Unit], title: str) -> Tally:
    """Make these units on the workers of the config. Raises KeyboardInterrupt after Ctrl-C, when what runs is done."""
    stored, config = plan.stored, plan.config
    corruptions.compile_kernels(sorted({unit.cell.corruption for unit in units if unit.cell.severity}))
    workers = cores() if config.engine.workers == "auto" else config.engine.workers
    tally, began = Tally(), time.monotonic()
    with open_pool(workers, config.cluster) as pool, Stop() as stop, Bar(title, len(units)) as bar:
        tasks = tasks_of(plan, units, pool.strange)
        for task in tasks:
            with suppress(OSError):  # what a worker said that was cut off before
                task.note.unlink(missing_ok=True)
        for done in carry_out(pool, make, tasks, _lost, lambda: not stop.wanted, _shard):
            _count(tally, done)
            _log(stored.root, done)
            bar.advance(tally.units, **_numbers(tally, len(units), time.monotonic() - began))
        if stop.wanted and tally.units < len(units):
            raise KeyboardInterrupt
    return tally


def conclude(stored: Stored) -> int:
    """Finish the benchmark if every unit is done; how many are still missing."""
    units = units_of(stored)
    left = len(missing(stored, units))
    if not left:
        finish(stored, OnDisk(stored, units))
    return left


def check_failures(root: Path, tally: Tally) -> None:
    """Raise BenchmarkError where a unit failed, naming it and why."""
    if tally.failed:
        named = [f"{done.unit.name} ({done.error})" for done in tally.failed]
        raise BenchmarkError(
            f"{root} is not complete: {plural(len(named), 'unit')} failed: {'; '.join(named[:3])}"
            + ("; ..." if len(named) > 3 else "")
            + "; everything else is done, and the same command makes what is missing"
        )


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """While the body runs, this folder is being written. Leftovers of killed commands go when no other one writes."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root, os.O_RDONLY)
    except OSError as error:
        why = "it is a file; choose another benchmark.dir" if root.is_file() else error.strerror
        raise WriteError(f"{root} cannot be written: {why}") from error
    try:
        _sweep_if_alone(root, handle)
        yield
        _sweep_if_alone(root, handle)
    finally:
        os.close(handle)


def _sweep_if_alone(root: Path, handle: int) -> None:
    with suppress(OSError):  # others write, or this file system cannot tell
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        files.sweep(root)
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _check_same(stored: Stored) -> None:
    theirs = read_recipe(stored.root)
    differ = [f.name for f in fields(theirs) if getattr(theirs, f.name) != getattr(stored.recipe, f.name)]
    if differ == ["build"]:
        raise BenchmarkError(
            f"{stored.root} was begun with another build, and this one would make other bytes: it was "
            f"[{theirs.build}], here is [{stored.recipe.build}]; go on where it was begun, or choose another "
            "benchmark.dir"
        )
    if differ:
        said = [f"{name} (was {_short(theirs, name)}, now {_short(stored.recipe, name)})" for name in differ]
        raise BenchmarkError(
            f"{stored.root} holds another benchmark: {some(said, 4)}; choose another benchmark.dir, or remove it"
        )


def _short(recipe: Any, name: str) -> str:
    value = str(getattr(recipe, name))
    return value if len(value) <= 60 else f"{value[:57]}..."


def _shard(task: Task) -> int:
    return task.unit.shard


def _lost(task: Task, why: str) -> Done:
    return Done(task.unit, error=why)


def _count(tally: Tally, done: Done) -> None:
    tally.units += 1
    tally.clips += done.clips
    tally.bytes += done.bytes
    tally.failed += (done,) if done.error else ()


def _numbers(tally: Tally, units: int, seconds: float) -> dict[str, str]:
    left = (units - tally.units) * seconds / tally.units
    failed = {"failed": str(len(tally.failed))} if tally.failed else {}
    return {
        "files/s": f"{tally.clips / max(seconds, 1e-9):.1f}",
        "written": size_text(tally.bytes),
        "left": f"{left:.0f} s",
        **failed,
    }


def _log(root: Path, done: Done) -> None:
    said = {"unit": done.unit.name, "clips": done.clips, "bytes": done.bytes, "host": done.host, "error": done.error}
    seconds = {what: round(spent, 4) for what, spent in done.seconds.items()}
    try:
        with (root / LOG).open("a") as file:
            file.write(json.dumps({**said, "seconds": seconds, "at": round(time.time(), 1)}) + "\n")
    except OSError as error:
        raise WriteError(f"{root / LOG} cannot be written: {error.strerror}") from error
