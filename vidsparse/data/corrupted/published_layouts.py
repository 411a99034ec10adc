"""Where the clips of a published corrupted set lie: which part of a path is the corruption, the severity, the class."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import corruptions
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.file_kinds import READER_OF, READER_OF_ALONE, is_leftover, suffix_of
from vidsparse.data.datasets.lists import files_like, folders
from vidsparse.data.reading.readers import check_installed
from vidsparse.data.reading.tar_files import Member, members
from vidsparse.utils.errors import DataError, some

# ViTTA's names of its twelve (CVPR 2023), whose sets have the fifth severity alone
VITTA = {
    "gauss": "gaussian_noise",
    "pepper": "pepper_noise",
    "salt": "salt_noise",
    "shot": "shot_noise",
    "zoom": "zoom_blur",
    "impulse": "impulse_noise",
    "defocus": "defocus_blur",
    "motion": "motion_blur",
    "jpeg": "jpeg_compression",
    "contrast": "contrast",
    "rain": "rain",
    "h265_abr": "h265_abr",
}
_VITTA_SEVERITY = 5
_LEVEL = re.compile(r"(?:(?:intensity[_ -]?)?level|severity|sev|s)?[_ -]?([1-5])", re.IGNORECASE)
_NAMED_LEVEL = re.compile(r"(?:level|severity)[_ -]?([1-5])", re.IGNORECASE)

Places = dict[tuple[str, int], Path]


def severity_of(name: str) -> int | None:
    """The severity that a folder is named for; None for another name.

    >>> [severity_of(name) for name in ("3", "severity_3", "intensity_level_5", "level-2", "6", "fog")]
    [3, 3, 5, 2, None, None]
    """
    found = _LEVEL.fullmatch(name)
    return int(found[1]) if found else None


def by_severity(root: Path) -> Places:
    """{(corruption, severity): folder of classes} of <corruption>/<severity>/, one or two levels deep.

    DataError where two folders are one corruption, or one severity of it.
    """
    deep = [root / name for name in folders(root)]
    deep += [folder / name for folder in deep for name in folders(folder) if severity_of(name) is None]
    found: dict[str, Path] = {}
    places: Places = {}
    for folder in deep:
        levels = [(level, folder / name) for name in folders(folder) if (level := severity_of(name)) is not None]
        if levels and found.setdefault(folder.name, folder) != folder:
            raise _twice(root, found[folder.name], folder)
        for level, place in sorted(levels):
            if places.setdefault((folder.name, level), place) != place:
                raise _twice(root, places[folder.name, level], place)
    return places


def _twice(root: Path, one: object, other: object) -> DataError:
    return DataError(f"{root}: {one} and {other} are one corruption twice; keep one of them")


def without_severity(root: Path) -> Places:
    """{(corruption, severity): folder of classes} of <corruption>/<class>/, as ViTTA's sets lie; maybe empty.

    The severity is that of the root's name (`level_5_ucf_val_split_1`), or ViTTA's where the names are its own.
    DataError where nothing says it.
    """
    names = [name for name in folders(root) if _is_corruption(name) and folders(root / name)]
    return {(name, _severity(root, names)): root / name for name in names}


def beside_each_other(root: Path) -> tuple[dict[str, str], int]:
    """{corruption: suffix of its files} of <class>/<video>/<corruption>.mp4, and their severity; maybe empty."""
    files = _of_the_first(root)
    found = {path.stem: path.suffix for path in files if _is_corruption(path.stem)}
    return found, _severity(root, list(found)) if found else 0


def unknown_beside(root: Path) -> tuple[str, ...]:
    """A sentence on the files of the first video's folder that are no known corruption; none where all are."""
    names = [path.stem for path in _of_the_first(root) if not _is_corruption(path.stem)]
    return (f"files beside the corrupted videos that are no known corruption, not read: {some(names, 8)}",) * bool(
        names
    )


def _of_the_first(root: Path) -> list[Path]:
    """The clips in the folder of the first video."""
    first = next((root / c / v for c in folders(root) for v in folders(root / c)), None)
    return [path for path in files_like(first, "*") if suffix_of(path.name) in READER_OF_ALONE] if first else []


