"""WebDataset shards as a data set: tars in which files of one key are one sample.

    train-000000.tar, test-000000.tar     (or val-, validation-; or folders train/ and test/; without either: all test)
    0001.mp4, 0001.cls                    in them: a clip or picture, and its class as a number or a name; or 0001.json
                                          with `label`, or 0001.txt

Clips are unpacked once into the user's cache, since decoders of video take files; names of classes for numbers stand in
`classes.txt` beside the shards, a name a line.
"""

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from vidsparse.data.datasets.class_names import listed_classes
from vidsparse.data.datasets.file_kinds import READER_OF
from vidsparse.data.datasets.lists import one_split, with_unique_ids
from vidsparse.data.datasets.sources import Dataset, Sample
from vidsparse.data.reading.tar_files import Member, members
from vidsparse.utils import failures, json_text
from vidsparse.utils.errors import DataError, some
from vidsparse.utils.machine import user_cache

_TESTS = ("test", "val", "validation")
_LABELS = (".cls", ".json", ".txt")
_JSON_KEYS = ("label", "cls", "class", "class_name", "label_name")
Found = list[tuple[str, Path, str, str]]  # key, file, reader, label as it is written


def load_webdataset(root: Path, split: int) -> Dataset:
    """The samples of the shards of a folder; DataError where there are none, or one has no label."""
    one_split(split, "a WebDataset")
    train, test = _shards(root)
    parts = [[found for shard in shards for found in _samples(shard)] for shards in (train, test)]
    labels = [label for part in parts for *_, label in part]
    if not labels:
        raise DataError(f"{root}: there are no shards *.tar with a clip or picture in them")
    classes = _classes(root, labels)
    both = [tuple(_sample(found, classes) for found in part) for part in parts]
    return with_unique_ids(Dataset("webdataset", root, tuple(classes), both[0], both[1]))


def _shards(root: Path) -> tuple[list[Path], list[Path]]:
    """The shards to train on and to test on, each sorted."""
    tars = sorted([*root.glob("*.tar"), *root.glob("*/*.tar")])
    parts = {tar: tar.parent.name if tar.parent != root else tar.name.split("-")[0].split("_")[0].split(".")[0]
             for tar in tars}  # fmt: skip
    if not set(parts.values()) & {"train", *_TESTS}:
        return [], tars
    unknown = [str(tar) for tar, part in parts.items() if part not in ("train", *_TESTS)]
    if unknown:
        raise DataError(f"{root}: {some(unknown)}: shards are named train-*.tar, test-*.tar or val-*.tar here")
    return [tar for tar in tars if parts[tar] == "train"], [tar for tar in tars if parts[tar] in _TESTS]


def _samples(shard: Path) -> Found:
    """What a shard holds, in its order; DataError for a sample without label or with two clips."""
    by_key: dict[str, dict[str, Member]] = defaultdict(dict)
    for name, member in members(shard).items():
        path = PurePosixPath(name)
        stem, _, suffix = path.name.partition(".")
        by_key[(path.parent / stem).as_posix()][f".{suffix.lower()}"] = member
    found, folder = list[tuple[str, Path, str, str]](), _unpacked(shard, by_key)
    for key, files in by_key.items():
        media = [suffix for suffix in files if suffix in READER_OF]
        if not media:
            continue
        label = _label(files)
        if len(media) > 1 or label is None:
            what = f"has {some(media)}" if len(media) > 1 else f"has no label ({', '.join(_LABELS)})"
            raise DataError(f"{shard}: sample {key} {what}; a sample is one clip or picture and its class")
        found.append((f"{shard.stem}/{key}", folder / f"{_named(key)}{media[0]}", READER_OF[media[0]], label))
    return found


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


def _classes(root: Path, labels: Sequence[str]) -> list[str]:
    """Names of all classes: of classes.txt, where labels are numbers; else the labels, sorted."""
    numbers = all(label.isdigit() for label in labels)
    file = root / "classes.txt"
    if not file.is_file():
        return [str(number) for number in range(max(map(int, labels)) + 1)] if numbers else sorted(set(labels))
    classes = list(listed_classes(file))
    wrong = sorted({label for label in labels if (int(label) >= len(classes) if numbers else label not in classes)})
    if wrong:
        raise DataError(f"{root}: {some(wrong)} is none of the {len(classes)} classes of {file}")
    return classes


def _sample(found: tuple[str, Path, str, str], classes: Sequence[str]) -> Sample:
    key, path, reader, label = found
    return Sample(key, path, int(label) if label not in classes else classes.index(label), "", reader)


def _named(key: str) -> str:
    """A file name for a key, whatever characters it has."""
    return blake2b(key.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def _unpacked(shard: Path, by_key: Mapping[str, Mapping[str, Member]]) -> Path:
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
