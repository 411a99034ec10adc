"""What a caller may set of a sparse-training method, declared once beside its default.

`sparsify(**settings)`, the `sparse` block of a config, their checks and the pages in docs are made from these.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Unpack

from vidsparse.utils.number_range import Bounds, Range


@dataclass(frozen=True)
class Setting:
    """A number of `kind` float or int in the range `allowed`, a name of `choices` (str), or a switch (bool).

    `in_epochs`: it counts optimizer steps, and a config may give it in epochs too, as NAME_epochs. `auto`: a config may
    leave it to the size of the training, and does where it is silent.
    """

    meaning: str
    kind: type = float
    allowed: Range | None = None
    choices: Collection[str] = ()
    in_epochs: bool = False
    auto: bool = False

    @property
    def type(self) -> Any:
        """The type of its field in a config; None there stands for the value of the method's row."""
        return self.kind | Literal["auto"] | None if self.auto else self.kind | None

    @property
    def what(self) -> str:
        """The meaning, with the unit."""
        return self.allowed.what if self.allowed else self.meaning

    def problem(self, value: Any) -> str | None:
        """Why this cannot be a value of it; None where it can."""
        if self.choices:
            return None if value in self.choices else f"it is one of {', '.join(self.choices)}: {self.meaning}"
        if self.allowed is None:
            return None if isinstance(value, bool) else f"it is true or false: {self.meaning}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            return f"it must be a number, {self.allowed.text}: {self.what}"
        if not self.allowed.holds(value):
            return self.allowed.sentence(value)
        return f"it must be a whole number: {self.what}" if self.kind is int and value != int(value) else None


def described(value: Any, meaning: str, unit: str = "", **bounds: Unpack[Bounds]) -> Setting:
    """The declaration of a setting whose default is `value`: a switch, or a number within the bounds.

    >>> described(0.5, "the exponent of |w|", above=0, at_most=4).problem(5)
    'it is the exponent of |w|: above 0 and at most 4'
    """
    kind = type(value)
    return Setting(meaning, kind, None if kind is bool else Range(meaning, unit, **bounds))


def setting(
    value: Any, meaning: str, unit: str = "", in_epochs: bool = False, auto: bool = False, **bounds: Unpack[Bounds]
) -> Any:
    """A field of `Method` that callers may set."""
    made = described(value, meaning, unit, **bounds)
    declared = Setting(made.meaning, made.kind, made.allowed, in_epochs=in_epochs, auto=auto)
    return field(default=value, metadata={"setting": declared})


def choice(value: str, meaning: str, rows: Mapping[str, Any]) -> Any:
    """A field of `Method` that is the name of a row of a table."""
    return field(default=value, metadata={"setting": Setting(meaning, str, choices=rows)})


@dataclass(frozen=True)
class Own:
    """A setting that one row alone has, and its value there. Scores find it in `Candidates.settings[name]`.

    In a config it stands in `sparse.settings`, in `sparsify` beside the others.
    """

    name: str
    value: Any
    declared: Setting
