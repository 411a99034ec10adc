"""The stages of `scripts/generate.py`: plan, write, verify, repair."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from vidsparse.benchmark import verify as verifying
from vidsparse.benchmark.estimate import check_room, estimate, on_the_way, size_text, time_text
from vidsparse.benchmark.plan import Plan, Unit, check, make_plan, share, units_of
from vidsparse.benchmark.verify import Fault
from vidsparse.benchmark.write import (
    Tally,
    check_failures,
    check_mine,
    claim,
    conclude,
    make_units,
    missing,
    write_order,
    writing,
)
from vidsparse.config import Config
from vidsparse.data.corrupted.layout import CARD, LOG
from vidsparse.data.load import load_and_tell
from vidsparse.utils.errors import BenchmarkError, plural, some
from vidsparse.utils.launch import check_alone
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import say, warn

SECONDS = {"plan": 60.0, "write": 8.0}  # that a stage may measure, for its estimate


def generate(config: Config) -> None:
    """Carry out `benchmark.stage`. BenchmarkError, with exit code 2, for all that is not as it should be."""
    benchmark = config.benchmark
    if benchmark.shard is None:  # where each has a shard of its own, a launcher may start them
        check_alone("set workers=N, or shard=3/16 on each of several machines")
    check(config)
    if benchmark.stage == "verify" and not benchmark.deep:
        verify(config.benchmark_folder)
        return
    plan = make_plan(config, load_and_tell(config, trains=False))
    {"plan": _plan, "write": _write, "verify": _verify_deep, "repair": _repair}[benchmark.stage](plan)


def verify(root: Path) -> None:
    """Re-hash every file of the benchmark in a folder; BenchmarkError naming what is not as it was written."""
    began = monotonic()
    stored = verifying.open_sound(root)
    faults = verifying.verify(root, stored)
    _say_faults(faults)
    if faults or stored is None:
        mend = "stage=repair makes again what can be made"
        if {fault.what for fault in faults} == {"extra"}:
            mend = "they are no part of the benchmark: remove them"
        raise BenchmarkError(f"{root}: {_counted(faults)}; {mend}")
    clips = len(stored.entries) * len(stored.recipe.cells)
    say(
        f"verified   {root}: {plural(clips, 'clip')}, every file as it was written, in {time_text(monotonic() - began)}"
    )


def _plan(plan: Plan) -> None:
    """Say what there is to do, and stop where it does not fit, or stands in another benchmark's folder."""
    check_mine(plan.stored)
    units = share(units_of(plan.stored), plan.config.benchmark.shard)
    _announce(plan, units)
    for cell in plan.recipe.cells:
        shards = [unit.shard for unit in units if unit.cell == cell]
        if shards:
            say(f"  {cell.corruption:<24} {cell.severity}  {plural(len(shards), 'unit')}")
    _foretell(plan, missing(plan.stored, units), SECONDS["plan"])


def _write(plan: Plan) -> None:
    """Make what is missing of this command's share, and finish the benchmark when all is there."""
    root, began = plan.stored.root, monotonic()
    units = share(units_of(plan.stored), plan.config.benchmark.shard)
    _announce(plan, units)
    with writing(root, plan.config.benchmark.shard):
        claim(plan.stored)
        todo = missing(plan.stored, units)
        tally = Tally()
        _foretell(plan, todo, SECONDS["write"])
        if todo:
            tally = make_units(plan, todo, "writing")
            _summarise(tally, len(units) - len(todo), monotonic() - began)
        check_failures(root, tally)
        left = conclude(plan.stored)
    if left:
        say(f"shard {plan.config.benchmark.shard} is done; {plural(left, 'unit')} of other shards are missing")
    else:
        say(f"benchmark  {root}: complete, see {root / CARD}")


def _verify_deep(plan: Plan) -> None:
    """Verify, then make a random sample again from the source."""
    root = plan.stored.root
    check_mine(plan.stored)
    verify(root)
    differ, made = verifying.verify_deep(plan, plan.config.benchmark.deep)
    if differ:
        raise BenchmarkError(f"{root}: {len(differ)} of {made} clips made again are others: {some(differ)}")
    say(f"verified   {plural(made, 'clip')} made again from the source: the same pixels")


