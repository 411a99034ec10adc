"""Every key of a config with its type, default, range, unit and meaning: for --help and docs/config.md."""

import json
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from vidsparse.config.kinds import kind_of, type_name
from vidsparse.config.schema import Config
from vidsparse.utils.number_range import Range


@dataclass(frozen=True)
class Key:
    """One key: dotted `name`, `type` and `default` as YAML has them, `range` and `unit` of a number, else empty."""

    name: str
    type: str
    default: str
    range: str
    unit: str
    meaning: str

    @property
    def line(self) -> str:
        """For a terminal: "sparse.sparsity=0.0 (float): the share of zeros, at least 0 and below 1"."""
        what = ", ".join(part for part in (self.meaning, self.unit, self.range) if part)
        return f"{self.name}={self.default} ({self.type}): {what}"


def keys(schema: Any = Config, prefix: str = "") -> list[Key]:
    """Every key below a dataclass, in the order of the schema."""
    found: list[Key] = []
    for each in fields(schema):
        name = f"{prefix}{each.name}"
        if is_dataclass(each.type):
            found += keys(each.type, f"{name}.")
            continue
        default = each.default if each.default_factory is MISSING else each.default_factory()
        allowed: Range | None = each.metadata.get("range")
        text = allowed.text if allowed else ""
        meaning = allowed.meaning if allowed else each.metadata["meaning"]
        if allowed and allowed.noun:
            meaning = f"{allowed.noun.removeprefix('an ').removeprefix('a ')} each: {meaning}"
        shown = default if isinstance(default, str) else json.dumps(default)
        kind = type_name(kind_of(name))
        if each.metadata.get("rows"):
            kind = kind.replace("str", " or ".join(each.metadata["rows"]), 1)
        found.append(Key(name, kind, shown, text, allowed.unit if allowed else "", meaning))
    return found


def config_help() -> str:
    """Every key, a line each, as `--help` shows them."""
    return "keys of the config, with their defaults:\n" + "\n".join(f"  {each.line}" for each in keys())
