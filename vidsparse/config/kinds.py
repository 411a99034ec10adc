"""The types of the schema's fields, by their keys."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from vidsparse.config.schema import Config

_EACH_DATA = "each entry of study.data"  # a mapping of `name` and keys of the config


@cache
def members(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a type: int | None -> (int, NoneType)."""
    if kind == _EACH_DATA:
        return (str, _EACH_DATA)  # or the name of a source alone
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def below(kind: Any, key: str | None) -> Any:
    """The type of an entry: `key` of a mapping, or None for those of a list; Any where the schema says nothing."""
    if kind == _EACH_DATA:
        return _EACH_DATA if key is None else str if key == "name" else kind_of(key)
    for one in members(kind):
        if key is None and get_origin(one) is list:
            entry = get_args(one)[0]
            return _EACH_DATA if entry is Any else entry
        if key is not None and isinstance(one, type) and is_dataclass(one):
            return Config if (one, key) == (Config, "sample") else _hints(one).get(key, Any)
    return Any


def takes(kind: Any, shape: type) -> bool:
    """Whether a field of this type takes a list, or a mapping (dict)."""
    if kind == _EACH_DATA:
        return shape is dict
    return any(one is Any or get_origin(one) is shape or (shape is dict and is_dataclass(one)) for one in members(kind))


def kind_of(key: str) -> Any:
    """The type of a dotted key; Any where there is none."""
    kind: Any = Config
    for part in key.split("."):
        kind = below(kind, part)
    return kind


def known_keys(parent: str) -> list[str]:
    """The keys of one block of the schema; `parent` is dotted, empty for the top."""
    owner = kind_of(parent) if parent else Config
    return [f.name for f in fields(owner)] if is_dataclass(owner) else []


def named_rows(owner: Any = Config, prefix: str = "") -> dict[str, Mapping[str, Any]]:
    """{dotted key: the table} of each field that names a row of a table which its declaration gives."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in fields(owner):
        if is_dataclass(each.type):
            found |= named_rows(each.type, f"{prefix}{each.name}.")
        elif each.metadata.get("rows") is not None:
            found[f"{prefix}{each.name}"] = each.metadata["rows"]
    return found


def choices(key: str) -> tuple[Any, ...]:
    """The values of a field that takes one of a few words, null aside, or the name of a row of a table."""
    rows = named_rows()
    if key in rows:
        return tuple(rows[key])
    kinds = [one for one in members(kind_of(key)) if one is not NoneType]
    words = all(get_origin(one) is Literal for one in kinds)
    return tuple(word for one in kinds for word in get_args(one)) if words else ()


def type_name(kind: Any) -> str:
    """A type in words: "int or auto", "list of float"."""
    if is_dataclass(kind) or get_origin(kind) in (dict, Mapping):
        return "mapping"
    parts = members(kind)
    if len(parts) > 1:
        return " or ".join("null" if one is NoneType else type_name(one) for one in parts)
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) is list:
        return f"list of {type_name(get_args(kind)[0])}"
    return "mapping" if kind in (Any, _EACH_DATA) else str(kind.__name__)


@cache
def _hints(owner: Any) -> dict[str, Any]:
    return get_type_hints(owner)
