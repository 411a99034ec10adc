"""`vidsparse.evaluate`: anybody's network, clean and under every corruption of a suite, from Python."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Unpack

import pyarrow as pa
import torch

import corruptions
from vidsparse.api.asked import Asked
from vidsparse.api.given_clips import Given, GivenClips, Item, given_clips
from vidsparse.api.given_network import GivenNetwork, Network, evaluating, place_of
from vidsparse.api.keywords import Protocol, check_names
from vidsparse.api.labelling import Labels, labels_given, labels_of
from vidsparse.api.native_keywords import normalization
from vidsparse.api.result import Result
from vidsparse.api.what_ran import record_of
from vidsparse.config import Config, DataConfig, EvaluationConfig
from vidsparse.config.change import changed
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.benchmarks import cells_of
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Dataset
from vidsparse.data.indexing.index import Index
from vidsparse.data.load import load_and_tell
from vidsparse.data.loader import batches, make_loader, split_units
from vidsparse.evaluation.gallery import save_gallery, save_strip
from vidsparse.evaluation.predictor import Predictor, clips_a_unit
from vidsparse.utils.errors import ConfigError, DataError
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.main_module import main_left_alone
from vidsparse.utils.progress import Bar, console

_PICTURES = ("frames.npz", "gallery.parquet")


def evaluate(
    model: Network, data: Any, root: str | Path | None = None, suite: str | None = None, **protocol: Unpack[Protocol]
) -> Result:
    """Evaluate a network clean and under every corruption of a suite, as scripts/evaluate.py does, to the bit.

    Args:
        model: an nn.Module, or a callable from float (B, 3, T, H, W), normalised, to logits (B, classes). It computes
            on its own device in its own precision, in evaluation mode; then every module is in the mode it was in.
        data: the name of a data set (`vidsparse.list_data()`), or a list, a Dataset or a DataLoader of (clip, label)
            or (clip, label, id). Clips are pixels: uint8, or floats in [0, 1]; an image is a clip of one frame.
        root: the folder of a data set that is given by name.
        suite: a name of `vidsparse.list_suites()`, or "clean" for no corruption; by default core_10, or what the
            keyword `config` says.
        protocol: the clip (`frames`, `stride`, `size`, ...), `normalize`, `labels`, `severities` and all else that
            docs/python.md lists.

    Returns:
        The predictions, and all that is computed from them. Nothing is written but temporary files.

    Raises:
        ConfigError, DataError: what is asked cannot be carried out, or would be a guess; one sentence.
    """
    check_names(protocol)
    asked = Asked.of(model, protocol)
    by_name = isinstance(data, str)  # then the processes are ours
    with (
        main_left_alone() if by_name else nullcontext(),
        _quiet(not protocol.get("progress", True)),
        TemporaryDirectory(prefix="vidsparse-") as scratch,
    ):
        work = (_by_name(asked, data, root, suite, Path(scratch)) if by_name
                else _as_given(asked, data, suite))  # fmt: skip
        with evaluating(model), torch.random.fork_rng(devices=[]):  # loaders draw from the generator of all
            return _carried_out(asked, work, Path(scratch))


@dataclass(frozen=True)
class _Part:
    """Clips at hand, and the units of them that are to be evaluated: (number, positions in the test split)."""

    clips: Clips
    units: list[tuple[int, range]]


@dataclass(frozen=True)
class _Work:
    """What is to be evaluated, how its labels are meant, and how many clips there are (0: nobody knows)."""

    config: Config
    labels: Labels
    parts: Iterable[_Part]
    clips: int
    workers: int = 0


def _by_name(asked: Asked, source: str, root: str | Path | None, suite: str | None, scratch: Path) -> _Work:
    """A data set that is known by name."""
    config = asked.config(source, root, suite, asked.clip(root))
    for counts in (Path(config.logging.dir) / ".index").glob("*.parquet"):  # counted by a run: not counted again
        (scratch / ".index").mkdir(exist_ok=True)
        shutil.copy(counts, scratch / ".index")
    clips = load_and_tell(changed(config, {"logging.dir": str(scratch)}), trains=False)
    said = asked.protocol.get("labels") or asked.native.labels or None
    labels, clips = labels_of(clips, said, asked.protocol.get("answers", "all"))
    units = list(enumerate(split_units(len(clips.test), clips_a_unit(config))))
    return _Work(config, labels, [_Part(clips, units)], len(clips.test), asked.workers)


def _as_given(asked: Asked, data: Any, suite: str | None) -> _Work:
    """Clips that somebody holds: a unit of them at a time is in memory."""
    protocol = asked.protocol
    if not asked.preset and "config" not in protocol:
        raise ConfigError(
            f"normalize=: nobody says how pixels are normalised for {asked.name}; give a preset, such as 'kinetics', "
            "'imagenet' or 'unit' (0 to 1 as they are), or mean and std"
        )
    labels, undo = labels_given(protocol.get("labels")), protocol.get("normalized_by")
    given = Given(data, protocol.get("layout"), None if undo is None else normalization(undo), labels.names)
    items = given.items()
    first = next(items)
    config = asked.config("folder", ".", suite, _clip_of(first, protocol))
    config = changed(config, {"data.source": "given", "data.root": ""})
    source, size = chain([first], items), clips_a_unit(config)
    units = enumerate(iter(lambda: tuple(islice(source, size)), ()))
    dataset = Dataset(protocol.get("dataset", "given"), Path(), labels.names, (), ())
    fps = float(protocol.get("fps", 25.0))
    parts = (_Part(_checked(unit, config.data, dataset, protocol, fps), [(number, range(len(unit)))])
             for number, unit in units)  # fmt: skip
    return _Work(config, labels, parts, given.count)


def _carried_out(asked: Asked, work: _Work, scratch: Path) -> Result:
    """The network's answers to every clip under every cell, and what can be said of them."""
    network, started, config = asked.network(work.labels), monotonic(), work.config
    rows: dict[int, list[pa.Table]] = {}
    seen: list[Clips] = []
    pictures: dict[str, bytes] = {}
    with Stop() as stop, Bar("evaluating", 0) as bar:
        for part in work.parts:
            cells = cells_of(part.clips, config.evaluation)
            bar.count(sum(map(len, rows.values())), _batches(work, cells))
            if not seen and part.clips.stored is None:
                corruptions.compile_kernels(tuple({cell.corruption for cell in cells if cell.severity}))
            network.last = max(((sample.label, sample.id) for sample in part.clips.test), default=(-1, ""))
            for unit, table, corruption in _predicted(asked, network, work, part, cells):
                rows.setdefault(unit, []).append(table)
                bar.advance(sum(map(len, rows.values())), now=corruption)
                if stop.wanted:
                    raise KeyboardInterrupt
            pictures = pictures or _pictures(config.evaluation, part.clips, cells, scratch)
            seen.append(replace(part.clips, held={}) if isinstance(part.clips, GivenClips) else part.clips)
    record = record_of(asked, config, _joined(seen), network, work.labels)
    record = replace(record, seconds={"evaluate": monotonic() - started})
    return Result.of([table for number in sorted(rows) for table in rows[number]], record, config, pictures)