def _repair(plan: Plan) -> None:
    """Make again what is missing, changed or truncated, and touch nothing else."""
    root = plan.stored.root
    verifying.check_there(root)
    with writing(root):
        check_mine(plan.stored, mending=True)
        faults = verifying.verify(root, plan.stored)
        _say_faults(faults)
        write_order(plan.stored)
        units = verifying.to_mend(plan.stored, faults)
        check_failures(root, make_units(plan, units, "repairing") if units else Tally())
        conclude(plan.stored)
        still = verifying.verify(root, plan.stored)
    extra = [fault.path for fault in still if fault.what == "extra"]
    if extra:
        warn(f"{plural(len(extra), 'file')} in {root} are no part of the benchmark, and stay: {some(extra)}")
    if len(still) > len(extra):
        raise BenchmarkError(f"{root}: {_counted(still)} after the repair; {some([fault.path for fault in still])}")
    mended = {fault.path for fault in faults if fault.what != "extra"}
    say(f"repaired   {plural(len(mended), 'file')} of {root}; all others are as they were")


def _announce(plan: Plan, units: Sequence[Unit]) -> None:
    recipe, clips = plan.recipe, len(plan.stored.entries)
    cells = Counter(cell.corruption for cell in recipe.cells if cell.severity)
    say(
        f"benchmark  {plan.stored.root}: {plural(clips, 'clip')}, clean and {plural(len(cells), 'corruption')} at "
        f"severities {', '.join(map(str, recipe.severities))}, {recipe.materialize} as {recipe.format}, canvas "
        f"{recipe.canvas}: {plural(len(units), 'unit')} of up to {plural(recipe.unit, 'clip')}"
    )
    if recipe.format == "h264_420":
        warn("4:2:0 stores chroma at half the resolution: colour noise loses a third of its strength")


def _foretell(plan: Plan, units: Sequence[Unit], budget: float) -> None:
    """Measure a sample and say how much the missing units take; BenchmarkError where that does not fit."""
    if not units:
        say("plan       nothing is missing")
        return
    told = estimate(plan, units, budget)
    workers = plan.config.engine.workers
    hands = max(1, cores() if workers == "auto" else workers)
    meanwhile = on_the_way(plan, hands)
    free = check_room(told.bytes + meanwhile, plan.stored.root)
    if meanwhile:
        say(f"plan       meanwhile {size_text(meanwhile)} for frames of videos that are too long for memory")
    say(
        f"plan       {plural(len(units), 'unit')} to make, {plural(told.frames, 'frame')}: about "
        f"{size_text(told.bytes)} and {time_text(told.seconds / hands)} on {plural(hands, 'worker')} (from "
        f"{told.measured} of {told.cells} conditions, measured on a few clips); {size_text(free)} are free"
    )


def _summarise(tally: Tally, before: int, seconds: float) -> None:
    there = f", {before} were there" if before else ""
    failed = f", {len(tally.failed)} failed" if tally.failed else ""
    say(
        f"written    {plural(tally.units - len(tally.failed), 'unit')}{there}{failed}: {plural(tally.clips, 'clip')}, "
        f"{size_text(tally.bytes)} in {time_text(seconds)}, {tally.clips / max(seconds, 1e-9):.1f} clips/s; see {LOG}"
    )


def _say_faults(faults: Sequence[Fault]) -> None:
    for what, path in _files(faults):
        say(f"  {what:<10} {path}")


def _files(faults: Sequence[Fault]) -> dict[tuple[str, str], None]:
    """(what, path), each once: an array is the fault of every unit that has rows in it."""
    return dict.fromkeys((fault.what, fault.path) for fault in faults)


def _counted(faults: Sequence[Fault]) -> str:
    counts = Counter(what for what, _ in _files(faults))
    return ", ".join(f"{count} {what}" for what, count in counts.items())
