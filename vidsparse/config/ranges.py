"""What each number of the schema may be: the range stands beside the field, with the unit and the meaning.

`number` and `numbers` declare a field; `outside` finds what a config holds that its ranges forbid. NaN and infinity
are in no range. The sentence of an error is made from the declaration.
"""

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypedDict, TypeVar, Unpack

T = TypeVar("T")
L = TypeVar("L", list[int], list[float], list[int] | None)
LARGEST = 2**31 - 1  # of a number that says nothing else: above it counts overflow in some library


@dataclass(frozen=True)
class Range:
    """What one number may be. `noun` is given for the entries of a list, such as "a severity"."""

    meaning: str
    unit: str = ""
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    largest: float = LARGEST  # not spoken of until it is exceeded
    noun: str = ""

    def holds(self, value: float) -> bool:
        """Whether a number is in the range."""
        return (
            math.isfinite(value)
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and abs(value) <= self.largest
        )

    @property
    def text(self) -> str:
        """ "above 0 and at most 1", "0 or more", "a number above 0"."""
        low = f"above {self.above:g}" if self.above is not None else ""
        low = f"at least {self.at_least:g}" if self.at_least is not None else low
        high = f"below {self.below:g}" if self.below is not None else ""
        high = f"at most {self.at_most:g}" if self.at_most is not None else high
        if low and high:
            return f"{low} and {high}"
        if self.at_least is not None:
            return f"{self.at_least:g} or more"
        return f"a number {low or high}".strip()

    def sentence(self, value: float) -> str:
        """Why `value`, which is outside, cannot be."""
        if math.isfinite(value) and abs(value) > self.largest:
            return f"it must be at most {self.largest:.0f}: {self._what}"
        if self.noun:
            return f"{value} is not {self.noun}: it must be {self.text}"
        two_sided = " and " in self.text
        return f"it is {self._what}: {self.text}" if two_sided else f"it must be {self.text}: {self._what}"

    @property
    def _what(self) -> str:
        return f"{self.meaning}, in {self.unit}" if self.unit else self.meaning


class Bounds(TypedDict, total=False):
    """The bounds of a `Range`, by its names."""

    at_least: float
    above: float
    at_most: float
    below: float
    largest: float


def number(default: T, meaning: str, unit: str = "", **bounds: Unpack[Bounds]) -> T:
    """A field that holds one number (or null, or a word such as auto, which its type says), with its range."""
    made: T = field(default=default, metadata={"range": Range(meaning, unit, **bounds)})
    return made


def numbers(default: L, noun: str, meaning: str, unit: str = "", **bounds: Unpack[Bounds]) -> L:
    """A field that holds a list of numbers (or null), each in the range; `noun` is what an entry is called."""
    metadata = {"range": Range(meaning, unit, noun=noun, **bounds)}
    made: L = field(default_factory=lambda: copy(default), metadata=metadata)
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
