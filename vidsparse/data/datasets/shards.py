"""WebDataset shards as a data set: tars in which files of one key are one sample.

    train-000000.tar, test-000000.tar     (or training-, testing-, val-, validation-; or folders of these names; without
                                          any of them: all test)
    0001.mp4, 0001.cls                    in them: a clip or picture, and its class as a number or a name; or 0001.json
                                          with `label`, or 0001.txt

Clips are unpacked once into the user's cache, since decoders of video take files; names of classes for numbers stand in
`classes.txt` beside the shards, a name a line.
"""

import os
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from vidsparse.data.datasets.class_names import listed_classes
from vidsparse.data.datasets.file_kinds import READER_OF, is_leftover, note_other, said_of_others, suffix_of
from vidsparse.data.datasets.lists import one_split, with_unique_ids
from vidsparse.data.datasets.sources import Dataset, Sample
from vidsparse.data.reading.tar_files import Member, members
from vidsparse.utils import failures, json_text
from vidsparse.utils.errors import DataError, plural, some
from vidsparse.utils.machine import user_cache

_PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test", "val": "val", "validation": "val"}
_LABELS = (".cls", ".json", ".txt")
_JSON_KEYS = ("label", "cls", "class", "class_name", "label_name")
_NUMBER = re.compile(r"[0-9]{1,9}")
Files = dict[str, dict[str, Member]]  # of a shard: {key: {suffix: its bytes}}


@dataclass(frozen=True)
class _Found:
    """A sample: its shard and key there, its clip in the shard and on the disk, and its label as it is written."""

    shard: Path
    key: str
    member: Member
    path: Path
    label: str


def load_webdataset(root: Path, split: int) -> Dataset:
    """The samples of the shards of a folder; DataError where there are none, or one has no label."""
    one_split(split, "a WebDataset")
    others, bare = Counter[str](), list[str]()
    parts = [[found for shard in shards for found in _samples(shard, others, bare)] for shards in _shards(root)]
    both = [*parts[0], *parts[1]]
    if not both:
        raise DataError(f"{root}: there are no shards *.tar with a clip or picture in them")
    _check_doubles(root, both)
    labels = {found.label for found in both}
    classes = _classes(root, labels)
    number_of = {label: classes.index(label) if label in classes else int(label) for label in labels}
    stems = Counter(shard.stem for shard in {found.shard for found in both})
    train, test = (
        tuple(Sample(_id(found, stems), found.path, number_of[found.label], "", _reader(found)) for found in part)
        for part in parts
    )
    notes = (*said_of_others(others), *_said_of_bare(bare))
    return with_unique_ids(Dataset("webdataset", root, tuple(classes), train, test, notes=notes))


def _shards(root: Path) -> tuple[list[Path], list[Path]]:
    """The shards to train on and to test on, each sorted."""
    tars = sorted(tar for tar in (*root.glob("*.tar"), *root.glob("*/*.tar")) if not is_leftover(tar.name))
    parts = {
        tar: _PARTS.get(tar.parent.name if tar.parent != root else re.split(r"[-_.]", tar.name)[0]) for tar in tars
    }
    if not any(parts.values()):
        return [], tars
    unknown = [str(tar) for tar, part in parts.items() if part is None]
    if unknown:
        raise DataError(f"{root}: {some(unknown)}: shards are named train-*.tar, test-*.tar or val-*.tar here")
    if {"test", "val"} <= set(parts.values()):
        raise DataError(f"{root}: it has shards of test and of val, and one of them is tested; take the other ones out")
    return [tar for tar in tars if parts[tar] == "train"], [tar for tar in tars if parts[tar] != "train"]


def _samples(shard: Path, others: Counter[str], bare: list[str]) -> list[_Found]:
    """What a shard holds, in its order; DataError for a sample without label or with two clips.

    Files that are neither clip nor text are counted in `others`; samples with a class and no clip are put into `bare`.
    """
    by_key: Files = defaultdict(dict)
    for name, member in members(shard).items():
        path = PurePosixPath(name)
        if any(map(is_leftover, path.parts)):
            continue
        stem, _, suffix = path.name.partition(".")
        by_key[(path.parent / stem).as_posix()][f".{suffix.lower()}"] = member
    found, folder = list[_Found](), _unpacked(shard, by_key)
    for key, files in by_key.items():
        media = [suffix for suffix in files if suffix in READER_OF]
        _note_others(files, others)
        label = _label(files)
        if len(media) > 1 or (media and label is None):
            what = f"has {some(media)}" if len(media) > 1 else f"has no label ({', '.join(_LABELS)})"
            raise DataError(f"{shard}: sample {key} {what}; a sample is one clip or picture and its class")
        if media and label is not None:
            found.append(_Found(shard, key, files[media[0]], folder / f"{_named(key)}{media[0]}", label))
        elif ".cls" in files or (label is not None and len(files) > 1):
            bare.append(f"{shard.stem}/{key}")
    return found


