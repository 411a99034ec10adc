"""Who is in a split: the samples of a data set, as its lists and its folder say."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from vidsparse.classes.matching import find_all, plain
from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.utils.errors import DataError, some

ABSENT = Path()  # the path of a sample whose file is not there


@dataclass(frozen=True)
class Sample:
    """One video or image. `id` is the path as the official list spells it, without suffix; `path` is where it is.

    Clips of one `group` were cut from the same recording (UCF101: class and gNN) and must not be split apart. `reader`
    is a row of `readers.READERS`; `entry` counts from 0 in a file that holds many. `label` -1: nobody knows it.
    `mask` is where the class of every pixel stands: a source of as many frames, of the same size.
    """

    id: str
    path: Path
    label: int
    group: str
    reader: str = "video"
    entry: int = 0
    mask: "Sample | None" = None

    @property
    def parts(self) -> tuple["Sample", ...]:
        """Itself, and its mask if it has one."""
        return (self,) if self.mask is None else (self, self.mask)


@dataclass(frozen=True)
class Dataset:
    """A split as it is on disk. `classes` are all the classes of the lists, also those without a file here.

    `missing` holds the ids that the lists name and the disk does not have; `foreign` the classes of the set
    evaluated on that the one trained on does not have, and whose samples are left out. `notes` are sentences on what
    was found there and is to be said once.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    train: tuple[Sample, ...]
    test: tuple[Sample, ...]
    missing: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def untrained(self) -> tuple[str, ...]:
        """Classes of test samples that no training sample has, where anything was trained on."""
        trained = {sample.label for sample in self.train}
        tested = sorted({sample.label for sample in self.test if sample.label >= 0} - trained) if trained else []
        return tuple(self.classes[label] for label in tested)


def load_dataset(source: str, root: Path, split: int, missing: str, train: bool = True, test: bool = True) -> Dataset:
    """The split of a data set; `missing` is "error" (a listed file that is absent is an error) or "drop".

    A part that is not wanted is left empty and need not be there. Raises DataError in one sentence if the folder, its
    lists or its files are not as the source says.
    """
    if not root.exists():
        raise DataError(f"data.root: the folder {root} does not exist")
    row = SOURCES[source]
    dataset: Dataset = row.loader(root, split)
    if not isinstance(dataset, Dataset):
        raise DataError(f"data.source={source}: it gives no Dataset, but a {type(dataset).__name__}")
    _check_names(dataset)
    dataset = _without_missing(replace(dataset, train=dataset.train * train, test=dataset.test * test))
    absent = dataset.missing
    if absent and missing == "error":
        raise DataError(
            f"{root}: {len(absent)} of {len(absent) + len(dataset.train) + len(dataset.test)} listed files are "
            f"missing ({some(absent)}); complete the folder or set data.missing=drop"
        )
    for part, samples, wanted in (("training", dataset.train, train and row.trains), ("test", dataset.test, test)):
        if wanted and not samples:
            raise DataError(f"{root}: none of the {part} samples of {source}, split {split}, is there")
    return dataset


def _check_names(dataset: Dataset) -> None:
    """Raise DataError where a name is no UTF-8: tables and lists could not hold it."""
    names = [sample.id for sample in (*dataset.train, *dataset.test)]
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        odd = [ascii(name) for name in names if any("\ud800" <= letter <= "\udfff" for letter in name)]
        raise DataError(f"{dataset.root}: names of files that are no UTF-8 ({some(odd)}); rename them") from None


def _without_missing(dataset: Dataset) -> Dataset:
    whole = [tuple(sample for sample in part if not _absent(sample)) for part in (dataset.train, dataset.test)]
    missing = tuple(_absent(sample) for sample in (*dataset.train, *dataset.test) if _absent(sample))
    return replace(dataset, train=whole[0], test=whole[1], missing=missing)


def _absent(sample: Sample) -> str:
    """What of a sample is not there, by its id; empty where all of it is."""
    if sample.path == ABSENT:
        return sample.id
    return f"the mask of {sample.mask.id}" if sample.mask and sample.mask.path == ABSENT else ""


