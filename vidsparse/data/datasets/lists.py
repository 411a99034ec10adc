"""What every list of samples needs: its lines, names that stay inside the data set, and the files that are there."""

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from vidsparse.classes.matching import folded
from vidsparse.data.datasets.file_kinds import READER_OF_ALONE, is_leftover, note_other, suffix_of
from vidsparse.data.datasets.sources import Dataset, Sample, group_of
from vidsparse.utils import failures
from vidsparse.utils.errors import DataError, some

_LONGEST_NAME, _LONGEST_PATH = 255, 2000  # bytes, characters; file systems answer longer ones with errors of theirs


def first_folder(*folders: Path) -> Path | None:
    """The first of these that is a folder."""
    return next((folder for folder in folders if folder.is_dir()), None)


def first_file(*files: Path) -> Path | None:
    """The first of these that is a file."""
    return next((file for file in files if file.is_file()), None)


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """("file, line n", text) of every line that is not blank; LF or CRLF."""
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def csv_rows(path: Path) -> tuple[set[str], list[tuple[str, dict[str, str]]]]:
    """The columns that the first line of a CSV names, and ("file, line n", {column: cell}) of every other row.

    Blanks around cells do not count; a column that a row is too short for is not in it. DataError for what is no CSV.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    try:
        columns = {name.strip() for name in reader.fieldnames or ()}
        rows = [(f"{path}, line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not CSV ({error})") from error
    return columns, [
        (where, {key.strip(): cell.strip() for key, cell in row.items() if key is not None and cell is not None})
        for where, row in rows
    ]


def read_text(path: Path) -> str:
    """The text of a list; DataError where there is none."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: this list does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        failures.check(error, path)
        raise DataError(f"{path}: this list is no UTF-8 text that can be read ({error})") from error


def relative(entry: str, where: str, parts: int = 2) -> PurePosixPath:
    """A listed name as a path of at least so many parts, inside the data set; DataError where it leads out."""
    path = PurePosixPath(entry)
    if path.is_absolute() or ".." in path.parts or "\\" in entry or "\0" in entry or len(path.parts) < parts:
        shape = "<Class>/<file>" if parts > 1 else "<file>"
        raise DataError(f"{where}: {entry!r} is not a path {shape} inside the data set")
    if any(len(part.encode()) > _LONGEST_NAME for part in path.parts) or len(entry) > _LONGEST_PATH:
        raise DataError(f"{where}: {entry[:40]!r}... is longer than the name of any file")
    return path


def inside(path: Path, base: Path, where: str) -> Path:
    """`path`, once it is certain that no symbolic link below `base` takes it elsewhere; `base` itself may be one."""
    place = f"{_real(path.parent)}{os.sep}{path.name}"
    if path.is_symlink():
        place = os.path.realpath(path)
    if not place.startswith(f"{_real(base)}{os.sep}"):
        raise DataError(
            f"{where}: {path} is a link that leads out of {base}; put the file there, or link the whole folder"
        )
    return path


@lru_cache(maxsize=65536)
def _real(folder: Path) -> str:
    return os.path.realpath(folder)


def walk(folder: Path, others: Counter[str] | None = None) -> list[tuple[str, str]]:
    """(path below `folder`, row of READERS) of every video and image at any depth, sorted.

    Hidden files and what systems leave behind are left out; files of other kinds are counted in `others`, HDF5 among
    them where there are videos or images too, of which it then holds features. A link to a folder is followed, but not
    to one that the way to it leads through.
    """
    found: list[tuple[str, str]] = []
    pending = [""]
    while pending:
        below = pending.pop()
        if below and _circular(folder, below):
            continue
        with os.scandir(folder / below) as entries:
            for entry in entries:
                if is_leftover(entry.name):
                    continue
                reader = READER_OF_ALONE.get(suffix_of(entry.name))
                if _is_folder(entry):
                    pending.append(f"{below}{entry.name}/")
                elif reader:
                    found.append((f"{below}{entry.name}", reader))
                elif others is not None:
                    note_other(entry.name, others)
    clips = [(path, reader) for path, reader in found if reader != "hdf5"]
    if clips and others is not None:
        for path in (path for path, reader in found if reader == "hdf5"):
            note_other(path, others)
    return sorted(clips or found)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError as error:  # a link to itself
        failures.check(error, entry.path)
        return False


def _circular(folder: Path, below: str) -> bool:
    """Whether a path is a link to one of the folders that the way from `folder` to it leads through."""
    if not (folder / below).is_symlink():
        return False
    target = f"{_real(folder / below)}{os.sep}"
    return any(f"{_real(folder / each)}{os.sep}".startswith(target) for each in Path(below).parents)


def two_deep(folder: Path) -> dict[str, list[Path]]:
    """{"class/file" without regard to case and Unicode form: paths} of the files in the folders of `folder`."""
    found: dict[str, list[Path]] = {}
    for each in (each for each in folder.iterdir() if each.is_dir() and not is_leftover(each.name)):
        for file in (file for file in each.iterdir() if not is_leftover(file.name) and not file.is_dir()):
            found.setdefault(folded(f"{each.name}/{file.name}"), []).append(file)
    return found


def folders(root: Path) -> list[str]:
    """Names of the folders in a folder, sorted, without what systems leave behind; none where it is not there."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if path.is_dir() and not is_leftover(path.name))


def files_like(root: Path, pattern: str) -> list[Path]:
    """The files of a folder that fit a pattern, sorted, without what systems leave behind."""
    return sorted(path for path in root.glob(pattern) if not is_leftover(path.name))


def without_suffix(path: str) -> str:
    """ "a/b.c.avi" -> "a/b.c": what an id keeps of a path."""
    return os.path.splitext(path)[0]


def with_unique_ids(dataset: Dataset) -> Dataset:
    """The data set; DataError where two of its files have one id."""
    counts = Counter(sample.id for sample in (*dataset.train, *dataset.test))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(
            f"{dataset.root}: two samples have one name ({some(twice)}): a list names a file twice, or two files "
            "differ only in their suffix; keep one of each"
        )
    return dataset


def one_split(split: int, kind: str) -> None:
    """DataError where another split than 1 is asked for."""
    if split != 1:
        raise DataError(f"data.split={split}: {kind} has one split, 1")


def class_samples(
    folder: Path, name: str, label: int, prefix: str, others: Counter[str] | None = None
) -> Iterator[Sample]:
    """The samples of one class folder, at any depth; ids begin with `prefix`. `others` as for `walk`."""
    for path, reader in walk(folder, others):
        stem = without_suffix(path)
        yield Sample(f"{prefix}{stem}", folder / path, label, group_of(name, stem), reader)
