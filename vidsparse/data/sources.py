"""Who is in a split: every data set as a row of one table, from its official lists to samples on disk."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from vidsparse.errors import DataError, some

VIDEO_SUFFIXES = (".avi", ".mp4", ".m4v", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts")


@dataclass(frozen=True)
class Sample:
    """One video. `id` is the path as the official list spells it, without suffix; `path` is where the file is.

    Clips of one `group` were cut from the same recording (UCF101: class and gNN) and must not be split apart.
    """

    id: str
    path: Path
    label: int
    group: str


@dataclass(frozen=True)
class Dataset:
    """A split as it is on disk. `classes` are all the classes of the lists, also those without a file here.

    `missing` holds the ids that the lists name and the disk does not have.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A kind of data set: how to load `split` (1-based) from a folder.

    `mirrored` are the pairs of class names that a horizontal flip turns into each other.
    """

    name: str
    load: Callable[[Path, int], Dataset]
    summary: str
    default_root: str | None = None
    mirrored: tuple[tuple[str, str], ...] = ()


def load_dataset(source: str, root: Path, split: int, missing: str) -> Dataset:
    """The split of a data set; `missing` is "error" (a listed file that is absent is an error) or "drop".

    Raises DataError in one sentence if the folder, its lists or its files are not as the source says.
    """
    if not root.is_dir():
        raise DataError(f"data.root: the folder {root} does not exist")
    dataset = SOURCES[source].load(root, split)
    absent = dataset.missing
    if absent and missing == "error":
        raise DataError(
            f"{root}: {len(absent)} of {len(absent) + len(dataset.train) + len(dataset.test)} listed videos are "
            f"missing ({some(absent)}); complete the folder or set data.missing=drop"
        )
    for part, samples in (("training", dataset.train), ("test", dataset.test)):
        if not samples:
            raise DataError(f"{root}: none of the {part} videos of {source}, split {split}, is there")
    return dataset


def split_validation(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """(training, validation): about `fraction` of every class's groups, whole groups only, chosen by `seed`.

    A class of one group stays in training, and so does at least one group of every class.
    """
    held: set[str] = set()
    for label in {sample.label for sample in samples} if fraction else ():
        groups = {sample.group for sample in samples if sample.label == label}
        shuffled = sorted(groups, key=lambda group: blake2b(f"{seed}/{group}".encode()).digest())
        held.update(shuffled[: min(len(groups) - 1, max(1, round(fraction * len(groups))))])
    train = tuple(sample for sample in samples if sample.group not in held)
    return train, tuple(sample for sample in samples if sample.group in held)


def load_ucf101(root: Path, split: int) -> Dataset:
    """UCF101 from its official lists (Soomro et al. 2012), which stand in ucfTrainTestlist/ in or beside `root`.

    Clips may lie in videos/, in UCF-101/ or in `root` itself; names are matched without regard to case, because the
    lists write HandstandPushups/v_HandStandPushups_*, and copies differ.
    """
    lists = _first_folder(root / "ucfTrainTestlist", root.parent / "ucfTrainTestlist")
    if lists is None:
        raise DataError(f"{root}: the official lists of UCF101 are not there; unpack them as {root}/ucfTrainTestlist")
    classes = tuple(line.split()[-1] for _, line in _lines(lists / "classInd.txt"))
    labels = {name.casefold(): label for label, name in enumerate(classes)}
    on_disk = _clips_below(_first_folder(root / "videos", root / "UCF-101", root / "UCF101") or root)

    def samples(name: str) -> Iterator[Sample]:
        for where, line in _lines(lists / name):
            entry, _, number = line.partition(" ")
            path = _relative(entry, where)
            label = labels.get(path.parts[0].casefold())
            if label is None or (number and number.strip() != str(label + 1)):
                raise DataError(f"{where}: the class of {line!r} is not that of {lists / 'classInd.txt'}")
            found = on_disk.get(str(path).casefold(), Path())
            yield Sample(str(path.with_suffix("")), found, label, _group(classes[label], path.stem))

    both = [tuple(samples(f"{part}list{split:02d}.txt")) for part in ("train", "test")]
    return _without_missing(Dataset("ucf101", root, classes, both[0], both[1], ()))


def load_folder(root: Path, split: int) -> Dataset:
    """A folder a class: root/train/<Class>/ and root/test/<Class>/ (or val/), videos at any depth below them."""
    train, test = root / "train", _first_folder(root / "test", root / "val", root / "validation")
    if not train.is_dir() or test is None:
        raise DataError(f"{root}: a class-folder data set needs train/<Class>/ and test/<Class>/ (or val/) in it")
    if split != 1:
        raise DataError(f"data.split={split}: a class-folder data set has one split, 1")
    classes = tuple(sorted({folder.name for part in (train, test) for folder in part.iterdir() if folder.is_dir()}))

    def samples(part: Path) -> Iterator[Sample]:
        for label, name in enumerate(classes):
            for path in _videos(part / name):
                yield Sample(
                    path.relative_to(root).with_suffix("").as_posix(),
                    path,
                    label,
                    _group(name, path.relative_to(part / name).with_suffix("").as_posix()),
                )

    return _with_unique_ids(Dataset("folder", root, classes, tuple(samples(train)), tuple(samples(test)), ()))


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("ucf101", load_ucf101, "UCF101 with its official lists, three splits", default_root="data/ucf101"),
        Source("folder", load_folder, "a folder a class, in train/ and test/"),
    )
}


def _first_folder(*folders: Path) -> Path | None:
    return next((folder for folder in folders if folder.is_dir()), None)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """("file, line n", text) of every line that is not blank; LF or CRLF."""
    if not path.is_file():
        raise DataError(f"{path}: this list does not exist")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def _relative(entry: str, where: str) -> PurePosixPath:
    path = PurePosixPath(entry)
    if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
        raise DataError(f"{where}: {entry!r} is not a path <Class>/<video> inside the data set")
    return path


def _clips_below(root: Path) -> dict[str, Path]:
    folders = (folder for folder in root.iterdir() if folder.is_dir())
    return {f"{folder.name}/{path.name}".casefold(): path for folder in folders for path in folder.iterdir()}


def _videos(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())


def _group(class_name: str, stem: str) -> str:
    numbered = re.search(r"_(g\d+)_c\d+$", stem)
    return f"{class_name}/{numbered[1] if numbered else stem}"


def _without_missing(dataset: Dataset) -> Dataset:
    def there(samples: Iterable[Sample]) -> tuple[Sample, ...]:
        return tuple(sample for sample in samples if sample.path != Path())

    missing = tuple(sample.id for sample in (*dataset.train, *dataset.test) if sample.path == Path())
    return replace(dataset, train=there(dataset.train), test=there(dataset.test), missing=missing)


def _with_unique_ids(dataset: Dataset) -> Dataset:
    counts = Counter(sample.id for sample in (*dataset.train, *dataset.test))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(f"{dataset.root}: two videos differ only in their suffix ({some(twice)}); keep one of each")
    return dataset