def evaluated_on(dataset: Dataset, other: Dataset) -> Dataset:
    """The training part of `dataset` with the test part of `other`, whose classes are matched by name.

    Names are compared without regard to case, blanks and punctuation ("YoYo" is "yo_yo"), and by action among UCF101,
    HMDB51 and Kinetics ("Punch" is "punching person (boxing)"); samples without labels stay so. DataError where no
    class matches.
    """
    if any(sample.mask for sample in (*dataset.train, *other.test)) and dataset.classes != other.classes:
        raise DataError(
            f"data.eval_root={other.root}: masks are not translated, and its classes ({some(other.classes)}) are not "
            f"those trained on ({some(dataset.classes)})"
        )
    places = find_all(other.classes, [(name,) for name in dataset.classes])
    labels = [place[0] if len(place) == 1 else -1 for place in places]
    foreign = tuple(name for name, label in zip(other.classes, labels, strict=True) if label < 0)
    if foreign and len(foreign) == len(other.classes):
        raise DataError(
            f"data.eval_root={other.root}: none of its classes ({some(foreign)}) is one of those trained on "
            f"({some(dataset.classes)})"
        )
    known = [each for each in other.test if each.label < 0 or labels[each.label] >= 0]
    test = tuple(each if each.label < 0 else replace(each, label=labels[each.label]) for each in known)
    ids, spots = ({of(sample) for sample in dataset.train} for of in (lambda each: each.id, _place))
    shared = [sample.id for sample in test if sample.id in ids or _place(sample) in spots]
    if shared:
        raise DataError(f"data.eval_root={other.root}: {some(sorted(shared))} is also a training sample")
    notes = (*dataset.notes, *other.notes, *_said_of_labels(other.classes, labels, dataset.classes, places))
    return Dataset(other.name, other.root, dataset.classes, dataset.train, test, other.missing, foreign, notes)


def _said_of_labels(
    theirs: Sequence[str], labels: Sequence[int], ours: Sequence[str], places: Sequence[tuple[int, ...]]
) -> tuple[str, ...]:
    """Sentences on classes that were joined under two names, and on those that would be several."""
    pairs = [(name, ours[label]) for name, label in zip(theirs, labels, strict=True) if label >= 0]
    joined = [f"{name} is {own}" for name, own in pairs if plain(name) != plain(own)]
    several = [name for name, found in zip(theirs, places, strict=True) if len(found) > 1]
    said = [f"classes joined by the actions they show: {some(joined, len(joined))}"] if joined else []
    if several:
        said.append(
            f"{some(several, 6)}: several classes of those trained on; where any of them should count, set data.source "
            "to this set and model.weights to the finished run"
        )
    return tuple(said)


def _place(sample: Sample) -> tuple[str, int]:
    """Where a sample lies, however its list calls it."""
    return os.path.realpath(sample.path), sample.entry


def part_of(samples: Sequence[Sample], share: float) -> tuple[Sample, ...]:
    """This share of every class's samples, at least one, chosen by their ids alone; their order stays."""
    if share == 1:
        return tuple(samples)
    of_label: dict[int, list[str]] = defaultdict(list)
    for sample in samples:
        of_label[sample.label].append(sample.id)
    chosen: set[str] = set()
    for names in of_label.values():
        shuffled = sorted(names, key=lambda name: blake2b(name.encode()).digest())
        chosen.update(shuffled[: max(1, round(share * len(names)))])
    return tuple(sample for sample in samples if sample.id in chosen)


def split_validation(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """(training, validation): about `fraction` of every class's groups, whole groups only, chosen by `seed`.

    A class of one group stays in training, and so does at least one group of every class.
    """
    if not fraction:
        return tuple(samples), ()
    of_label: dict[int, set[str]] = defaultdict(set)
    for sample in samples:
        of_label[sample.label].add(sample.group)
    held: set[str] = set()
    for groups in of_label.values():
        shuffled = sorted(groups, key=lambda group: blake2b(f"{seed}/{group}".encode()).digest())
        held.update(shuffled[: min(len(groups) - 1, max(1, round(fraction * len(groups))))])
    train = tuple(sample for sample in samples if sample.group not in held)
    return train, tuple(sample for sample in samples if sample.group in held)


def group_of(class_name: str, stem: str) -> str:
    """The group of a clip by its name: _gNN_cNN at the end says it (UCF101), else it is one of its own."""
    numbered = re.search(r"_(g\d+)_c\d+$", stem)
    return f"{class_name}/{numbered[1] if numbered else stem}"


_TURNED = {"left": "right", "clockwise": "counterclockwise", "cw": "ccw"}
_TURNS = {**_TURNED, **{other: word for word, other in _TURNED.items()}}
_TURN = re.compile("|".join(sorted(_TURNS, key=len, reverse=True)), re.IGNORECASE)


def mirrored(classes: Sequence[str]) -> frozenset[int]:
    """Labels of the classes that a horizontal flip turns into another class, by their names.

    >>> mirrored(["Pulling something from left to right", "Pulling something from right to left", "Brightening"])
    frozenset({0, 1})
    """
    names = {name.casefold() for name in classes}
    turned = [_TURN.sub(lambda word: _TURNS[word[0].lower()], name).casefold() for name in classes]
    return frozenset(
        label for label, name in enumerate(classes) if turned[label] != name.casefold() and turned[label] in names
    )
