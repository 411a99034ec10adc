"""Make one unit: decode its clips once for all cells, corrupt them, encode, and write everything or nothing."""

import hashlib
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2

from corruptions.exceptions import CorruptionError
from corruptions.severities import TABLES
from vidsparse.benchmark import packed
from vidsparse.benchmark.fingerprint import same_build as build
from vidsparse.benchmark.formats import decode, encode, encode_mask, is_lossless
from vidsparse.benchmark.long_clips import LongClip, write_long
from vidsparse.benchmark.measure import Loss, mean_loss, measure
from vidsparse.benchmark.plan import Plan, Unit, part
from vidsparse.config import EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.cells import CLEAN, Cell
from vidsparse.data.corrupted.corruptor import Corruptor, Decoded, frost_of
from vidsparse.data.corrupted.layout import PACKED, Entry, Recipe, Stored, mask_paths
from vidsparse.data.corrupted.sidecars import Sidecar, sidecar_bytes
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading import watchdog
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.spill import Spilled
from vidsparse.plugins.blame import culprit_of
from vidsparse.plugins.travelling import Travelling
from vidsparse.utils import failures, files
from vidsparse.utils.errors import BenchmarkError, DataError, MachineError, WriteError

KEEP = 512 * 2**20  # bytes of decoded clips that a worker keeps for the next cell of the same shard
Clock = defaultdict[str, float]


@dataclass(frozen=True)
class Task(Travelling):
    """A unit with all that its worker must know; small, so that it can be sent anywhere.

    `entries` and `clips` are those of its shard, `cells` those of the whole job: frames are decoded for all of them at
    once. `strange` asks the worker to check that its build is the recipe's.
    """

    unit: Unit
    stored: Stored
    total: int
    clips: Clips
    evaluation: EvaluationConfig
    cells: tuple[Cell, ...]
    strange: bool = False

    @property
    def note(self) -> Path:
        """Where a worker that is cut off says why."""
        sidecar = self.stored.root / self.unit.sidecar
        return sidecar.with_name(f".{sidecar.name}.hang.tmp")


@dataclass(frozen=True)
class Done:
    """What became of a unit: how many clips and bytes it has, and how long each part took; or why it failed."""

    unit: Unit
    clips: int = 0
    bytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    host: str = ""
    error: str = ""


def tasks_of(plan: Plan, units: Sequence[Unit], strange: bool = False) -> list[Task]:
    """The tasks of these units."""
    cells = tuple(dict.fromkeys(unit.cell for unit in units))
    shards = {number: plan.shard(number) for number in {unit.shard for unit in units}}
    of = {
        number: (Stored(plan.stored.root, plan.recipe, entries), part(plan.clips, entries))
        for number, entries in shards.items()
    }
    total, evaluation = len(plan.stored.entries), plan.config.evaluation
    return [Task(unit, of[unit.shard][0], total, of[unit.shard][1], evaluation, cells, strange) for unit in units]


def make(task: Task) -> Done:
    """Make a unit and write its files that are not as they should be, its sidecar last.

    A clip that cannot be made fails the unit, and `error` says why; WriteError and BenchmarkError stop everything.
    """
    clock: Clock = defaultdict(float)
    cv2.setNumThreads(1)  # units share the machine, and threads would take it from one another
    if task.strange:
        with frost_of(task.evaluation):
            check_build(task.stored.recipe)
    try:
        if task.note.exists():
            raise DataError(task.note.read_text())
        with _turn, watchdog.heard_by(lambda words: files.write(task.note, words)), files.Together() as output:
            sidecar = _made(task, output, clock)
            with timed(clock, "write"):
                write_changed(output, task.stored.root / task.unit.sidecar, sidecar_bytes(sidecar))
    except (WriteError, BenchmarkError, MachineError):
        raise
    except (DataError, CorruptionError) as error:
        return Done(task.unit, error=str(error))
    except Exception as error:  # whatever a decoder, a corruption or an encoder says: one unit, not all of them
        failures.check(error, task.unit.name)
        return Done(task.unit, error=str(culprit_of(error) or f"{type(error).__name__}: {error}"))
    return Done(task.unit, len(sidecar["clips"]), sidecar["bytes"], dict(clock), socket.gethostname())


def check_build(recipe: Recipe) -> None:
    """Raise BenchmarkError where this process would make other bytes than the recipe's."""
    here = build(recipe)
    if here != recipe.build:
        raise BenchmarkError(
            f"the worker on {socket.gethostname()} has another build and would make other bytes: it has [{here}], the "
            f"benchmark was begun with [{recipe.build}]; install the same versions there, or leave it out"
        )


