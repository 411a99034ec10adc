"""How another process comes to have the plug-ins of this one: they are imported there before what needs them arrives.

A worker may be of another start method, another folder or another machine. What is sent to it is unpickled in order, so
that a `Luggage` in front of it imports what was imported here, and says so where that is not the same there.
"""

import pickle
import threading
from typing import Any

from corruptions import outside
from vidsparse.utils.errors import ConfigError

_packing = threading.local()


class Luggage:
    """The plug-ins of the process that pickles it, imported by the one that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (tuple(outside.LOADED.values()),)


class Travelling:
    """What is pickled with the plug-ins of its process in front of it.

    Where they cannot be imported an `Unusable` arrives in its place: the worker lives, and the first use says why.
    """

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        reduced: Any = super().__reduce_ex__(protocol)
        if not outside.LOADED or getattr(_packing, "now", False):
            return reduced  # type: ignore[no-any-return]
        _packing.now = True
        try:
            return _opened, (tuple(outside.LOADED.values()), pickle.dumps(self))
        finally:
            _packing.now = False


class Unusable:
    """What needs a plug-in that cannot be imported in this process: every use of it is the ConfigError that says so."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        raise ConfigError(f"a worker: {self._why}")

    def __getitem__(self, place: object) -> Any:
        raise ConfigError(f"a worker: {self._why}")

    def __iter__(self) -> Any:
        raise ConfigError(f"a worker: {self._why}")


def _arrived(plugins: tuple[outside.Plugin, ...]) -> Luggage:
    outside.arrive(plugins)
    return Luggage()


def _opened(plugins: tuple[outside.Plugin, ...], packed: bytes) -> Any:
    try:
        outside.arrive(plugins)
    except outside.PluginError as error:
        return Unusable(str(error))
    return pickle.loads(packed)
