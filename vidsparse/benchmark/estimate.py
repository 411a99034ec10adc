"""How large and how long: measured on samples of the real thing, and told before anything is written."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from time import monotonic

import numpy as np

from corruptions.registry import REGISTRY
from vidsparse.benchmark.formats import encode
from vidsparse.benchmark.plan import Plan, Unit, part
from vidsparse.benchmark.unit import Clock, clip_frames, timed
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.corrupted.corruptor import Corruptor, Decoded
from vidsparse.data.corrupted.layout import PACKED, Entry
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.spill import Spilled
from vidsparse.utils.errors import BenchmarkError

CLIPS, FRAMES = 3, 32  # of a sample; a part of a video stands for all of it
SPARE = 1.1  # manifests, sidecars, blocks of the disk that are not full, and what the sample did not show


@dataclass(frozen=True)
class Estimate:
    """Bytes on disk and seconds of one worker for the units asked for; cells that were measured of those asked for."""

    bytes: float
    seconds: float
    frames: int
    measured: int
    cells: int


def estimate(plan: Plan, units: Sequence[Unit], budget: float) -> Estimate:
    """Measure cells for about `budget` seconds; those not reached take the mean of the others, but one at least is."""
    cells = tuple(dict.fromkeys(unit.cell for unit in units))
    sample, clock = _sample(plan.stored.entries), Clock(float)
    folder = None if plan.recipe.format == PACKED else place(plan.stored.root)
    corruptor = Corruptor(part(plan.clips, sample), plan.config.evaluation, cells, folder)
    with timed(clock, "decode"):
        videos = [corruptor.decode(plan.clips.test[entry.position], entry.kept) for entry in sample]
    began, size, seconds = monotonic(), dict[Cell, float](), dict[Cell, float]()
    for cell in _spread(cells):
        if size and monotonic() - began > budget:
            break
        size[cell], seconds[cell] = _measured(plan, corruptor, list(zip(sample, videos, strict=True)), cell)
    frames = dict.fromkeys(cells, 0)
    for unit in units:
        frames[unit.cell] += sum(len(entry.kept) for entry in plan.shard(unit.shard))
    usual = [mean(each.values()) for each in (size, seconds)]
    total = [
        sum(count * each.get(cell, rest) for cell, count in frames.items())
        for each, rest in zip((size, seconds), usual, strict=True)
    ]
    clips = sum(len(plan.shard(number)) for number in {unit.shard for unit in units})
    decoding = clips * clock["decode"] / len(sample)
    return Estimate(total[0] * SPARE, total[1] + decoding, sum(frames.values()), len(size), len(cells))


def check_room(needed: float, root: Path) -> int:
    """Free bytes where the benchmark will stand; BenchmarkError where that is less than what it needs."""
    free = shutil.disk_usage(place(root)).free
    if needed > free:
        raise BenchmarkError(
            f"the benchmark needs about {size_text(needed)}, and {size_text(free)} are free at {place(root)}: choose "
            "benchmark.dir on another disk, benchmark.materialize=clips, fewer severities or a smaller canvas"
        )
    return free


def place(root: Path) -> Path:
    """The folder that is there already where the benchmark will stand."""
    return next(each for each in (root, *root.parents) if each.exists())


def on_the_way(plan: Plan, workers: int) -> int:
    """Bytes on disk of the frames that so many workers may have there at a time: of videos too long for memory."""
    whole = any(cell.severity and REGISTRY[cell.corruption].support == "video" for cell in plan.recipe.cells)
    sizes = [(e.n_frames if whole else len(e.kept)) * e.height * e.width * 3 for e in plan.stored.entries]
    most = plan.config.evaluation.max_clip_mb * 2**20
    return sum(sorted((size for size in sizes if size > most), reverse=True)[:workers])


def size_text(count: float) -> str:
    """Bytes as a person reads them.

    >>> size_text(3 * 2**30)
    '3.0 GiB'
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def time_text(seconds: float) -> str:
    """Seconds as a person reads them.

    >>> time_text(5400)
    '1.5 h'
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _sample(entries: Sequence[Entry]) -> list[Entry]:
    """A few clips from all over the split."""
    return [entries[i] for i in np.linspace(0, len(entries) - 1, min(CLIPS, len(entries))).astype(int)]


def _cut(entry: Entry, cell: Cell) -> Entry:
    """The first frames of a clip; a codec takes as long for a few as for all of them."""
    if cell.severity and REGISTRY[cell.corruption].support == "video":
        return entry
    return replace(entry, numbers=tuple(entry.kept[:FRAMES].tolist()))


def _spread(cells: Sequence[Cell]) -> list[Cell]:
    """The cells in an order that shows every corruption once before it shows one twice, middle severities first."""
    of_name = defaultdict[str, list[Cell]](list)
    for cell in cells:
        of_name[cell.corruption].append(cell)
    rounds = [sorted(group, key=lambda c: abs(c.severity - 3)) for group in of_name.values()]
    return [group[turn] for turn in range(max(map(len, rounds), default=0)) for group in rounds if turn < len(group)]


def _first_part(corruptor: Corruptor, video: Decoded, cell: Cell, entry: Entry) -> Frames:
    """The frames of a clip, or the first of one that is too long for memory."""
    if isinstance(video.frames, Spilled):
        return next(corruptor.parts(video, cell, entry.kept, FRAMES))
    return clip_frames(corruptor, video, cell, entry)


def _measured(
    plan: Plan, corruptor: Corruptor, videos: Sequence[tuple[Entry, Decoded]], cell: Cell
) -> tuple[float, float]:
    """Bytes and seconds a frame of one cell, without its decoding."""
    clock, size, count = Clock(float), 0, 0
    for whole, video in videos:
        entry = _cut(whole, cell)
        _first_part(corruptor, video, cell, entry)  # the first time compiles
        with timed(clock, "all"):
            frames = _first_part(corruptor, video, cell, entry)
            size += sum(map(len, encode(plan.recipe.format, frames, entry.rate, plan.recipe.crf).values()))
        count += len(frames)
    return size / count, clock["all"] / count
