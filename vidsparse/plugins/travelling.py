"""How another process comes to have the plug-ins of this one: they are imported there before what needs them arrives.

A worker may be of another start method, another folder or another machine. What is sent to it is unpickled in order, so
that a `Luggage` in front of it imports what was imported here, and says so where that is not the same there.
"""

from typing import Any

from corruptions import outside


class Luggage:
    """The plug-ins of the process that pickles it, imported by the one that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (tuple(outside.LOADED.values()),)


class Travelling:
    """What is pickled with the plug-ins of its process in front of it."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        reduced: Any = super().__reduce_ex__(protocol)
        make, arguments, *rest = reduced
        return _remade, (Luggage(), make, *arguments), *rest


def _arrived(plugins: tuple[outside.Plugin, ...]) -> Luggage:
    outside.arrive(plugins)
    return Luggage()


def _remade(luggage: Luggage, make: Any, *arguments: Any) -> Any:
    return make(*arguments)
