"""Every corruption by its name: the rows of `rows_*`, each with its severity tables."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from corruptions import rows_bar, rows_noise_blur, rows_processing, rows_video, rows_weather
from corruptions.exceptions import UnknownProfile, known_name, nearest
from corruptions.row import MODES, Corruption, Mode, Moves, Support
from corruptions.tables_calibrated import CALIBRATED

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
    return replace(row, levels={**row.levels, **ours})


_ROWS: Final = tuple(
    _with_ours(row)
    for rows in (rows_noise_blur, rows_weather, rows_processing, rows_video, rows_bar)
    for row in rows.ROWS
)
REGISTRY: Final[Mapping[str, Corruption]] = MappingProxyType({row.name: row for row in _ROWS})


def find(name: str) -> Corruption:
    """Return the record called `name`, or raise UnknownName with the nearest one."""
    return REGISTRY[known_name("corruption", name, REGISTRY)]


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
