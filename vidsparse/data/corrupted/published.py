"""Published corrupted sets, as they are distributed.

    <corruption>.npy, labels.npy               CIFAR-10-C, CIFAR-100-C: five severities one after another
    <corruption>/<1..5>/<wnid>/*.JPEG          ImageNet-C, ImageNet-C-bar, ImageNet-3DCC, Tiny-ImageNet-C
    <corruption>/<1..5>/<Class>/<video>        Mini Kinetics-C (.mp4, .hdf5), any video set laid out like it
    <corruption>/<Class>/<video>               ViTTA's sets, of severity 5
    <Class>/<video>/<corruption>.mp4           the same, the corruptions of a video beside each other
    *.tar of <corruption>/<1..5>/<class>/*     LAION-C: images are read where they lie in the archives

Severity folders may be named severity_3, level_3 or intensity_level_3 too. Corruption folders may lie one level deeper,
in blur/, noise/ and so on, as the archives of ImageNet-C unpack. None of them holds its clean samples.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import corruptions
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.corrupted import published_layouts
from vidsparse.data.corrupted.cells import Cell, chosen
from vidsparse.data.corrupted.published_classes import classes_of_arrays, classes_of_folders
from vidsparse.data.datasets.file_kinds import (
    IMAGE_SUFFIXES,
    READER_OF_ALONE,
    VIDEO_SUFFIXES,
    note_other,
    said_of_others,
    suffix_of,
)
from vidsparse.data.datasets.lists import class_samples, files_like, folders, walk, with_unique_ids, without_suffix
from vidsparse.data.datasets.sources import Dataset, Sample, group_of
from vidsparse.data.indexing.index import Index, Progress, Row, build_index
from vidsparse.data.reading.archives import read_array
from vidsparse.data.reading.frames import Frames, VideoInfo
from vidsparse.data.reading.image_files import decode, open_picture, still
from vidsparse.data.reading.readers import check_installed
from vidsparse.data.reading.tar_files import Member
from vidsparse.data.reading.watchdog import limited
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError, ConfigError, DataError, some

LEVELS = ("1", "2", "3", "4", "5")
PROFILE = "published"  # the bytes are theirs: unseeded, and stored as they chose
Counting = tuple[Path, int, Progress | None]  # cache of frame counts, processes that count, and who is told


@dataclass(frozen=True)
class Published:
    """A published set: where each of its cells lies, and how large its frames are (height, width in pixels)."""

    root: Path
    cells: tuple[Cell, ...]
    places: Mapping[Cell, Path]
    samples: Mapping[str, Sample]
    size: tuple[int, int]
    members: Mapping[str, Member] = field(default_factory=dict)  # by place and path, where they lie in archives
    suffixes: Mapping[str, str] = field(default_factory=dict)  # of a corruption's files beside each other
    other_suffix: Mapping[Cell, str] = field(default_factory=dict)  # of cells whose files are of another kind
    timeout_s: float = 60.0  # how long a decoder that can hang may take

    def masks(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> None:
        """No published set has masks."""

    def read(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> Frames:
        """Frames uint8 (n, H, W, 3) of these sorted frame numbers of a sample; DataError if they are not there."""
        place, sample = self.places[cell], self.samples[name]
        if sample.reader == "array":
            pictures = read_array(place)
            count = len(pictures) // len(LEVELS)
            return np.asarray(pictures[(cell.severity - 1) * count + sample.entry])[None][outputs]
        if self.members:
            return self._packed(place, sample)[None][outputs]
        path = place / sample.path
        if self.suffixes:
            path /= f"{cell.corruption}{self.suffixes[cell.corruption]}"
        elif cell in self.other_suffix:
            path = place / f"{without_suffix(str(sample.path))}{self.other_suffix[cell]}"
        try:
            with failures.reading(path, known=not place.is_dir()):  # beside others that are there it was never unpacked
                return self._picture(path)[None][outputs] if sample.reader == "image" else self._moving(path, outputs)
        except ClipDecodeError as error:
            raise DataError(f"{error}; this published set is not whole, unpack it again") from error
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; this published set is not whole, unpack it again") from error

    def check(self, evaluation: EvaluationConfig, data: DataConfig) -> None:
        """Raise ConfigError where the run would see frames of another size than the first file of a chosen cell has."""
        _check_size(self.size, self.root, evaluation, data)
        first = next(iter(self.samples))
        for cell in chosen(evaluation, self.cells) if evaluation.canvas != "source" and self.is_moving else ():
            self.check_frames(self.read(cell, first, np.zeros(1, np.int64)), cell, evaluation, data)

    def check_frames(self, frames: Frames, cell: Cell, evaluation: EvaluationConfig, data: DataConfig) -> None:
        """Raise ConfigError where frames (T, H, W, 3) of a cell are of another size than the run would see."""
        _check_size((frames.shape[1], frames.shape[2]), self.places[cell], evaluation, data)

    @property
    def is_moving(self) -> bool:
        """Whether its files are videos, of which each may have a size of its own."""
        return any(sample.reader in ("video", "hdf5") for sample in self.samples.values())

    def _moving(self, path: Path, outputs: NDArray[np.int64]) -> Frames:
        """The frames of a corrupted video; where it is shorter than the others of its name, its last one is held."""
        with limited(path, self.timeout_s):
            if READER_OF_ALONE.get(suffix_of(path.name)) == "hdf5":
                from vidsparse.data.reading import hdf5_files

                return hdf5_files.read(path, None, outputs, held=True)
            from vidsparse.data.reading.video_files import VideoReader

            reader = VideoReader(path)
            return reader.read(np.minimum(outputs, reader.n_frames - 1))

    def _packed(self, place: Path, sample: Sample) -> Frames:
        name = f"{place.as_posix()}/{sample.path.as_posix()}"
        if name not in self.members:
            raise DataError(f"{self.root}: its archives hold no {name}; this published set is not whole")
        return self._sized(decode(self.members[name].read(), Path(name)), Path(name))

    def _picture(self, path: Path) -> Frames:
        return self._sized(decode(path.read_bytes(), path), path)

    def _sized(self, picture: Frames, path: Path) -> Frames:
        if picture.shape[:2] != self.size:
            raise DataError(
                f"{path} has {picture.shape[1]} x {picture.shape[0]} pixels, and the first of this set "
                f"{self.size[1]} x {self.size[0]}: published sets have one size; unpack it again"
            )
        return picture


def open_published(
    root: Path, config: DataConfig, cache: Path, workers: int, progress: Progress | None
) -> tuple[Dataset, Index, Published]:
    """The published set in a folder; DataError where nothing there looks like one."""
    if (root / "labels.npy").is_file():
        return _open_arrays(root)
    packed = published_layouts.packed(root)
    found = published_layouts.by_severity(root) or published_layouts.without_severity(root)
    if found:
        dataset, index, stored = _open_tree(root, found, config, (cache, workers, progress))
        return replace(dataset, notes=(*dataset.notes, *_left(packed, stored))), index, stored
    if files_like(root, "*.tar"):
        return _open_archives(root, packed)
    suffixes, severity = published_layouts.beside_each_other(root)
    if suffixes:
        return _open_videos(root, config, (cache, workers, progress), suffixes, severity)
    raise DataError(
        f"{root} holds no corrupted set: neither benchmark.json of ours, nor labels.npy with arrays, nor "
        "folders <corruption>/<severity 1 to 5>/<class>/, <corruption>/<class>/ or <class>/<video>/<corruption>.*, "
        "nor archives *.tar of them"
    )


def _left(packed: published_layouts.Packed, stored: Published) -> tuple[str, ...]:
    """A sentence on archives beside what was unpacked of them; DataError where they hold more."""
    here = {(cell.corruption, cell.severity) for cell in stored.cells}
    absent = [f"{name}/{level}" for name, level in packed.places if (name, level) not in here]
    if absent:
        raise DataError(
            f"{stored.root}: {some(absent)} are in its archives and not among its folders; unpack every archive, or "
            "keep the archives alone"
        )
    names = sorted({member.archive.name for member in packed.files.values()})
    return (f"archives beside the unpacked folders, not read: {some(names)}",) if names else ()


def _open_arrays(root: Path) -> tuple[Dataset, Index, Published]:
    labels = _labels(root / "labels.npy")
    names = _in_order(path.stem for path in files_like(root, "*.npy") if path.stem != "labels")
    arrays = {name: read_array(root / f"{name}.npy") for name in names}
    wrong = [name for name, array in arrays.items() if array.shape[1:] != arrays[names[0]].shape[1:]
             or array.ndim != 4 or array.dtype != np.uint8 or len(array) != len(labels)]  # fmt: skip
    if not names or wrong:
        what = f"{some(wrong)} and labels.npy do not fit together" if names else "there is no array beside labels.npy"
        raise DataError(f"{root}: {what}; CIFAR-10-C has 5 x 10,000 images of 32 x 32 in each .npy")
    once = labels.reshape(len(LEVELS), -1)
    if (once != once[0]).any():
        raise DataError(f"{root}/labels.npy: the labels of the five severities differ")
    classes = classes_of_arrays(root, once[0], arrays[names[0]].shape[1:3])
    samples = [Sample(f"{number:05d}", Path(), int(label), "", "array", number) for number, label in enumerate(once[0])]
    height, width = arrays[names[0]].shape[1:3]
    cells = tuple(Cell(name, PROFILE, int(level)) for name in names for level in LEVELS)
    places = {cell: root / f"{cell.corruption}.npy" for cell in cells}
    index = _index(samples, still(height, width, "array"))
    dataset = Dataset(root.resolve().name, root, classes, (), tuple(samples))
    return _whole(dataset, cells, places, index, (height, width))


def _labels(path: Path) -> NDArray[np.int64]:
    """Class numbers (5 n,); DataError where they are none."""
    labels = read_array(path)
    whole = labels.dtype.kind in "iuf" and labels.ndim == 1 and labels.size and not len(labels) % len(LEVELS)
    if not whole or (labels != np.abs(labels.astype(np.int64))).any():
        raise DataError(
            f"{path} holds {labels.dtype} {labels.shape}; CIFAR-10-C has 5 x 10,000 numbers of classes in it, from 0"
        )
    return np.asarray(labels, np.int64)


def _open_tree(
    root: Path, found: published_layouts.Places, config: DataConfig, counting: Counting
) -> tuple[Dataset, Index, Published]:
    places = {cell: found[cell.corruption, cell.severity] for cell in _cells(found)}
    first = next(iter(places.values()))
    names_of_folders = folders(first)
    classes = classes_of_folders(root, names_of_folders, lambda: _size_of_first(first))
    other = [str(place) for place in places.values() if folders(place) != names_of_folders]
    if other or not classes:
        raise DataError(f"{root}: {some(other or [str(first)])} has not the class folders of {first}; unpack it again")
    others = Counter[str]()
    samples = [
        Sample(s.id, s.path.relative_to(first), label, s.group, s.reader)
        for label, name in enumerate(classes)
        if name in names_of_folders
        for s in class_samples(first / name, name, label, f"{name}/", others)
    ]
    if not samples:
        raise DataError("; ".join([f"{first}: there is no image or video in it", *said_of_others(others)]))
    if any(sample.reader != "image" for sample in samples):
        here = [Sample(s.id, first / s.path, s.label, s.group, s.reader) for s in samples]
        cache, workers, progress = counting
        index = build_index(here, cache, config.timeout_s, workers, progress)
    else:
        content = decode((first / samples[0].path).read_bytes(), first / samples[0].path)
        index = _index(samples, still(content.shape[0], content.shape[1], "pillow"))
    info = index.rows[samples[0].id].info
    notes = (*said_of_others(others), *published_layouts.unread(root, found.values()))
    dataset = Dataset(root.resolve().name, root, classes, (), tuple(samples), notes=notes)
    whole = _whole(dataset, tuple(places), places, index, (info.height, info.width))
    return *whole[:2], replace(
        whole[2], other_suffix=published_layouts.other_suffixes(places, samples[0].path), timeout_s=config.timeout_s
    )


def _cells(found: Iterable[tuple[str, int]]) -> list[Cell]:
    """The cells of corruptions and severities, in the order of the registry."""
    there = set(found)
    names = _in_order({name for name, _ in there})
    return [Cell(name, PROFILE, level) for name in names for level in range(1, 6) if (name, level) in there]


def _size_of_first(place: Path) -> tuple[int, int]:
    """Height and width of the first picture there; zeros where there is none."""
    path = next((path for path, reader in walk(place) if reader == "image"), "")
    return open_picture(place / path).shape[:2] if path else (0, 0)


def _whole(
    dataset: Dataset, cells: tuple[Cell, ...], places: Mapping[Cell, Path], index: Index, size: tuple[int, int]
) -> tuple[Dataset, Index, Published]:
    samples = {sample.id: sample for sample in with_unique_ids(dataset).test}
    return dataset, index, Published(dataset.root, cells, places, samples, size)


def _index(samples: Sequence[Sample], info: VideoInfo) -> Index:
    return Index({sample.id: Row(sample.label, 0, info) for sample in samples})


def _open_archives(root: Path, packed: published_layouts.Packed) -> tuple[Dataset, Index, Published]:
    """Images in tars, read where they lie."""
    if not packed.places:
        raise DataError(f"{root}: its archives (*.tar) hold no <corruption>/<severity 1 to 5>/<class>/")
    places = {cell: Path(packed.places[cell.corruption, cell.severity]) for cell in _cells(packed.places)}
    first = next(iter(places.values())).as_posix()
    names = packed.classes(first)
    other = [place for place in packed.places.values() if packed.classes(place) != names]
    if other:
        raise DataError(f"{root}: {some(other)} has not the class folders of {first}; download its archives again")
    inside = sorted(path for path in packed.inside[first] if path.lower().endswith(IMAGE_SUFFIXES))
    moving = [path for path in packed.inside[first] if path.lower().endswith(VIDEO_SUFFIXES)]
    if moving or not inside:
        what = f"{some(moving)} are videos, which are read from folders: unpack it" if moving else "there is no image"
        raise DataError(f"{root}: in {first} of its archives {what}")
    picture = decode(packed.files[f"{first}/{inside[0]}"].read(), Path(inside[0]))
    size = picture.shape[0], picture.shape[1]
    classes = classes_of_folders(root, names, lambda: size)
    samples = [Sample(without_suffix(path), Path(path), classes.index(path.partition("/")[0]), "", "image")
               for path in inside]  # fmt: skip
    others = Counter[str]()
    for path in packed.inside[first]:
        if not path.lower().endswith(IMAGE_SUFFIXES):
            note_other(path, others)
    notes = (*packed.notes, *said_of_others(others))
    dataset = Dataset(root.resolve().name, root, classes, (), tuple(samples), notes=notes)
    whole = _whole(dataset, tuple(places), places, _index(samples, still(*size, "pillow")), size)
    return *whole[:2], replace(whole[2], members=packed.files)


def _open_videos(
    root: Path,
    config: DataConfig,
    counting: Counting,
    suffixes: Mapping[str, str],
    severity: int,
) -> tuple[Dataset, Index, Published]:
    """Videos of which each has a folder with its corruptions; DataError where one of them is not there."""
    names, classes = _in_order(suffixes), folders(root)
    readers = {READER_OF_ALONE[suffixes[name].lower()]: root / f"*/*/{name}{suffixes[name]}" for name in names}
    check_installed(readers)
    reader = READER_OF_ALONE[suffixes[names[0]].lower()]
    samples = [Sample(f"{c}/{v}", Path(c, v), label, group_of(c, v), reader)
               for label, c in enumerate(classes) for v in folders(root / c)]  # fmt: skip
    files = {name: [root / s.path / f"{name}{suffixes[name]}" for s in samples] for name in names}
    absent = [str(path.relative_to(root)) for paths in files.values() for path in paths if not path.is_file()]
    if absent:
        raise DataError(f"{root}: {len(absent)} videos of this set are not there ({some(absent)}); unpack it again")
    cells = tuple(Cell(name, PROFILE, severity) for name in names)
    here = [replace(sample, path=path) for sample, path in zip(samples, files[names[0]], strict=True)]
    cache, workers, progress = counting
    index = build_index(here, cache, config.timeout_s, workers, progress)
    info = index.rows[samples[0].id].info
    notes = published_layouts.unknown_beside(root)
    dataset = Dataset(root.resolve().name, root, tuple(classes), (), tuple(samples), notes=notes)
    whole = _whole(dataset, cells, dict.fromkeys(cells, root), index, (info.height, info.width))
    return *whole[:2], replace(whole[2], suffixes=suffixes, timeout_s=config.timeout_s)


def _in_order(names: Iterable[str]) -> list[str]:
    """Names in the order of the registry, unknown ones after them in theirs."""
    known = {name: place for place, name in enumerate(corruptions.names())}
    return sorted(names, key=lambda name: (known.get(name, len(known)), name))


def _check_size(size: tuple[int, int], place: Path, evaluation: EvaluationConfig, data: DataConfig) -> None:
    """Raise ConfigError where frames of this size (height, width), lying there, do not fit the run's canvas."""
    height, width = size
    here = f"the frames of {place} are {width} x {height} pixels"
    if evaluation.canvas == "crop" and (height, width) != (data.size, data.size):
        raise ConfigError(
            f"data.size={data.size}: {here}, and resizing them after they were corrupted makes another benchmark; "
            "set data.size to theirs, or evaluation.canvas=source if you mean to resize"
        )
    if evaluation.canvas == "frame" and min(height, width) != data.short_side:
        raise ConfigError(
            f"data.short_side={data.short_side}: {here}; set it to theirs, or evaluation.canvas=source to resize"
        )
