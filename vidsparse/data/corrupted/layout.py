"""An offline benchmark on disk: the names of its files, what they hold, and how frames are read from them.

benchmark.json  samples.parquet                    what was ordered: the recipe, and a row a clip
<corruption>/<severity>/<Class>/<clip>.mkv         the clips, in the tree of the source; clean/0 holds them clean
masks/<corruption>/<severity>/<clip>/00000.png     the class of every pixel, a file a frame, where the data set has it:
                                                   of clean/0, and of the conditions that move or reorder the masks
units/<corruption>/<severity>/00000.json           the sidecars: a unit of work is done when its own is there
manifest.parquet  BENCHMARK.md  SHA256SUMS         written when every unit is done, with the lists of the split
log.jsonl                                          timings; the only file that differs from run to run
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from vidsparse.data.corrupted.cells import CLEAN_CELL, Cell
from vidsparse.data.reading.frames import Frames, VideoInfo
from vidsparse.data.reading.image_files import decode
from vidsparse.data.reading.image_files import resized as resized_picture
from vidsparse.data.reading.mask_files import open_mask
from vidsparse.utils import failures, json_text
from vidsparse.utils.errors import ClipDecodeError, DataError, first_line
from vidsparse.utils.own_commands import typed

RECIPE, SAMPLES, MANIFEST = "benchmark.json", "samples.parquet", "manifest.parquet"
CARD, SUMS, LOG, UNITS, MASKS = "BENCHMARK.md", "SHA256SUMS", "log.jsonl", "units", "masks"
SUFFIXES = {"ffv1": ".mkv", "h264_rgb": ".mkv", "h264_444": ".mkv", "h264_420": ".mkv", "webp": ".webp", "npy": ".npy"}
LOSSLESS = ("ffv1", "h264_rgb", "webp", "npy", "cifar_npy")
PACKED = "cifar_npy"  # one array a corruption, as CIFAR-10-C is published, in place of one file a clip
VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes of a benchmark, but the clips themselves (see Stored).

    `short_side`, `size` and the five fields of the frame protocol, `frames` to `views`, are None where they do not
    matter: a canvas that is not resized or not cropped, and whole videos. `fingerprint` is that of the source's test
    clips, `build` that of the libraries (see benchmark.fingerprint).
    """

    name: str
    dataset: str
    split: int
    classes: tuple[str, ...]
    fingerprint: str
    sample_data: bool
    canvas: str
    short_side: int | None
    size: int | None
    materialize: str
    frames: int | None
    stride: int | None
    sampling: str | None
    short: str | None
    views: int | None
    suite: str
    temporal: str
    resolution: str
    corruption_seed: int
    cells: tuple[Cell, ...]
    format: str
    crf: int | None
    unit: int
    build: str
    samples: str  # SHA-256 of samples.parquet
    version: int = VERSION
    masks: bool = False

    def to_json(self) -> str:
        """As it stands in benchmark.json, which is silent on masks where there are none."""
        said = asdict(self)
        return json.dumps(said if self.masks else {key: said[key] for key in said if key != "masks"}, indent=1) + "\n"

    @property
    def severities(self) -> tuple[int, ...]:
        """The severities of its corruptions, in order."""
        return tuple(dict.fromkeys(cell.severity for cell in self.cells if cell.severity))


@dataclass(frozen=True)
class Entry:
    """One clip: `stem` is its path below <corruption>/<severity>, without suffix; `position` that in the split.

    Clips of one `group` were cut from the same recording.
    `n_frames` and `rate` (frames a second) are those of the source; `numbers` are the source frames that are kept, None
    for all of them; `height` and `width` those of the canvas in pixels.
    """

    position: int
    id: str
    label: int
    group: str
    stem: str
    n_frames: int
    rate: Fraction
    height: int
    width: int
    numbers: tuple[int, ...] | None

    @property
    def kept(self) -> NDArray[np.int64]:
        """The numbers of the frames that are kept, sorted."""
        return np.arange(self.n_frames) if self.numbers is None else np.array(self.numbers, np.int64)


