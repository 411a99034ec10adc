"""Every corruption by its name: the rows of `rows_*`, each with its severity tables."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, get_args

from corruptions import (
    rows_bar,
    rows_camera,
    rows_noise_blur,
    rows_processing,
    rows_published,
    rows_video,
    rows_weather,
)
from corruptions.exceptions import CorruptionError, UnknownProfile, known_name, nearest
from corruptions.open_table import OpenTable
from corruptions.row import MODES, Corruption, Mode, Moves, Support
from corruptions.tables_calibrated import CALIBRATED
from corruptions.tables_camera import CAMERA, VIDEO_C_3

__all__ = [
    "MODES",
    "REGISTRY",
    "Corruption",
    "Mode",
    "Moves",
    "Support",
    "find",
    "names",
    "nearest",
    "resolve_profile",
]


def _with_ours(row: Corruption) -> Corruption:
    """The row with its levels of video_c, where it is in that set."""
    ours = {"video_c": CALIBRATED[row.name]} if row.name in CALIBRATED else {}
    ours |= {"video_c": CAMERA[row.name]} if row.name in VIDEO_C_3 else {}
    return replace(row, levels={**row.levels, **ours})


def _made(name: str, row: object) -> Corruption:
    """Return the row, once it is certain that it can be carried out at five levels."""
    if not isinstance(row, Corruption):
        raise CorruptionError(f"corruption {name}: it is a corruptions.Corruption, not a {type(row).__name__}")
    if row.support not in get_args(Support) or row.default not in row.modes or not set(row.modes) <= set(MODES):
        raise CorruptionError(
            f"corruption {row.name}: support={row.support} is one of {', '.join(get_args(Support))}, and "
            f"default={row.default} one of its modes, which are among {', '.join(MODES)}"
        )
    if row.home not in row.levels:
        raise CorruptionError(f"corruption {row.name}: its home, {row.home}, is none of its tables")
    for profile, table in row.levels.items():
        if len(table) != 5 or not all(isinstance(level, tuple) for level in table):
            raise CorruptionError(f"corruption {row.name}: its table {profile} is five levels, each a tuple of numbers")
    if row.function is not None and row.support == "window" and row.window is None:
        raise CorruptionError(f"corruption {row.name}: with support=window it needs a window(wanted, level, n_frames)")
    return row


_FIRST: Final = (rows_noise_blur, rows_weather, rows_processing, rows_video, rows_bar)
_SHIPPED: Final = tuple(_with_ours(row) for rows in (*_FIRST, rows_published, rows_camera) for row in rows.ROWS)
FIRST: Final = tuple(row.name for rows in _FIRST for row in rows.ROWS)
_LATER: Final = ("vitta", "laion_c", "imagenet_3dcc", "camera_c", "motion_probe")  # profiles
ROWS: Final[OpenTable[Corruption]] = OpenTable(
    "corruption", "corruptions.names()", CorruptionError, _made, {row.name: row for row in _SHIPPED}
)
REGISTRY: Final[Mapping[str, Corruption]] = MappingProxyType(ROWS)


def is_first(name: str, profile: str) -> bool:
    """Whether the fingerprint without cells covers this one: it is of the 53 corruptions and the profiles of before.

    What is added later stays out of it, so that results and benchmarks of before keep theirs.
    """
    return name in FIRST and profile not in _LATER


def find(name: str | Corruption) -> Corruption:
    """Return the record called `name`, or given itself, or raise UnknownName with the nearest one."""
    if isinstance(name, Corruption):
        return _made(name.name, name)
    return ROWS[known_name("corruption", name, ROWS)]


def names(family: str | None = None) -> tuple[str, ...]:
    """Return the names of every corruption, or of one family's, in the registry's order.

    >>> names("photometric")
    ('brightness', 'contrast', 'saturate')
    """
    if family is not None:
        known_name("family", family, dict.fromkeys(row.family for row in REGISTRY.values()))
    return tuple(row.name for row in REGISTRY.values() if family in (None, row.family))


def resolve_profile(record: Corruption, profile: str | None) -> str:
    """Return `profile`, or the corruption's home for None; raise UnknownProfile where it has no such table."""
    if profile is None:
        return record.home
    return known_name(f"profile for {record.name}", profile, record.tables, UnknownProfile)
