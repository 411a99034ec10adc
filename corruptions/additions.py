"""`corruptions.register`: corruptions and suites of your own, by name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from corruptions.exceptions import CorruptionError
from corruptions.open_table import caller
from corruptions.registry import ROWS
from corruptions.row import Corruption, Table
from corruptions.suites import SUITE_ROWS, Suite

F = TypeVar("F", bound=Callable[..., Any])


def register(row: Corruption | Suite, function: F | None = None, table: Table | None = None) -> Any:
    """Add a corruption, its record with function and severity table, or a suite, to those that are known by name.

    row         the record; `function` and `levels` may stand in it, or be given beside it
    function    what carries it out, see `Corruption`; without one this is a decorator of the function
    table       five levels, each a tuple of parameters, for the profile that is the record's home

    Returns the row, or the function where it decorates one. In a plug-in of vidsparse every process has it; else this
    process alone. Raises CorruptionError where the name is taken or the record cannot be.

    >>> dim = Corruption("dim", "photometric", "frame", False, "mine", "nobody")
    >>> def darker(frames, level, scene): frames[:] = frames * level[0]
    >>> register(dim, darker, ((0.9,), (0.7,), (0.5,), (0.3,), (0.1,))).tables
    ('mine',)
    """
    module = caller()
    if isinstance(row, Suite):
        return SUITE_ROWS.add(row.name, row, module=module)
    if not isinstance(row, Corruption):
        raise CorruptionError(f"register: a {type(row).__name__} is no Corruption and no Suite")
    if table is not None:
        row = replace(row, levels={**row.levels, row.home: table})
    if function is not None:
        row = replace(row, function=function)
    if row.function is not None:
        return ROWS.add(row.name, row, module=module)

    def decorated(given: F) -> F:
        ROWS.add(row.name, replace(row, function=given), module=module)
        return given

    return decorated
