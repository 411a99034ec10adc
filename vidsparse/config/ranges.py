"""What each number of the schema may be: the range stands beside the field, with the unit and the meaning.

`number` and `numbers` declare a field, `key` and `empty` one that holds no number; `outside` finds what a config holds
that its ranges forbid. NaN and infinity are in no range. The sentence of an error is made from the declaration.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import field, fields, is_dataclass
from typing import Any, TypeVar, Unpack

from vidsparse.utils.number_range import Bounds, Range

T = TypeVar("T")
C = TypeVar("C", list[Any], dict[str, Any])
L = TypeVar("L", list[int], list[float], list[int] | None)


def number(default: T, meaning: str, unit: str = "", **bounds: Unpack[Bounds]) -> T:
    """A field that holds one number (or null, or a word such as auto, which its type says), with its range."""
    made: T = field(default=default, metadata={"range": Range(meaning, unit, **bounds)})
    return made


def numbers(default: L, noun: str, meaning: str, unit: str = "", **bounds: Unpack[Bounds]) -> L:
    """A field that holds a list of numbers (or null), each in the range; `noun` is what an entry is called."""
    metadata = {"range": Range(meaning, unit, noun=noun, **bounds)}
    made: L = field(default_factory=lambda: copy(default), metadata=metadata)
    return made


def key(default: T, meaning: str, rows: Mapping[str, Any] | None = None) -> T:
    """A field that holds a word, a text or a switch, with its meaning; with `rows`, the name of one of them."""
    made: T = field(default=default, metadata={"meaning": meaning, "rows": rows})
    return made


def empty(kind: type[C], meaning: str) -> C:
    """A field that holds a list or a mapping and is empty by default, with its meaning."""
    made: C = field(default_factory=lambda: kind(), metadata={"meaning": meaning})
    return made


def ranges(schema: Any, prefix: str = "") -> dict[str, Range]:
    """{dotted key: range} of every number below a dataclass (an instance or the class)."""
    found: dict[str, Range] = {}
    for each in fields(schema):
        key = f"{prefix}{each.name}"
        if "range" in each.metadata:
            found[key] = each.metadata["range"]
        elif is_dataclass(each.type):
            found |= ranges(each.type, f"{key}.")
    return found


def outside(config: Any) -> Iterator[tuple[str, str]]:
    """(key, why it cannot be) of each number of a config that is not in its range."""
    for key, allowed in ranges(config).items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, int | float) and not isinstance(one, bool) and not allowed.holds(one):
                yield key, allowed.sentence(one)
                break