def is_of(sidecar: Sidecar, stored: Stored | None) -> bool:
    """Whether a sidecar belongs to this benchmark; None stands for any."""
    return stored is None or sidecar["recipe"] == hashlib.sha256(stored.recipe.to_json().encode()).hexdigest()


def write_changed(output: files.Together, path: Path, content: bytes) -> None:
    """Write a file, unless these bytes are there already."""
    try:
        same = path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError as error:
        failures.check(error, path)
        same = False
    if not same:
        output.write(path, content)


def clip_frames(corruptor: Corruptor, video: Decoded, cell: Cell, entry: Entry) -> Frames:
    """The frames of one clip that are to be stored; DataError where there are none."""
    frames = corruptor.corrupt(video, cell, entry.kept)
    if not frames.size or len(frames) != len(entry.kept):
        raise DataError(f"{entry.id}: {cell.corruption} left {len(frames)} of {len(entry.kept)} frames")
    return frames


@contextmanager
def timed(clock: Clock, what: str) -> Iterator[None]:
    """Add the seconds of the body to `what`."""
    began = perf_counter()
    try:
        yield
    finally:
        clock[what] += perf_counter() - began


_kept: dict[object, list[Decoded]] = {}  # the shard decoded last in this process
_turn = threading.Lock()  # for Dask workers of several threads: what is cut off must be the one unit that hangs


def _decoded(task: Task, corruptor: Corruptor) -> Iterator[tuple[Entry, Decoded]]:
    """The clips of the shard, from memory where the unit before was of the same shard."""
    entries = task.stored.entries
    mark = (task.stored.root, task.stored.recipe, task.unit.shard, task.cells)
    if mark in _kept:
        yield from zip(entries, _kept[mark], strict=True)
        return
    _kept.clear()
    videos: list[Decoded] = []
    size = 0
    for entry, sample in zip(entries, task.clips.test, strict=True):
        video = corruptor.decode(sample, entry.kept)
        size += video.frames.nbytes + (0 if video.masks is None else video.masks.nbytes)
        if size <= KEEP:
            videos.append(video)
        yield entry, video
    if len(videos) == len(entries):
        _kept[mark] = videos


def _made(task: Task, output: files.Together, clock: Clock) -> Sidecar:
    recipe, cell, root = task.stored.recipe, task.unit.cell, task.stored.root
    corruptor = Corruptor(task.clips, task.evaluation, task.cells, None if recipe.format == PACKED else root)
    clips: list[dict[str, Any]] = []
    sums: dict[str, list[Any]] = {}
    losses: list[Loss] = []
    rows: list[bytes] = []
    size, began = 0, perf_counter()
    for entry, video in _decoded(task, corruptor):
        clock["decode"] += perf_counter() - began
        if isinstance(video.frames, Spilled):
            with timed(clock, "corrupt"):
                long = write_long(task.stored, cell, corruptor, video, entry, output)
            clips.append(_said_long(task, entry, long))
            sums |= long.sums
            losses += [long.loss.loss()] if long.loss else []
            size += clips[-1]["bytes"] + _write_masks(task, corruptor, video, entry, output, sums)
            began = perf_counter()
            continue
        with timed(clock, "corrupt"):
            frames = clip_frames(corruptor, video, cell, entry)
        with timed(clock, "encode"):
            contents = encode(recipe.format, frames, entry.rate, recipe.crf)
        with timed(clock, "check"):
            said, loss = _said(task, corruptor, video, entry, frames, contents)
        clips.append(said)
        size += sum(map(len, contents.values()))
        losses += [loss] if loss else []
        with timed(clock, "write"):
            if recipe.format == PACKED:
                rows.append(contents[""])
            for path, content in _files(task, entry, contents).items():
                sums[path] = [len(content), hashlib.sha256(content).hexdigest()]
                write_changed(output, root / path, content)
            size += _write_masks(task, corruptor, video, entry, output, sums)
        began = perf_counter()
    sidecar = {
        "cell": vars(cell),
        "key": corruptor.key(Sample("ID", Path(), -1, "")),
        "parameters": TABLES[cell.profile, cell.corruption][cell.severity - 1] if cell.severity else None,
        "temporal": recipe.temporal,
        "resolution": recipe.resolution,
        "build": recipe.build,
        "recipe": hashlib.sha256(recipe.to_json().encode()).hexdigest(),
        "bytes": size,
        "clips": clips,
        "files": sums,
        "loss": _loss(mean_loss(losses)) if losses else None,
    }
    if recipe.format == PACKED:
        with timed(clock, "write"):
            sidecar["rows"] = _place(task, rows)
    return sidecar


