"""A config is never changed: a new one is made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

B = TypeVar("B")


def changed(block: B, values: Mapping[str, Any]) -> B:
    """The config, or one block of it, with other values of some dotted keys; the one given stays as it is.

    >>> from vidsparse.config import Config
    >>> changed(Config(), {"data.size": 56, "training.optimizer.lr": 0.1}).training.optimizer.lr
    0.1
    """
    here: dict[str, Any] = {}
    below: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        name, _, rest = key.partition(".")
        if rest:
            below.setdefault(name, {})[rest] = value
        else:
            here[name] = value
    for name, inner in below.items():
        here[name] = changed(here.get(name, getattr(block, name)), inner)
    return replace(block, **here)  # type: ignore[type-var]  # a block is a dataclass