def _predicted(
    asked: Asked, network: GivenNetwork, work: _Work, part: _Part, cells: tuple[Cell, ...]
) -> Iterator[tuple[int, pa.Table, str]]:
    """(unit, rows of a cell of it, corruption) for the units of a part, cell after cell in each unit."""
    clips, config = part.clips, work.config
    predictor = Predictor(network, config, len(clips.dataset.classes), place_of(asked.model)[0], asked.autocast)
    source, units = CorruptedUnits(clips, config.evaluation, cells, part.units), dict(part.units)
    for batch in batches(make_loader(source, work.workers, batch_size=None)):
        samples = [clips.test[place] for place in units[batch.unit]]
        yield batch.unit, predictor.rows(samples, cells[batch.cell], batch), cells[batch.cell].corruption


def _batches(work: _Work, cells: tuple[Cell, ...]) -> int:
    return -(-work.clips // clips_a_unit(work.config)) * len(cells)


def _clip_of(first: Item, protocol: Protocol) -> dict[str, int]:
    """The clip that the network is shown: as it was said, else the clips as they are."""
    frames, height, width = first.frames.shape[:3]
    if "size" not in protocol and height != width:
        raise DataError(
            f"data, clip {first.id}: it is {height} x {width} pixels; say size=, the side of the square that the model "
            "is shown (short_side= resizes before)"
        )
    size = protocol.get("size", height)
    found = {"frames": protocol.get("frames", frames), "size": size, "short_side": protocol.get("short_side", size)}
    return found | ({} if "stride" in protocol else {"stride": 1})


def _checked(
    unit: tuple[Item, ...], config: DataConfig, dataset: Dataset, protocol: Protocol, fps: float
) -> GivenClips:
    """A unit of clips; DataError where one is of another form than the first, and nobody said what to make of it."""
    for item in unit:
        frames, height, width = item.frames.shape[:3]
        if "frames" not in protocol and frames != config.frames:
            raise DataError(
                f"data, clip {item.id}: it has {frames} frames and the first one {config.frames}; say frames= "
                "(and stride=), by which every clip is sampled"
            )
        if "size" not in protocol and (height, width) != (config.size, config.size):
            raise DataError(
                f"data, clip {item.id}: it is {height} x {width} pixels and the first one {config.size} a side; "
                "say size=, the side of the square that the model is shown (short_side= resizes before)"
            )
    return given_clips(unit, config, dataset, fps)


def _joined(parts: list[Clips]) -> Clips:
    """All clips, as one split."""
    first = parts[0]
    if len(parts) == 1:
        return first
    rows: Mapping[str, Any] = {name: row for part in parts for name, row in part.index.rows.items()}
    return replace(first, index=Index(dict(rows)), test=tuple(sample for part in parts for sample in part.test))


def _pictures(config: EvaluationConfig, clips: Clips, cells: tuple[Cell, ...], scratch: Path) -> dict[str, bytes]:
    """Pictures of some clips, for a page: {file of a run folder: its bytes}."""
    for name, save in zip(_PICTURES, (save_strip, save_gallery), strict=True):
        save(clips, config, cells, scratch / name)
    return {name: (scratch / name).read_bytes() for name in _PICTURES}


@contextmanager
def _quiet(quiet: bool) -> Iterator[None]:
    """While the body runs nothing is shown."""
    before = console.quiet
    console.quiet = before or quiet
    try:
        yield
    finally:
        console.quiet = before
