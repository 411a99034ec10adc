"""Write a benchmark: claim the folder, make the units that are missing, finish when all of them are there."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import corruptions
from vidsparse.benchmark.estimate import size_text
from vidsparse.benchmark.finish import OnDisk, finish, ordered
from vidsparse.benchmark.plan import Plan, Unit, units_of
from vidsparse.benchmark.pools import carry_out, open_pool
from vidsparse.benchmark.unit import Done, Task, is_of, make, tasks_of, write_changed
from vidsparse.data.corrupted.layout import LOG, RECIPE, UNITS, Stored, read_recipe
from vidsparse.data.corrupted.sidecars import read_sidecar
from vidsparse.utils import files, locks
from vidsparse.utils.errors import BenchmarkError, WriteError, plural, some
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import Bar


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
def writing(root: Path, shard: str | None = None) -> Iterator[None]:
    """While the body runs this process alone writes the units of `shard` (None: all) in this folder.

    Commands for other shards may write beside it. Leftovers of killed ones go when no other one writes.

    Raises locks.Locked, naming the process, where one is at work on the same units.
    """
    if root.is_file():
        raise WriteError(f"{root} cannot be written: it is a file; choose another benchmark.dir")
    number, of = _numbers_of(shard)
    mine = root / f".{number}-of-{of}.write{locks.NAME}"
    with ExitStack() as stack:
        with locks.held(root / locks.NAME, str(root), wait=True):  # for a moment: who looks and enters does so alone
            for (n, parts), owner in _writers(root).items():
                if _overlap((n, parts), (number, of)):
                    raise locks.Locked(f"{root}: {owner} writes the same units (shard {n}/{parts}); wait until it ends")
            _sweep_if_alone(root)
            stack.enter_context(locks.held(mine, str(root)))
        yield
    with locks.held(root / locks.NAME, str(root), wait=True):
        _sweep_if_alone(root)


def _writers(root: Path) -> dict[tuple[int, int], locks.Owner]:
    """{(number, of): the living process that writes this shard}."""
    found = {path: owner for path in root.glob(f".*-of-*.write{locks.NAME}") if (owner := locks.owner_of(path))}
    return {(int(path.name[1:].partition("-of-")[0]), int(path.name.partition("-of-")[2].partition(".")[0])): owner
            for path, owner in found.items()}  # fmt: skip


def _sweep_if_alone(root: Path) -> None:
    """Remove what killed commands left behind, where nobody writes."""
    if not _writers(root):
        files.sweep(root)


def _numbers_of(shard: str | None) -> tuple[int, int]:
    number, _, of = (shard or "1/1").partition("/")
    return int(number), int(of)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two parts, such as (3, 16) for the third of sixteen, have units in common."""
    return (one[0] - 1) * other[1] < other[0] * one[1] and (other[0] - 1) * one[1] < one[0] * other[1]


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
