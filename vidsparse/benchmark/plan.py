"""What there is to do: the recipe of a benchmark, its clips, and its units of work."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vidsparse.benchmark.fingerprint import build, same_build
from vidsparse.config import BenchmarkConfig, Config
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.cells import Cell, evaluation_cells, temporal_of
from vidsparse.data.corrupted.corruptor import frost_of, view_numbers
from vidsparse.data.corrupted.layout import (
    PACKED,
    UNITS,
    Entry,
    Recipe,
    Stored,
    cell_path,
    entries_bytes,
    read_recipe,
)
from vidsparse.data.corrupted.sidecars import read_sidecar
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing.index import Index
from vidsparse.utils.errors import BenchmarkError, ConfigError, DataError, some

VIDEOS_A_UNIT, IMAGES_A_UNIT = 16, 1000


@dataclass(frozen=True)
class Unit:
    """A cell of a fixed run of clips: done or not done. `shard` counts these runs."""

    cell: Cell
    shard: int

    @property
    def name(self) -> str:
        """<corruption>/<severity>/<shard>, as errors and the folder of sidecars call it."""
        return f"{cell_path(self.cell)}/{self.shard:05d}"

    @property
    def sidecar(self) -> str:
        """Its sidecar, below the root of the benchmark."""
        return f"{UNITS}/{self.name}.json"


@dataclass(frozen=True)
class Plan:
    """A benchmark that is to be made: where it comes from, and what it will hold."""

    config: Config
    clips: Clips
    stored: Stored

    @property
    def recipe(self) -> Recipe:
        """The recipe."""
        return self.stored.recipe

    def shard(self, number: int) -> tuple[Entry, ...]:
        """The clips of one shard."""
        return shard_of(self.stored, number)


def shard_of(stored: Stored, number: int) -> tuple[Entry, ...]:
    """The clips of one shard."""
    size = stored.recipe.unit
    return stored.entries[number * size : (number + 1) * size]


def units_of(stored: Stored) -> tuple[Unit, ...]:
    """All units, shard after shard, so that a worker decodes a shard once and corrupts it many times."""
    shards = -(-len(stored.entries) // stored.recipe.unit)
    return tuple(Unit(cell, shard) for shard in range(shards) for cell in stored.recipe.cells)


def share(units: Sequence[Unit], shard: str | None) -> tuple[Unit, ...]:
    """The part of the units that `shard`, "3/16", means: sixteen runs as equal as can be, the third of them.

    Raises ConfigError where it is no such part.
    """
    if shard is None:
        return tuple(units)
    number, _, of = str(shard).partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise ConfigError(f"benchmark.shard={shard}: it is a part such as 3/16, the third of sixteen")
    bounds = [len(units) * part // int(of) for part in (int(number) - 1, int(number))]
    return tuple(units[slice(*bounds)])


def make_plan(config: Config, clips: Clips) -> Plan:
    """The plan of a benchmark of the test clips of `clips`.

    Raises ConfigError for what cannot be made, BenchmarkError for clips that cannot be read.
    """
    check(config)
    bad = [clips.index.rows[sample.id].info.error for sample in clips.test if not clips.n_frames(sample)]
    if bad:
        raise BenchmarkError(
            f"{len(bad)} of the {len(clips.test)} clips cannot be read ({some(bad)}): mend them or take them out of "
            f"{clips.dataset.root}, so that no benchmark is made of a part unawares"
        )
    clips = replace(clips, full_size=config.evaluation.canvas == "source")
    entries = tuple(_entry(config, clips, position, sample) for position, sample in enumerate(clips.test))
    _check_entries(config.benchmark.format, entries, any(sample.mask for sample in clips.test))
    root = config.benchmark_folder.absolute()
    return Plan(config, clips, Stored(root, _as_begun(_recipe(config, clips, entries), root), entries))


def check(config: Config) -> None:
    """Raise ConfigError for a benchmark that cannot be made, whatever the clips are."""
    benchmark, data = config.benchmark, config.data
    if data.source == "corrupted":
        raise ConfigError("data.source=corrupted: a benchmark is made from clean clips; name the data set itself")
    if any(cell.is_probe for cell in evaluation_cells(config.evaluation)):
        raise ConfigError(
            f"evaluation.suite={config.evaluation.suite}: it asks what a network does with the order of frames "
            "that it sees, and no file holds that; evaluate it on the clean clips"
        )
    if benchmark.format == "h264_420" and not benchmark.allow_420:
        raise ConfigError(
            "benchmark.format=h264_420: storing chroma at half the resolution takes a third of the strength of colour "
            "noise, so that severity 3 is read as 2; set benchmark.allow_420=true if you want that, or use h264_444"
        )


def part(clips: Clips, entries: Sequence[Entry]) -> Clips:
    """The clips of one shard alone, small enough to travel to a worker."""
    test = tuple(clips.test[entry.position] for entry in entries)
    rows = {sample.id: clips.index.rows[sample.id] for sample in test}
    dataset = replace(clips.dataset, train=(), test=test, missing=())
    return replace(clips, dataset=dataset, index=Index(rows), train=(), validation=(), test=test)


def _entry(config: Config, clips: Clips, position: int, sample: Sample) -> Entry:
    data, info = config.data, clips.index.rows[sample.id].info
    numbers = None
    if config.benchmark.materialize == "clips" and info.n_frames > 1:
        views = view_numbers(data, config.evaluation, info.n_frames)
        numbers = tuple(np.unique(views).tolist())
    height, width = (data.size, data.size) if config.evaluation.canvas == "crop" else clips.size(sample)
    stem = _stem(sample, clips.dataset.classes)
    return Entry(
        position, sample.id, sample.label, sample.group, stem, info.n_frames, info.rate, height, width, numbers
    )


def _stem(sample: Sample, classes: Sequence[str]) -> str:
    """<Class>/<clip>: the id from its class on, or its last part below the class where the id does not name it."""
    name, parts = classes[sample.label] if sample.label >= 0 else "", sample.id.split("/")
    for place, component in enumerate(parts[:-1]):
        if component.casefold() == name.casefold():
            return "/".join(parts[place:])
    return f"{name}/{parts[-1]}" if name else sample.id


def _check_entries(format: str, entries: Sequence[Entry], masks: bool) -> None:
    stems: dict[str, str] = {}
    for entry in entries:
        if len(entry.stem.splitlines()) > 1:
            raise BenchmarkError(f"{entry.id!r} has a line break in its name, which no list can hold: rename it")
        other = stems.setdefault(entry.stem.casefold(), entry.id)
        if other != entry.id:
            raise BenchmarkError(f"{entry.id} and {other} would be the same file, {entry.stem}: rename one of them")
    sizes = {(entry.height, entry.width) for entry in entries}
    if format == "h264_420" and any(side % 2 for size in sizes for side in size):
        raise ConfigError("benchmark.format=h264_420: it needs even sides; use another canvas or h264_444")
    if format == PACKED and masks:
        raise ConfigError(f"benchmark.format={PACKED}: it holds no masks; use webp, or ffv1 for videos")
    if format == PACKED and (len(sizes) > 1 or any(len(entry.kept) > 1 for entry in entries)):
        raise ConfigError(
            f"benchmark.format={PACKED}: it holds images of one size; use evaluation.canvas=crop, or ffv1 for videos"
        )


def _recipe(config: Config, clips: Clips, entries: Sequence[Entry]) -> Recipe:
    data, evaluation, benchmark = config.data, config.evaluation, config.benchmark
    crf = _crf(benchmark)
    images = all(entry.n_frames == 1 for entry in entries)
    masks = any(sample.mask for sample in clips.test)
    videos = not images and any(sample.reader == "video" for sample in clips.test)
    whole = images or benchmark.materialize == "videos"
    with frost_of(evaluation):
        built = build(benchmark.format, crf, videos, masks, evaluation_cells(evaluation))
    return Recipe(
        name=config.name,
        dataset=clips.dataset.name,
        split=data.split,
        classes=clips.dataset.classes,
        fingerprint=clips.index.fingerprint(sample.id for sample in clips.test),
        sample_data=clips.is_sample,
        canvas=evaluation.canvas,
        short_side=None if evaluation.canvas == "source" else data.short_side,
        size=data.size if evaluation.canvas == "crop" else None,
        materialize="videos" if whole else "clips",
        frames=None if whole else data.frames,
        stride=None if whole else data.stride,
        sampling=None if whole else evaluation.sampling or data.sampling,
        short=None if whole else data.short,
        views=None if whole else evaluation.views,
        suite=evaluation.suite,
        temporal=temporal_of(evaluation),
        resolution=evaluation.resolution,
        corruption_seed=evaluation.corruption_seed,
        cells=evaluation_cells(evaluation),
        format=benchmark.format,
        crf=crf,
        unit=benchmark.unit or (IMAGES_A_UNIT if images else VIDEOS_A_UNIT),
        build=built,
        samples=hashlib.sha256(entries_bytes(entries)).hexdigest(),
        masks=masks,
    )


def _as_begun(recipe: Recipe, root: Path) -> Recipe:
    """The recipe with the build as the benchmark in this folder has it, where that is this one in an older form."""
    begun = _build_of(root)
    return replace(recipe, build=begun) if begun and same_build(replace(recipe, build=begun)) == begun else recipe


def _build_of(root: Path) -> str:
    """The build that the benchmark in a folder says; empty where it says none."""
    try:
        return read_recipe(root).build
    except (DataError, OSError):  # it is to be mended, perhaps: each unit says it too
        units = map(read_sidecar, root.glob(f"{UNITS}/*/*/*.json"))
        return next((str(unit["build"]) for unit in units if unit), "")


def _crf(benchmark: BenchmarkConfig) -> int | None:
    return benchmark.crf if benchmark.format in ("h264_444", "h264_420") else None