def _note_others(files: Iterable[str], others: Counter[str]) -> None:
    for suffix in files:
        if suffix not in READER_OF and suffix_of(suffix) in READER_OF:
            others[suffix] += 1  # such as .seg.png: an image, and not the clip of its sample
        elif suffix not in (*READER_OF, *_LABELS):
            note_other(f"file{suffix}", others)


def _said_of_bare(bare: Sequence[str]) -> tuple[str, ...]:
    return (f"{plural(len(bare), 'sample')} with a class and no clip or picture, not read: {some(bare)}",) * bool(bare)


def _check_doubles(root: Path, both: Iterable[_Found]) -> None:
    """DataError where a clip stands under one key in two shards: it would count twice, or be trained on and tested."""
    alike = defaultdict[tuple[str, int], list[_Found]](list)
    for found in both:
        alike[found.key, found.member.size].append(found)
    for (key, _), group in alike.items():
        seen = dict[bytes, Path]()
        for found in group if len(group) > 1 else ():  # numbers that begin anew in every shard are of other clips
            first = seen.setdefault(blake2b(found.member.read()).digest(), found.shard)
            if first != found.shard:
                raise DataError(
                    f"{root}: {first.name} and {found.shard.name} hold one and the same clip {key}; keep one"
                )


def _id(found: _Found, stems: Mapping[str, int]) -> str:
    """The shard's name and the key; its folder before them where two shards have one name."""
    folder = f"{found.shard.parent.name}/" if stems[found.shard.stem] > 1 else ""
    return f"{folder}{found.shard.stem}/{found.key}"


def _reader(found: _Found) -> str:
    return READER_OF[found.path.suffix]


def _label(files: Mapping[str, Member]) -> str | None:
    """The class as it is written: a number or a name."""
    for suffix in _LABELS:
        if suffix not in files:
            continue
        text = files[suffix].read().decode("utf-8", "replace").strip()
        if suffix != ".json":
            return text or None
        try:
            record = json_text.parsed(text)
        except ValueError:
            return None
        value = next((record[key] for key in _JSON_KEYS if key in record), None) if isinstance(record, dict) else record
        if isinstance(value, int | str):
            return str(value)
    return None


def _classes(root: Path, labels: Iterable[str]) -> list[str]:
    """Names of all classes: of classes.txt, where labels are numbers; else the labels, sorted.

    DataError where it cannot be told which labels are numbers and which are names.
    """
    numbers = sorted(label for label in labels if _NUMBER.fullmatch(label))
    names = sorted(label for label in labels if not _NUMBER.fullmatch(label))
    file = root / "classes.txt"
    if file.is_file():
        return _listed(root, file, numbers, names)
    if numbers and names:
        raise DataError(
            f"{root}: some of its labels are numbers ({some(numbers)}) and some names ({some(names)}); write them "
            f"one way, or all of them as names into {file}"
        )
    return [str(number) for number in range(max(map(int, numbers)) + 1)] if numbers else names


def _listed(root: Path, file: Path, numbers: Sequence[str], names: Sequence[str]) -> list[str]:
    """The classes of a list; DataError where labels are none of them, or are two."""
    classes = list(listed_classes(file))
    if not names and all(int(number) < len(classes) for number in numbers):
        moved = [number for number in numbers if number in classes and classes.index(number) != int(number)]
        if moved:
            raise DataError(f"{root}: {some(moved)} may be a number or a name of {file}; give its classes other names")
        return classes
    wrong = [label for label in (*numbers, *names) if label not in classes]
    if wrong:
        raise DataError(f"{root}: {some(wrong)} is none of the {len(classes)} classes of {file}")
    return classes


def _named(key: str) -> str:
    """A file name for a key, whatever characters it has."""
    return blake2b(key.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def _unpacked(shard: Path, by_key: Files) -> Path:
    """The folder of the user's cache with the clips of a shard, written whole or not at all."""
    stat = shard.stat()
    mark = repr((os.fspath(shard.resolve()), stat.st_size, stat.st_mtime_ns)).encode("utf-8", "surrogateescape")
    folder = user_cache() / "shards" / blake2b(mark, digest_size=12).hexdigest()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for key, files in by_key.items():
            for suffix, member in files.items():
                if suffix in READER_OF:
                    with failures.reading(shard):
                        (temporary / f"{_named(key)}{suffix}").write_bytes(member.read())
        temporary.rename(folder)
    except OSError:
        if not folder.is_dir():  # another process was faster
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder
