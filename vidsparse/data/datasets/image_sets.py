"""Image data sets: folders of classes, Tiny ImageNet, ImageNet, the CIFAR archives, packed JPEGs, CIFAR-10.1."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidsparse.classes.spaces import SPACES, listed
from vidsparse.data.datasets.class_names import joined_names, listed_classes, said_of_joined
from vidsparse.data.datasets.file_kinds import said_of_others
from vidsparse.data.datasets.lists import (
    class_samples,
    csv_rows,
    files_like,
    first_file,
    first_folder,
    folders,
    inside,
    lines,
    one_split,
    relative,
    with_unique_ids,
    without_suffix,
)
from vidsparse.data.datasets.sources import ABSENT, Dataset, Sample
from vidsparse.data.reading.archives import (
    Labels,
    open_pictures,
    packed_classes,
    read_array,
    read_packed,
    unpickle_cifar,
)
from vidsparse.utils import failures
from vidsparse.utils.errors import DataError, plural, some

_DIGITS = 19  # of a number that no list of classes has


def load_folder(root: Path, split: int) -> Dataset:
    """A folder a class: root/train/<Class>/ and root/test/<Class>/ (or val/), videos and images at any depth below."""
    train, test = root / "train", first_folder(root / "test", root / "val", root / "validation")
    if not train.is_dir() or test is None:
        raise DataError(f"{root}: a class-folder data set needs train/<Class>/ and test/<Class>/ (or val/) in it")
    one_split(split, "a class-folder data set")
    trained, tested = folders(train), folders(test)
    joined = joined_names(trained, tested, f"{root}: class folders")
    classes = tuple(sorted({*trained, *joined.values()}))
    others = Counter[str]()
    both = [
        _class_folders(part, names, classes, f"{part.name}/", others)
        for part, names in ((train, {name: name for name in trained}), (test, joined))
    ]
    notes = (*said_of_joined(joined), *said_of_others(others))
    return with_unique_ids(Dataset("folder", root, classes, both[0], both[1], notes=notes))


def load_class_folders(root: Path, split: int) -> Dataset:
    """root/<Class>/, all of it for testing: ImageNet-A, -R and -Sketch lie so, and any set to evaluate on."""
    one_split(split, "a folder of classes without training part")
    classes = tuple(folders(root))
    if not classes:
        raise DataError(f"{root}: there is no folder <Class>/ in it")
    joined_names((), classes, str(root))
    others = Counter[str]()
    test = _class_folders(root, {name: name for name in classes}, classes, "", others)
    return with_unique_ids(Dataset(root.resolve().name, root, classes, (), test, notes=said_of_others(others)))


def load_tiny_imagenet(root: Path, split: int) -> Dataset:
    """Tiny ImageNet as published: wnids.txt, train/<wnid>/images/, val/images/ with val_annotations.txt.

    The published test set has no labels: its validation set is the test set here. Classes are as in wnids.txt.
    """
    one_split(split, "Tiny ImageNet")
    classes = listed_classes(root / "wnids.txt")
    for name in classes:
        relative(name, str(root / "wnids.txt"), 1)
    label_of = {name: label for label, name in enumerate(classes)}
    train = [
        sample
        for label, name in enumerate(classes)
        if (root / "train" / name).is_dir()
        for sample in class_samples(root / "train" / name, name, label, f"train/{name}/")
    ]

    def test() -> Iterator[Sample]:
        for where, line in lines(root / "val" / "val_annotations.txt"):
            name, wnid, *_ = [*(line.split("\t") if "\t" in line else line.split()), ""]
            if wnid not in label_of:
                raise DataError(f"{where}: {wnid!r} is none of {root / 'wnids.txt'}")
            yield _image(root, f"val/images/{relative(name, where, 1)}", label_of[wnid], where)

    notes = _said_of_unlisted(folders(root / "train"), classes, root / "wnids.txt")
    return with_unique_ids(Dataset("tiny_imagenet", root, classes, tuple(train), tuple(test()), notes=notes))


def load_imagenet(root: Path, split: int) -> Dataset:
    """ImageNet (ILSVRC 2012): train/<synset>/, and val/<synset>/ or val/ flat with a list; also ILSVRC/Data/CLS-LOC.

    The list of a flat val/ is val.txt (a name and a synset, or its place in the sorted synsets from 0, on a line) or
    LOC_val_solution.csv. Classes are the synsets, sorted, which is the order that published weights use; where the
    training images are absent they come from synsets.txt, synset_words.txt or LOC_synset_mapping.txt.
    """
    one_split(split, "ImageNet")
    data = first_folder(root / "ILSVRC" / "Data" / "CLS-LOC", root / "Data" / "CLS-LOC") or root
    classes = _synsets(root, data)
    same, others = {name: name for name in classes}, Counter[str]()
    train = _class_folders(data / "train", same, classes, "train/", others)
    if folders(data / "val"):
        test = _class_folders(data / "val", same, classes, "val/", others)
    else:
        test = tuple(_flat_validation(root, data, classes))
    unlisted = {*folders(data / "train"), *folders(data / "val")}
    notes = (*_said_of_unlisted(sorted(unlisted), classes, data), *said_of_others(others))
    return with_unique_ids(Dataset("imagenet", root, classes, train, test, notes=notes))


@dataclass(frozen=True)
class Cifar:
    """How one of the published archives is laid out, as pickles and as records."""

    name: str
    folders: tuple[str, str]  # of the pickles, of the records
    train: tuple[str, ...]
    test: str
    meta: str
    names: tuple[bytes, str]  # of the classes: the key in the pickled meta, the text file beside the records


CIFAR10 = Cifar(
    "cifar10",
    ("cifar-10-batches-py", "cifar-10-batches-bin"),
    tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test_batch",
    "batches.meta",
    (b"label_names", "batches.meta.txt"),
)
CIFAR100 = Cifar(
    "cifar100",
    ("cifar-100-python", "cifar-100-binary"),
    ("train",),
    "test",
    "meta",
    (b"fine_label_names", "fine_label_names.txt"),
)


def load_cifar10(root: Path, split: int) -> Dataset:
    """CIFAR-10 as published: cifar-10-batches-py/ (checked by MD5 before unpickling) or cifar-10-batches-bin/."""
    return _load_cifar(CIFAR10, root, split)


def load_cifar100(root: Path, split: int) -> Dataset:
    """CIFAR-100, its 100 fine classes: cifar-100-python/ (checked by MD5 before unpickling) or cifar-100-binary/."""
    return _load_cifar(CIFAR100, root, split)


def load_packed(root: Path, split: int) -> Dataset:
    """JPEGs in one .npz: {train,test}_{jpeg,offsets,labels} and classes; `root` is the file or a folder with one."""
    one_split(split, "a packed .npz")
    path = root if root.is_file() else None
    if path is None:
        files = files_like(root, "*.npz")
        if len(files) != 1:
            raise DataError(f"{root}: {len(files) or 'no'} .npz files are in it; set data.root to the one")
        path = files[0]
    classes = packed_classes(path)
    if len(set(classes)) < len(classes):
        raise DataError(f"{path}: a class stands twice in its classes; each needs a name of its own")
    train, test = (read_packed(path, part)[1] for part in ("train", "test"))
    _check_labels(path, np.concatenate([train, test]), len(classes))
    return Dataset(
        path.stem,
        path.parent,
        classes,
        tuple(_entries(path, "packed", f"{path.stem}/train", train)),
        tuple(_entries(path, "packed", f"{path.stem}/test", test, len(train))),
        (),
    )


def load_cifar10_1(root: Path, split: int) -> Dataset:
    """CIFAR-10.1 (Recht et al. 2018), for testing alone: cifar10.1_v6_data.npy and _labels.npy; split 2 is v4."""
    version = {1: "v6", 2: "v4"}.get(split)
    if version is None:
        raise DataError(f"data.split={split}: CIFAR-10.1 has two versions, 1 (v6) and 2 (v4)")
    data = first_file(root / f"cifar10.1_{version}_data.npy", root / "datasets" / f"cifar10.1_{version}_data.npy")
    if data is None:
        raise DataError(f"{root}: cifar10.1_{version}_data.npy is not there")
    labels = _numbers(data.with_name(f"cifar10.1_{version}_labels.npy"))
    if len(labels) != open_pictures("array", data).count:
        raise DataError(f"{data}: it does not have one image for each of {len(labels)} labels")
    _check_labels(data, labels, len(CIFAR10_CLASSES))
    test = tuple(_entries(data, "array", f"cifar10.1/{version}", labels))
    return Dataset("cifar10.1", root, CIFAR10_CLASSES, (), test)


CIFAR10_CLASSES = listed("cifar10")


def _load_cifar(cifar: Cifar, root: Path, split: int) -> Dataset:
    one_split(split, "CIFAR")
    pickles = first_folder(root / cifar.folders[0], *([root] if (root / cifar.meta).is_file() else []))
    records = first_folder(root / cifar.folders[1], *([root] if (root / cifar.names[1]).is_file() else []))
    if pickles is not None:
        folder, kind, suffix = pickles, "cifar_python", ""
        names = unpickle_cifar(pickles / cifar.meta)[cifar.names[0]]
        classes = tuple(name.decode() for name in names)
    elif records is not None:
        folder, kind, suffix = records, "cifar_binary", ".bin"
        classes = listed_classes(records / cifar.names[1])
    else:
        raise DataError(
            f"{root}: neither {cifar.folders[0]}/ nor {cifar.folders[1]}/ is in it; unpack the archive there"
        )

    def part(name: str, files: Sequence[str]) -> Iterator[Sample]:
        done = 0
        for file in files:
            labels = open_pictures(kind, folder / f"{file}{suffix}").labels
            _check_labels(folder / file, labels, len(classes))
            yield from _entries(folder / f"{file}{suffix}", kind, f"{cifar.name}/{name}", labels, 0, done)
            done += len(labels)

    return Dataset(cifar.name, root, classes, tuple(part("train", cifar.train)), tuple(part("test", [cifar.test])))


def _entries(
    path: Path,
    kind: str,
    prefix: str,
    labels: Labels,
    first_entry: int = 0,
    first_number: int = 0,
) -> Iterator[Sample]:
    for i, label in enumerate(labels.tolist()):
        name = f"{prefix}/{first_number + i:05d}"
        yield Sample(name, path, label, name, kind, first_entry + i)


def _check_labels(path: Path, labels: Labels, classes: int) -> None:
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise DataError(f"{path}: it has labels from {labels.min()} to {labels.max()}, but there are {classes} classes")


def _numbers(path: Path) -> Labels:
    labels = read_array(path)
    if labels.dtype.kind not in "iu":
        raise DataError(f"{path}: labels are whole numbers, this is {labels.dtype} {labels.shape}")
    return np.array(labels, np.int64).ravel()


def _class_folders(
    root: Path, names: Mapping[str, str], classes: Sequence[str], prefix: str, others: Counter[str]
) -> tuple[Sample, ...]:
    """The samples of a part, a folder a class; `names` has the class of each folder."""
    return tuple(
        sample
        for folder, name in sorted(names.items(), key=lambda item: (classes.index(item[1]), item[0]))
        if (root / folder).is_dir()
        for sample in class_samples(root / folder, name, classes.index(name), f"{prefix}{folder}/", others)
    )


def _said_of_unlisted(found: Sequence[str], classes: Sequence[str], where: Path) -> tuple[str, ...]:
    """One sentence on class folders that are none of the classes, and so are left out."""
    unlisted = [name for name in found if name not in classes]
    if not unlisted:
        return ()
    return (f"{plural(len(unlisted), 'folder')} left out, no class of {where}: {some(unlisted)}",)


def _image(root: Path, below: str, label: int, where: str) -> Sample:
    path = root / below
    found = inside(path, root, where) if failures.is_file(path) else ABSENT
    return Sample(without_suffix(below), found, label, without_suffix(below), "image")


def _synsets(root: Path, data: Path) -> tuple[str, ...]:
    found: Sequence[str] = folders(data / "train") or folders(data / "val")
    file = first_file(*(root / name for name in ("LOC_synset_mapping.txt", "synset_words.txt", "synsets.txt")))
    if file:
        found = listed_classes(file, 0)
        for name in found:
            if Path(name).name != name or name == ".." or len(os.fsencode(name)) > 255:
                raise DataError(f"{file}: {name[:60]!r} cannot be the name of a class folder")
    if not found:
        raise DataError(f"{root}: neither train/<synset>/ nor val/<synset>/ nor a list synsets.txt is in it")
    return tuple(sorted(found))


def _flat_validation(root: Path, data: Path, classes: Sequence[str]) -> Iterator[Sample]:
    listing = first_file(root / "val.txt", root / "LOC_val_solution.csv", data / "val.txt")
    if listing is None:
        raise DataError(
            f"{root}: val/ has no folders, so a list val.txt or LOC_val_solution.csv must say what is in it"
        )
    label_of: Mapping[str, int] = {name: label for label, name in enumerate(classes)}
    rows = list(
        _solution(listing)
        if listing.suffix == ".csv"
        else ((where, *line.split()[:2]) for where, line in lines(listing))
    )
    numbers = [int(label[0]) for _, _, *label in rows if label and label[0].isdecimal() and len(label[0]) < _DIGITS]
    for where, *entry in rows:
        name, label = entry if len(entry) == 2 else ("", "")
        number = int(label) if label.isdecimal() and len(label) < _DIGITS else label_of.get(label, -1)
        if not 0 <= number < len(classes):
            raise DataError(
                f"{where}: {label!r} is no synset of this data set, nor a place among them from 0 to {len(classes) - 1}"
            )
        yield _image(data, f"val/{relative(name, where, 1)}", number, where)
    if numbers:
        _check_counted(numbers, len(classes), listing)


def _check_counted(numbers: Sequence[int], classes: int, path: Path) -> None:
    """Raise DataError where it is not certain that numbers are places in the sorted synsets, counted from 0.

    Lists count from 0 or from 1, the development kit in an order of its own, and those of a part of ImageNet perhaps in
    that of the whole: only numbers from 0 to the last class are beyond doubt, or any from 0 among all 1000.
    """
    first, last = min(numbers), max(numbers)
    if first == 0 and last < classes and (last == classes - 1 or classes == SPACES["imagenet"]):
        return
    raise DataError(
        f"{path}: its numbers run from {first} to {last}, and there are {classes} classes, 0 to {classes - 1}: they "
        "may be counted from 1, in the order of the development kit or in that of other classes; write the synset "
        "(n01440764) in their place"
    )


def _solution(path: Path) -> Iterator[tuple[str, str, str]]:
    columns, rows = csv_rows(path)
    if not {"ImageId", "PredictionString"} <= columns:
        raise DataError(f"{path}: its first line must name the columns ImageId and PredictionString")
    for where, row in rows:
        yield where, f"{row.get('ImageId', '')}.JPEG", row.get("PredictionString", "").partition(" ")[0]
