"""A JSON value against a JSON Schema, as much of it as `results.schema.json` uses: reading needs no package for it."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
}
_SILENT = {"$schema", "$defs", "title", "description"}
_KNOWN = _SILENT | {"$ref", "type", "const", "oneOf", "required", "properties", "additionalProperties", "items",
                    "minItems", "minimum", "exclusiveMaximum"}  # fmt: skip


def faults(value: Any, schema: Schema, whole: Schema | None = None, at: str = "") -> Iterator[str]:
    """What a value has against a schema, a few words each, the place first; nothing where it follows it.

    Args:
        value: as `json.loads` gives it.
        schema: a schema; `$ref` in it are into `whole`, which is the schema itself at the start.

    Raises:
        NotImplementedError: the schema uses a word that this does not know.

    >>> list(faults({"a": [1, "b"]}, {"properties": {"a": {"items": {"type": "integer"}}}}))
    ['a[1]: it is a string, not an integer']
    """
    whole = schema if whole is None else whole
    if unknown := set(schema) - _KNOWN:
        raise NotImplementedError(f"a schema with {', '.join(sorted(unknown))}")
    if "$ref" in schema:
        yield from faults(value, _referred(whole, schema["$ref"]), whole, at)
    if "oneOf" in schema:
        yield from _of_one(value, schema["oneOf"], whole, at)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_is(value, kind) for kind in kinds):
        yield f"{at or 'it'}: it is {_kind(value)}, not {' or '.join(map(_named, kinds))}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at}: it is {value!r}, not {schema['const']!r}"
    if _is(value, "number"):
        yield from _of_number(value, schema, at)
    if isinstance(value, list):
        yield from _of_list(value, schema, whole, at)
    if isinstance(value, dict):
        yield from _of_object(value, schema, whole, at)


def _of_one(value: Any, schemas: list[Schema], whole: Schema, at: str) -> Iterator[str]:
    found = [list(faults(value, each, whole, at)) for each in schemas]
    if sum(not each for each in found) != 1:
        yield min((each for each in found if each), key=lambda each: ("it is" in each[0], len(each)))[0]


def _of_number(value: float, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{at}: it is {value}, below {schema['minimum']}"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{at}: it is {value}, not below {schema['exclusiveMaximum']}"


def _of_list(value: list[Any], schema: Schema, whole: Schema, at: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{at}: it has {len(value)} items, fewer than {schema['minItems']}"
    for place, each in enumerate(value):
        yield from faults(each, schema.get("items", {}), whole, f"{at}[{place}]")


def _of_object(value: dict[str, Any], schema: Schema, whole: Schema, at: str) -> Iterator[str]:
    named, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at or 'it'}: it lacks {name}"
    for name, each in value.items():
        here = f"{at}.{name}" if at else name
        if name not in named and rest is False:
            yield f"{here}: it has no place there"
        else:
            yield from faults(each, named.get(name, rest or {}), whole, here)


def _referred(whole: Schema, reference: str) -> Schema:
    found: Any = whole
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def _is(value: Any, kind: str) -> bool:
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _kind(value: Any) -> str:
    return _named(next(kind for kind in _KINDS if _is(value, kind)))


def _named(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