def other_suffixes(places: Mapping[Cell, Path], first: Path) -> dict[Cell, str]:
    """The suffix of the files of those cells that hold `first`, a path below each, under its name with another one.

    ConfigError where a package that reads files of a cell is not installed.
    """
    found = dict[Cell, str]()
    for cell, place in places.items():
        if not (place / first).exists():
            same = [path for path in files_like((place / first).parent, "*")
                    if path.stem == first.stem and suffix_of(path.name) in READER_OF_ALONE]  # fmt: skip
            if len(same) == 1:
                found[cell] = same[0].suffix
                check_installed({READER_OF_ALONE[suffix_of(same[0].name)]: same[0]})
    return found


def unread(root: Path, places: Collection[Path]) -> tuple[str, ...]:
    """A sentence on the folders that lead to none of these places; none where all do."""
    ways = {way for place in places for way in place.parents}
    found, pending = list[str](), [root]
    while pending:
        above = pending.pop()
        for folder in (above / name for name in folders(above)):
            if folder in ways:
                pending.append(folder)
            elif folder not in places:
                found.append(folder.relative_to(root).as_posix())
    return _said_unread(sorted(found))


def _said_unread(names: Sequence[str]) -> tuple[str, ...]:
    said = "folders that are no severity of a corruption that is known by its place, not read"
    return (f"{said}: {some(names, 8)}",) if names else ()


@dataclass(frozen=True)
class Packed:
    """What the tars of a folder hold: LAION-C's, ImageNet-C's as they are downloaded.

    places    {(corruption, severity): the folder of its classes within the archives}
    files     {place and path below it: its bytes}
    inside    {place: the paths below it, in the order of the archives}
    notes     a sentence on what is not read, where there is something
    """

    places: dict[tuple[str, int], str]
    files: dict[str, Member]
    inside: dict[str, list[str]]
    notes: tuple[str, ...] = ()

    def classes(self, place: str) -> list[str]:
        """The class folders of a place, sorted."""
        return sorted({path.partition("/")[0] for path in self.inside[place] if "/" in path})


def packed(root: Path) -> Packed:
    """What the tars of a folder hold, by the part of each path that names a severity: it stands before the class.

    An archive is the corruption where no folder is. DataError where two folders are one cell, or two files one.
    """
    found, unread = Packed({}, {}, {}), dict[str, None]()
    for archive in files_like(root, "*.tar"):
        for name, member in members(archive).items():
            path = PurePosixPath(name)
            place, below = _split(path, archive.stem)
            if any(map(is_leftover, path.parts)):
                continue
            if place and len(below.parts) > 1:
                _note(root, found, (place, below), member)
            elif suffix_of(path.name) in READER_OF:
                unread[f"{path.parents[1 if path.parent.name else 0]} in {archive.name}"] = None
    return replace(found, notes=_said_unread(list(unread)))


def _note(root: Path, found: Packed, at: tuple[PurePosixPath, PurePosixPath], member: Member) -> None:
    """Note a file of a place; DataError where its cell lies elsewhere too, or the file is there already."""
    place, below = map(str, at)
    cell = (at[0].parent.name, severity_of(at[0].name) or 0)
    if found.places.setdefault(cell, place) != place:
        raise _twice(root, found.places[cell], place)
    if found.files.setdefault(f"{place}/{below}", member) is not member:
        raise DataError(f"{root}: {place}/{below} stands twice in its archives; keep one of them")
    found.inside.setdefault(place, []).append(below)


def _split(path: PurePosixPath, archive: str) -> tuple[PurePosixPath | None, PurePosixPath]:
    """What of a path leads to the classes, <corruption>/<severity> its end, and the rest; None without a severity."""
    at = next((i for i, part in enumerate(path.parts[:-1]) if severity_of(part) is not None), None)
    if at is None:
        return None, path
    above = path.parts[:at] or (archive,)
    return PurePosixPath(*above, path.parts[at]), PurePosixPath(*path.parts[at + 1 :])


def _is_corruption(name: str) -> bool:
    return name in VITTA or name in corruptions.REGISTRY


def _severity(root: Path, names: Iterable[str]) -> int:
    named = _NAMED_LEVEL.search(root.resolve().name)
    if named:
        return int(named[1])
    names = list(names)
    if names and set(names) <= set(VITTA):
        return _VITTA_SEVERITY
    raise DataError(
        f"{root} has folders of corruptions ({some(names)}) and nothing says how severe they are: put each into a "
        "folder named for its severity, such as fog/3/, or name the whole level_3"
    )
