"""The keys of the `sparse` block that are settings of methods, made from the declarations of `Method`."""

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, TypeVar

from vidsparse.sparsity.method import SETTINGS
from vidsparse.utils.number_range import Range

T = TypeVar("T")


def with_method_settings(after: str) -> Callable[[type[T]], type[T]]:
    """A decorator: give a class a field for every setting of methods, behind its field `after`; null is the row's own.

    To be applied before `dataclass`. A setting in optimizer steps that may be given in epochs has a field for that too.
    """

    def add(owner: type[T]) -> type[T]:
        kinds: dict[str, Any] = {}
        for name, kind in owner.__annotations__.items():
            kinds[name] = kind
            if name == after:
                for setting, type_, metadata in _fields():
                    kinds[setting] = type_
                    setattr(owner, setting, field(default=None, metadata=metadata))
        owner.__annotations__ = kinds
        return owner

    return add


def _fields() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """(name, type, metadata) of each field."""
    for name, declared in SETTINGS.items():
        words = {"meaning": declared.meaning, **({"rows": declared.choices} if declared.choices else {})}
        yield name, declared.type, {"range": declared.allowed} if declared.allowed else words
        if declared.in_epochs:
            yield f"{name}_epochs", float | None, {"range": Range(declared.meaning, "epochs", above=0, largest=10**6)}
