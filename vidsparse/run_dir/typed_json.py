"""Frozen dataclasses from JSON objects and back: types are checked, unknown keys are kept."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

S = TypeVar("S", bound="Section")


@dataclass(frozen=True, kw_only=True)
class Section:
    """An object of JSON. `more`: what was found under keys that its class does not have."""

    more: Mapping[str, Any] = field(default_factory=dict)


def fill(kind: type[S], said: Mapping[str, Any], where: str = "") -> S:
    """A dataclass from an object of JSON; null, and for a section {}, stands for what is not there, where that may be.

    A field's metadata may give its `key` in JSON, and `always` where it is written also as null.
    ValueError, with the dotted key, where a value has another type or one without a default is absent.
    """
    names = {_key(each): each for each in _own(kind)}
    values: dict[str, Any] = {"more": {key: value for key, value in said.items() if key not in names}}
    hints = get_type_hints(kind)
    for key, each in names.items():
        if key in said and not (said[key] is None and _has_default(each)):
            values[each.name] = _typed(hints[each.name], said[key], f"{where}{key}")
        elif not _has_default(each):
            raise ValueError(f"it says nothing of {where}{key}")
    return kind(**values)


def plain(section: Section) -> dict[str, Any]:
    """A dataclass as an object of JSON; fields that are None or, at their default, empty are left out."""
    said = {}
    for each in _own(type(section)):
        value = getattr(section, each.name)
        if each.metadata.get("always") or not (value is None or _is_unset(each, value)):
            said[_key(each)] = _plain(value)
    return said | dict(section.more)


def _own(kind: type[Section]) -> list[Field[Any]]:
    return [each for each in fields(kind) if each.name != "more"]


def _key(each: Field[Any]) -> str:
    return str(each.metadata.get("key", each.name))


def _has_default(each: Field[Any]) -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _is_unset(each: Field[Any], value: Any) -> bool:
    """Whether a mapping or a text is empty where nothing was said of it."""
    return _has_default(each) and isinstance(value, Mapping | str) and not value


def _plain(value: Any) -> Any:
    if isinstance(value, Section):
        return plain(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _typed(kind: Any, value: Any, where: str) -> Any:
    """A value of JSON as the type of its field."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if value is None or _is_empty(inner[0], value) else _typed(inner[0], value, where)
    if kind is Any:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_typed(inner[0], each, where) for each in value)
    if origin is Mapping and isinstance(value, dict):
        return {str(key): _typed(inner[1], each, f"{where}.{key}") for key, each in value.items()}
    if isinstance(kind, type) and issubclass(kind, Section) and isinstance(value, dict):
        return fill(kind, value, f"{where}.")
    if _fits(kind, value):
        return value
    raise ValueError(f"{where} is {str(value)[:40]!r}, where {_name(kind)} belongs")


def _is_empty(kind: Any, value: Any) -> bool:
    """Whether it is a section of which nothing is said, as older versions wrote it."""
    return isinstance(kind, type) and issubclass(kind, Section) and value == {}


def _fits(kind: Any, value: Any) -> bool:
    if kind in (int, float):
        return isinstance(value, kind | int) and not isinstance(value, bool)
    return isinstance(kind, type) and isinstance(value, kind)


def _name(kind: Any) -> str:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return words.get(kind, "a list" if get_origin(kind) is tuple else "an object")