@dataclass(frozen=True)
class Stored:
    """A benchmark in a folder: its recipe and its clips."""

    root: Path
    recipe: Recipe
    entries: tuple[Entry, ...]

    @cached_property
    def by_id(self) -> dict[str, Entry]:
        """The clips by their id."""
        return {entry.id: entry for entry in self.entries}

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The conditions that it holds."""
        return self.recipe.cells

    def path(self, cell: Cell, entry: Entry) -> str:
        """Where a clip stands below the root: a file, a folder of frames, or a part of an array."""
        return stored_path(self.recipe, cell, entry)

    def row(self, cell: Cell, entry: Entry) -> int:
        """Its place in the array, where a corruption is one array: severities one after another."""
        severities = self.recipe.severities
        return (severities.index(cell.severity) if cell.severity else 0) * len(self.entries) + entry.position

    def read(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> Frames:
        """Frames uint8 (n, H, W, 3), on the canvas, of these source frame numbers of a clip. DataError if not there."""
        entry = self.by_id[name]
        rows = np.searchsorted(entry.kept, outputs)
        if not np.isin(outputs, entry.kept).all():
            raise DataError(f"{self.root}: frames {outputs.tolist()} of {name} are not all among those it keeps")
        path = self.root / self.path(cell, entry)
        try:
            with failures.reading(path, known=not self.root.is_dir()):
                if self.recipe.format == PACKED:
                    return np.asarray(np.load(path, mmap_mode="r")[self.row(cell, entry)])[None][rows]
                if path.suffix == ".mkv":
                    return _read_video(path, entry, rows)
                return read_frames(path, rows)
        except (OSError, ValueError, EOFError, SyntaxError, DataError) as error:
            raise DataError(
                f"{path} cannot be read ({error}): run {typed('generate')} with stage=verify, then stage=repair"
            ) from error

    def masks(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> Frames | None:
        """Class ids uint8 (n, H, W) of the frames that `read` gives; None where it has no masks. DataError as there."""
        if not self.recipe.masks:
            return None
        entry = self.by_id[name]
        paths = [self.root / path for path in mask_paths(cell, entry)]
        try:
            with failures.reading(paths[0].parent, known=not self.root.is_dir()):
                return np.stack([open_mask(paths[row]) for row in np.searchsorted(entry.kept, outputs)])
        except ClipDecodeError as error:
            raise DataError(f"{error}: run {typed('generate')} with stage=verify, then stage=repair") from error


def mask_paths(cell: Cell, entry: Entry) -> list[str]:
    """Where the masks of a clip stand below the root, one a frame: those of the clean clip where nothing moves them."""
    folder = f"{MASKS}/{cell_path(cell if cell.moves_masks else CLEAN_CELL)}/{entry.stem}"
    return [f"{folder}/{row:05d}.png" for row in range(len(entry.kept))]


def stored_path(recipe: Recipe, cell: Cell, entry: Entry) -> str:
    """Where a clip stands below the root of a benchmark."""
    if recipe.format == PACKED:
        return f"{cell.corruption}.npy" if cell.severity else "clean/0.npy"
    many = recipe.format == "webp" and len(entry.kept) > 1
    return f"{cell_path(cell)}/{entry.stem}" + ("" if many else SUFFIXES[recipe.format])


def cell_path(cell: Cell) -> str:
    """The folder of a cell: <corruption>/<severity>."""
    return f"{cell.corruption}/{cell.severity}"


def frame_name(number: int) -> str:
    """The file of one frame in the folder of a clip, counted from 0."""
    return f"{number:05d}.webp"


def read_frames(path: Path, rows: NDArray[np.int64]) -> Frames:
    """Frames uint8 (n, H, W, 3) at these places of a .npy, a .webp or a folder of .webp."""
    if path.suffix == ".npy":
        frames: Frames = np.ascontiguousarray(np.load(path, mmap_mode="r")[rows])
        return frames
    if path.suffix == ".webp":
        return decode(path.read_bytes(), path)[None][rows]
    return np.stack([decode((path / frame_name(row)).read_bytes(), path) for row in rows])


def resized(frames: Frames, short_side: int) -> Frames:
    """Frames with their short side at `short_side` pixels, for what was corrupted at the size of its source."""
    return np.stack([resized_picture(frame, short_side) for frame in frames])


def open_stored(root: Path) -> Stored:
    """The benchmark in a folder; DataError where it is not one, or is damaged."""
    content = _content(root / SAMPLES)
    recipe = read_recipe(root)
    if hashlib.sha256(content).hexdigest() != recipe.samples:
        raise DataError(
            f"{root / SAMPLES} is not the one that {RECIPE} names: run {typed('generate')} with stage=repair"
        )
    try:
        return Stored(root, recipe, entries_from(content))
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, ZeroDivisionError) as error:
        raise DataError(f"{root / SAMPLES} cannot be read: {first_line(error)}") from error


def read_recipe(root: Path) -> Recipe:
    """What stands in benchmark.json; DataError where it cannot be read."""
    try:
        said = json_text.parsed(_content(root / RECIPE))
        if said["version"] != VERSION:
            raise DataError(f"{root / RECIPE} is of version {said['version']}; this vidsparse reads version {VERSION}")
        return recipe_from(said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{root / RECIPE} cannot be read: {error!r}") from error


def recipe_from(said: Mapping[str, Any]) -> Recipe:
    """The recipe of a JSON object."""
    cells = tuple(Cell(**cell) for cell in said["cells"])
    recipe = Recipe(**{**said, "classes": tuple(said["classes"]), "cells": cells})
    for name, kind in get_type_hints(Recipe).items():
        value, whole = getattr(recipe, name), get_origin(kind) is tuple
        if not (all(isinstance(each, get_args(kind)[0]) for each in value) if whole else isinstance(value, kind)):
            raise TypeError(f"{name} is {value!r}")
    if recipe.unit < 1 or recipe.format not in (*SUFFIXES, PACKED):
        raise ValueError(f"unit is {recipe.unit}, format {recipe.format}")
    return recipe


def entries_bytes(entries: Sequence[Entry]) -> bytes:
    """The content of samples.parquet."""
    rows = [{**vars(entry), "rate": str(entry.rate)} for entry in entries]
    return table_bytes(pa.Table.from_pylist(rows, schema=_ENTRY_SCHEMA))


def entries_from(content: bytes) -> tuple[Entry, ...]:
    """What stands in samples.parquet."""
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    numbers = [None if row["numbers"] is None else tuple(row["numbers"]) for row in rows]
    return tuple(
        Entry(**{**row, "rate": Fraction(row["rate"]), "numbers": n}) for row, n in zip(rows, numbers, strict=True)
    )


def table_bytes(table: pa.Table) -> bytes:
    """A Parquet file as bytes."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


_ENTRY_SCHEMA = pa.schema(
    {
        "position": pa.int64(),
        "id": pa.string(),
        "label": pa.int32(),
        "group": pa.string(),
        "stem": pa.string(),
        "n_frames": pa.int64(),
        "rate": pa.string(),
        "height": pa.int32(),
        "width": pa.int32(),
        "numbers": pa.list_(pa.int64()),
    }
)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        failures.check(error, path)
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _read_video(path: Path, entry: Entry, rows: NDArray[np.int64]) -> Frames:
    from vidsparse.data.reading.decoders import can_use_decord
    from vidsparse.data.reading.video_files import VideoReader

    if not path.is_file():
        raise DataError("it is not there")
    decoder = "decord" if can_use_decord(entry.width) else "pyav"
    info = VideoInfo(len(entry.kept), entry.rate, entry.height, entry.width, decoder)
    return VideoReader(path, None, info).read(rows)
