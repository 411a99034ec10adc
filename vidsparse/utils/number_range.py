"""What one number may be, with its meaning and its unit; the sentence of an error is made from that."""

import math
from dataclasses import dataclass
from typing import TypedDict

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
            _is_finite(value)
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
        if value > self.largest and _is_finite(value):
            return f"it must be at most {_shown(self.largest)}: {self.what}"
        if value < -self.largest and _is_finite(value) and self.at_least is None and self.above is None:
            return f"it must be at least {_shown(-self.largest)}: {self.what}"
        if self.noun:
            return f"{value} is not {self.noun}: it must be {self.text}"
        two_sided = " and " in self.text
        return f"it is {self.what}: {self.text}" if two_sided else f"it must be {self.text}: {self.what}"

    @property
    def what(self) -> str:
        """The meaning, with the unit."""
        return f"{self.meaning}, in {self.unit}" if self.unit else self.meaning


def _is_finite(value: float) -> bool:
    """Whether it is a number; also for whole ones that no float can hold."""
    return isinstance(value, int) or math.isfinite(value)


def _shown(bound: float) -> str:
    """All digits of a whole number, which a float may not hold."""
    return str(bound) if isinstance(bound, int) else f"{bound:.0f}"


class Bounds(TypedDict, total=False):
    """The bounds of a `Range`, by its names."""

    at_least: float
    above: float
    at_most: float
    below: float
    largest: float