def _said(
    task: Task, corruptor: Corruptor, video: Decoded, entry: Entry, frames: Frames, contents: Mapping[str, bytes]
) -> tuple[dict[str, Any], Loss | None]:
    """What the sidecar says of a clip, and what a lossy format cost it."""
    recipe, cell = task.stored.recipe, task.unit.cell
    loss, shown = None, frames
    if not is_lossless(recipe.format):
        shown = decode(recipe.format, contents, frames.shape)
        loss = measure(shown, frames, corruptor.corrupt(video, Cell(CLEAN, "", 0), entry.kept))
    said: dict[str, Any] = {"id": entry.id, "pixels": hashlib.sha256(shown.tobytes()).hexdigest()}
    if recipe.format != PACKED:
        digest = hashlib.sha256()
        for content in contents.values():
            digest.update(content)
        said |= {"path": task.stored.path(cell, entry), "frames": len(frames), "sha256": digest.hexdigest()}
        said["bytes"] = sum(map(len, contents.values()))
    return said | (_loss(loss) if loss else {}), loss


def _said_long(task: Task, entry: Entry, long: LongClip) -> dict[str, Any]:
    said: dict[str, Any] = {"id": entry.id, "pixels": long.pixels.hexdigest()}
    said |= {"path": task.stored.path(task.unit.cell, entry), "frames": long.frames, "sha256": long.content.hexdigest()}
    said["bytes"] = sum(size for size, _ in long.sums.values())
    return said | (_loss(long.loss.loss()) if long.loss else {})


def _loss(loss: Loss) -> dict[str, float | None]:
    return {"psnr": loss.psnr, "kept": loss.kept}


def _files(task: Task, entry: Entry, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """{path below the root: content} of a clip's files; none where it is a part of an array."""
    if task.stored.recipe.format == PACKED:
        return {}
    path = task.stored.path(task.unit.cell, entry)
    return {path if path.endswith(added) else path + added: content for added, content in contents.items()}


def has_masks(recipe: Recipe, cell: Cell) -> bool:
    """Whether the units of a cell write masks: the clean ones, and those of cells that move them."""
    return recipe.masks and (cell.moves_masks or not cell.severity)


def _masks(task: Task, corruptor: Corruptor, video: Decoded, entry: Entry) -> dict[str, bytes]:
    """{path below the root: content} of the masks that a unit writes for a clip."""
    cell = task.unit.cell
    masks = corruptor.masks(video, cell, entry.kept) if has_masks(task.stored.recipe, cell) else None
    if masks is None:
        return {}
    return dict(zip(mask_paths(cell, entry), map(encode_mask, masks), strict=True))


def _write_masks(
    task: Task, corruptor: Corruptor, video: Decoded, entry: Entry, output: files.Together, sums: dict[str, list[Any]]
) -> int:
    """Write the masks of a clip, with their sums; returns their bytes."""
    size = 0
    for path, content in _masks(task, corruptor, video, entry).items():
        sums[path] = [len(content), hashlib.sha256(content).hexdigest()]
        size += len(content)
        write_changed(output, task.stored.root / path, content)
    return size


def array_shape(stored: Stored, cell: Cell, total: int) -> tuple[int, ...]:
    """The shape of the array that a cell is a part of; `total` clips are in the benchmark."""
    levels = len(stored.recipe.severities) if cell.severity else 1
    return (levels * total, stored.entries[0].height, stored.entries[0].width, 3)


def first_row(stored: Stored, cell: Cell, total: int) -> int:
    """The row of the first of these entries in the array of a cell."""
    level = stored.recipe.severities.index(cell.severity) if cell.severity else 0
    return level * total + stored.entries[0].position


def _place(task: Task, rows: list[bytes]) -> list[Any]:
    """Put the unit's rows into its array; [path, first row, number of rows, SHA-256 of them]."""
    stored, cell = task.stored, task.unit.cell
    shape, first = array_shape(stored, cell, task.total), first_row(stored, cell, task.total)
    path, content = stored.path(cell, stored.entries[0]), b"".join(rows)
    packed.place_rows(stored.root / path, shape, first, content)
    return [path, first, len(rows), hashlib.sha256(content).hexdigest()]
