"""Where the clips of a published corrupted set lie: which part of a path is the corruption, the severity, the class."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import corruptions
from vidsparse.data.datasets.lists import folders
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

    DataError where two folders are one corruption.
    """
    deep = [root / name for name in folders(root)]
    deep += [folder / name for folder in deep for name in folders(folder) if severity_of(name) is None]
    found: dict[str, Path] = {}
    places: Places = {}
    for folder in deep:
        levels = {level: name for name in folders(folder) if (level := severity_of(name)) is not None}
        if not levels:
            continue
        if folder.name in found:
            raise DataError(f"{root}: {found[folder.name]} and {folder} are one corruption twice; keep one of them")
        found[folder.name] = folder
        places |= {(folder.name, level): folder / levels[level] for level in sorted(levels)}
    return places


def without_severity(root: Path) -> Places:
    """{(corruption, severity): folder of classes} of <corruption>/<class>/, as ViTTA's sets lie; maybe empty.

    The severity is that of the root's name (`level_5_ucf_val_split_1`), or ViTTA's where the names are its own.
    DataError where nothing says it.
    """
    names = [name for name in folders(root) if _is_corruption(name) and folders(root / name)]
    return {(name, _severity(root, names)): root / name for name in names}


def beside_each_other(root: Path) -> tuple[dict[str, str], int]:
    """{corruption: suffix of its files} of <class>/<video>/<corruption>.mp4, and their severity; maybe empty."""
    first = next((root / c / v for c in folders(root) for v in folders(root / c)), None)
    files = sorted(path for path in first.iterdir() if path.is_file()) if first else []
    found = {path.stem: path.suffix for path in files if _is_corruption(path.stem)}
    return found, _severity(root, list(found)) if found else 0


def in_archives(root: Path) -> tuple[dict[tuple[str, int], str], dict[str, Member]]:
    """{(corruption, severity): path of its classes} within the tars of a folder, and every file in them by path.

    A part of a path that names a severity stands between corruption and class: LAION-C, ImageNet-C as tars.
    """
    places: dict[tuple[str, int], str] = {}
    files: dict[str, Member] = {}
    for archive in sorted(root.glob("*.tar")):
        for name, member in members(archive).items():
            place, cell = _cell_of(PurePosixPath(name), archive.stem)
            if cell is None:
                continue
            files[f"{place}/{PurePosixPath(name).relative_to(_before(name))}"] = member
            if places.setdefault(cell, place) != place:
                raise DataError(f"{root}: {places[cell]} and {place} are one corruption twice; keep one of them")
    return places, files


def _cell_of(path: PurePosixPath, archive: str) -> tuple[str, tuple[str, int] | None]:
    """The place of a file and its (corruption, severity); the archive's name is the corruption where no folder is."""
    at = next((i for i, part in enumerate(path.parts[:-1]) if severity_of(part) is not None), None)
    if at is None:
        return "", None
    corruption = path.parts[at - 1] if at else archive
    level = severity_of(path.parts[at]) or 0
    return f"{corruption}/{level}", (corruption, level)


def _before(name: str) -> PurePosixPath:
    """What of a path stands before the class: up to the severity."""
    parts = PurePosixPath(name).parts
    at = next(i for i, part in enumerate(parts) if severity_of(part) is not None)
    return PurePosixPath(*parts[: at + 1])


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


def classes_in(files: Mapping[str, Member], place: str) -> list[str]:
    """The class folders of a place in archives, sorted."""
    below = f"{place}/"
    parts = {name[len(below) :].split("/", 1)[0] for name in files if name.startswith(below)}
    return sorted(part for part in parts if any(name.startswith(f"{below}{part}/") for name in files))
