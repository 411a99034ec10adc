"""Video data sets, from their official lists to samples on disk."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vidsparse.classes.matching import folded
from vidsparse.data.datasets.class_names import joined_names, listed_classes, numbered_classes, said_of_joined
from vidsparse.data.datasets.file_kinds import READER_OF_ALONE, one_of, said_of_others, suffix_of
from vidsparse.data.datasets.lists import (
    csv_rows,
    files_like,
    first_file,
    first_folder,
    inside,
    lines,
    one_split,
    read_text,
    relative,
    two_deep,
    walk,
    with_unique_ids,
    without_suffix,
)
from vidsparse.data.datasets.sources import ABSENT, Dataset, Sample, group_of
from vidsparse.utils import failures, json_text
from vidsparse.utils.errors import DataError, some

_TRAIN, _TEST = "1", "2"  # the codes of HMDB51's lists; 0 is a clip that the split does not use


def load_ucf101(root: Path, split: int) -> Dataset:
    """UCF101 from its official lists (Soomro et al. 2012), which stand in ucfTrainTestlist/ in or beside `root`.

    Clips may lie in videos/, in UCF-101/ or in `root` itself; names are matched without regard to case, because the
    lists write HandstandPushups/v_HandStandPushups_*, and copies differ.
    """
    lists = first_folder(root / "ucfTrainTestlist", root.parent / "ucfTrainTestlist")
    if lists is None:
        raise DataError(f"{root}: the official lists of UCF101 are not there; unpack them as {root}/ucfTrainTestlist")
    classes = numbered_classes(lists / "classInd.txt")
    labels = {folded(name): label for label, name in enumerate(classes)}
    base = first_folder(root / "videos", root / "UCF-101", root / "UCF101") or root
    on_disk = two_deep(base)

    def samples(name: str) -> Iterator[Sample]:
        for where, line in lines(lists / name):
            entry, _, number = line.partition(" ")
            path = relative(entry, where)
            label = labels.get(folded(path.parts[0]))
            if label is None or (number and number.strip() != str(label + 1)):
                raise DataError(f"{where}: the class of {line!r} is not that of {lists / 'classInd.txt'}")
            found = _found(on_disk, str(path), base, where)
            yield Sample(str(path.with_suffix("")), found, label, group_of(classes[label], path.stem))

    both = [tuple(samples(f"{part}list{split:02d}.txt")) for part in ("train", "test")]
    return with_unique_ids(Dataset("ucf101", root, classes, both[0], both[1]))


def load_hmdb51(root: Path, split: int) -> Dataset:
    """HMDB51 from its official 70/30 lists (Kuehne et al. 2011): <class>_test_split<1..3>.txt, in or beside `root`.

    Clips may lie in videos/<class>/, hmdb51_org/<class>/ or <class>/. Classes are numbered in the order of their
    names. Clips of one recording, the part of the name before the class, are one group.
    """
    folders = ("testTrainMulti_7030_splits", "test_train_splits", "splits")
    lists = first_folder(*(root / name for name in folders), *(root.parent / name for name in folders))
    found = files_like(lists or root, "*_test_split1.txt")
    classes = tuple(sorted(path.name.removesuffix("_test_split1.txt") for path in found))
    if lists is None or not classes:
        raise DataError(
            f"{root}: the official lists of HMDB51 are not there; unpack them as {root}/testTrainMulti_7030_splits"
        )
    base = first_folder(root / "videos", root / "hmdb51_org", root / "hmdb51") or root
    on_disk = two_deep(base)
    parts: dict[str, list[Sample]] = {_TRAIN: [], _TEST: [], "0": []}
    for label, name in enumerate(classes):
        for where, line in lines(lists / f"{name}_test_split{split}.txt"):
            entry, _, code = line.rpartition(" ")
            if code not in parts:
                raise DataError(f"{where}: {line!r} is not a name and 0, 1 or 2")
            path = relative(f"{name}/{entry.strip()}", where)
            if len(path.parts) != 2:
                raise DataError(f"{where}: {entry!r} is not the name of a file")
            file = _found(on_disk, str(path), base, where)
            group = f"{name}/{path.stem.split(f'_{name}_')[0]}"
            parts[code].append(Sample(str(path.with_suffix("")), file, label, group))
    return with_unique_ids(Dataset("hmdb51", root, classes, tuple(parts[_TRAIN]), tuple(parts[_TEST])))


def load_kinetics(root: Path, split: int) -> Dataset:
    """Lists as Kinetics has them: train.csv and val.csv (or validate.csv, test.csv) in `root` or `root`/annotations.

    The columns are label, youtube_id, time_start, time_end; files are <youtube_id>_<start>_<end> with six digits, or
    <youtube_id>, with any suffix and in any folder. A column `path` in place of youtube_id names the file itself.
    Labels are names, numbered in their order.
    """
    one_split(split, "a data set with lists like those of Kinetics")
    on_disk = _OnDisk(root)
    rows = {part: _kinetics_rows(root, names) for part, names in _KINETICS_LISTS.items()}
    trained, tested = (sorted({row["label"] for _, row in rows[part]}) for part in ("train", "val"))
    joined = joined_names(trained, tested, f"{root}: labels of its lists")
    classes = tuple(sorted({*trained, *joined.values()}))
    label_of = {**{name: classes.index(theirs) for name, theirs in joined.items()},
                **{name: label for label, name in enumerate(classes)}}  # fmt: skip

    def samples(part: str) -> Iterator[Sample]:
        for where, row in rows[part]:
            label = label_of[row["label"]]
            if not set(row) >= _TIMED:
                path = str(relative(row["path"], where, 1))
                found = inside(root / path, root, where) if failures.is_file(root / path) else ABSENT
                reader = READER_OF_ALONE.get(suffix_of(path), "video")
                yield Sample(without_suffix(path), found, label, group_of(row["label"], without_suffix(path)), reader)
                continue
            name = str(relative(row["youtube_id"], where, 1))
            stem = "_".join((name, *(f"{_seconds(row[key], where):06d}" for key in ("time_start", "time_end"))))
            found = on_disk.video(where, stem, name)
            yield Sample(f"{row['label']}/{stem}", found, label, f"{row['label']}/{name}")

    notes = (*on_disk.notes, *said_of_joined(joined))
    return _dataset("kinetics", root, classes, tuple(samples("train")), tuple(samples("val")), notes)


def load_ssv2(root: Path, split: int) -> Dataset:
    """Lists as Something-Something V2 has them (Goyal et al. 2017): {labels,train,validation}.json.

    They stand in `root` or in labels/ of it, also with the prefix something-something-v2-; clips are <id>.webm (or
    another suffix) in any folder of `root`. The template without its brackets is the class.
    """
    one_split(split, "a data set with lists like those of Something-Something")
    numbers: dict[str, Any] = _json(_ssv2_list(root, "labels"), dict)
    classes = tuple(sorted(numbers, key=lambda name: _class_number(root, numbers[name])))
    if len({int(number) for number in numbers.values()}) < len(classes):
        raise DataError(f"{_ssv2_list(root, 'labels')}: two classes have one number")
    label_of = {name.casefold(): label for label, name in enumerate(classes)}
    on_disk = _OnDisk(root)

    def samples(part: str) -> Iterator[Sample]:
        path = _ssv2_list(root, part)
        for number, entry in enumerate(_json(path, list), start=1):
            where = f"{path}, entry {number}"
            if not isinstance(entry, Mapping) or "id" not in entry or not {"template", "label"} & set(entry):
                raise DataError(f"{where}: a clip has an id and a template")
            name = str(relative(str(entry["id"]), where, 1))
            label = label_of.get(re.sub(r"[\[\]]", "", str(entry.get("template", entry.get("label")))).casefold())
            if label is None:
                raise DataError(f"{where}: its template is none of {_ssv2_list(root, 'labels')}")
            yield Sample(name, on_disk.video(where, name), label, name)

    return _dataset("ssv2", root, classes, tuple(samples("train")), tuple(samples("validation")), on_disk.notes)


def load_unlabelled(root: Path, split: int) -> Dataset:
    """Any folder of videos and images, at any depth, for predictions alone.

    The names of the classes stand in classes.txt, one a line, or come from the data set beside which it is
    `data.eval_source`.
    """
    one_split(split, "a folder without labels")
    names = root / "classes.txt"
    classes = listed_classes(names) if names.is_file() else ()
    others = Counter[str]()
    samples = [
        Sample(without_suffix(path), root / path, -1, without_suffix(path), reader)
        for path, reader in walk(root, others)
    ]
    return with_unique_ids(Dataset("unlabelled", root, classes, (), tuple(samples), notes=said_of_others(others)))


_TIMED = {"youtube_id", "time_start", "time_end"}  # the columns that a clip of Kinetics is named by
_KINETICS_LISTS = {"train": ("train",), "val": ("val", "validate", "validation", "test")}


class _OnDisk:
    """The videos below a folder by the names that lists give them, without suffix."""

    def __init__(self, root: Path) -> None:
        others = Counter[str]()
        self._root, self._kinds = root, dict(walk(root, others))
        self._by_name = defaultdict[str, list[str]](list)
        for path in self._kinds:
            self._by_name[without_suffix(path.rpartition("/")[2])].append(path)
        self.notes = said_of_others(others)

    def video(self, where: str, *names: str) -> Path:
        """The video with the first of these names that one has; ABSENT without one, DataError where several have it.

        A picture of that name is none: thumbnails stand beside videos.
        """
        for name in names:
            below = one_of(self._by_name.get(name, ()), self._kinds, "video", where, name)
            if below:
                return inside(self._root / below, self._root, where)
        return ABSENT


def _found(on_disk: Mapping[str, list[Path]], name: str, base: Path, where: str) -> Path:
    """The file that a list calls `name`, whatever its case; ABSENT where there is none, DataError for several."""
    paths = on_disk.get(folded(name), [])
    exact = [path for path in paths if f"{path.parent.name}/{path.name}" == name]
    if len(paths) > 1 and len(exact) != 1:
        raise DataError(
            f"{where}: {name!r} fits {len(paths)} files ({some(sorted(map(str, paths)))}); keep one of them"
        )
    return inside((exact or paths)[0], base, where) if paths else ABSENT


def _kinetics_rows(root: Path, names: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    path = first_file(*(folder / f"{name}.csv" for name in names for folder in (root, root / "annotations")))
    if path is None:
        raise DataError(f"{root}: the list {names[0]}.csv is not there")
    columns, rows = csv_rows(path)
    needed = {"label", *_TIMED}
    if not needed <= columns and not {"label", "path"} <= columns:
        raise DataError(f"{path}: its first line must name the columns {some(sorted(needed), 4)}, or label and path")
    wanted = needed if needed <= columns else {"label", "path"}
    bad = next((where for where, row in rows if not wanted <= set(row)), None)
    if bad:
        raise DataError(f"{bad}: a column is missing")
    nameless = next((where for where, row in rows if not row["label"]), None)
    if nameless:
        raise DataError(f"{nameless}: its label is empty")
    return rows


def _seconds(text: str, where: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise DataError(f"{where}: {text!r} is no time in seconds") from error


def _ssv2_list(root: Path, part: str) -> Path:
    names = (f"something-something-v2-{part}.json", f"{part}.json", f"something-something-v2-{part[:3]}.json")
    path = first_file(*(folder / name for folder in (root, root / "labels") for name in names))
    if path is None:
        raise DataError(f"{root}: the list {names[0]} is not there, neither in it nor in labels/")
    return path


def _class_number(root: Path, number: Any) -> int:
    try:
        return int(number)
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{_ssv2_list(root, 'labels')}: {number!r} is not the number of a class") from error


def _json(path: Path, kind: type) -> Any:
    try:
        content = json_text.parsed(read_text(path), once=True)
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error})") from error
    if not isinstance(content, kind):
        raise DataError(f"{path}: a JSON {'object' if kind is dict else 'list'} is expected")
    return content


def _dataset(
    name: str,
    root: Path,
    classes: tuple[str, ...],
    train: tuple[Sample, ...],
    test: tuple[Sample, ...],
    notes: tuple[str, ...],
) -> Dataset:
    return with_unique_ids(Dataset(name, root, classes, train, test, notes=notes))
