"""A table of rows by name that takes more of them: every registry of corruptions and of vidsparse is one.

Shipped rows and those of others come through the same door, `add`. Where a name is wanted, `module:attribute` is one
too. Each row that was not shipped knows the module that brought it.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from corruptions.exceptions import short, suggestion
from corruptions.outside import (
    ON_DROP,
    PluginError,
    attribute,
    importing,
    is_main,
    is_reference,
    load_entry_points,
)

Row = TypeVar("Row")
_ABSENT = object()


class OpenTable(dict[str, Row], Generic[Row]):
    """{name: row} in the order in which they were added.

    `kind` is what a row is called in a sentence, `listed` where all of them are listed, `error` what is raised, and
    `made` makes a row of (name, thing) that somebody gives: it returns the row, or raises `error`.
    """

    def __init__(
        self, kind: str, listed: str, error: type[Exception], made: Callable[[str, Any], Row], rows: Mapping[str, Row]
    ) -> None:
        super().__init__()
        self.kind, self.listed, self.error, self._made = kind, listed, error, made
        self._module: dict[str, str] = {}  # of each row that was not shipped
        self._referred: dict[str, Row] = {}  # what `module:attribute` stood for
        for name, row in rows.items():
            self.add(name, row, shipped=True)
        ON_DROP.append(self.forget)

    def add(self, name: str, thing: Any, shipped: bool = False, module: str = "") -> Row:
        """Add a row, or what makes one; returns the row. Raises `error` where there is one of that name."""
        if not name or set(name) & set(":/") or not name.isprintable():
            raise self.error(f"{short(name)} cannot be the name of a {self.kind}: letters, digits, _ and - do")
        by_main = self._module.get(name) in ("__main__", "__mp_main__")  # the script, here and in its processes
        if dict.__contains__(self, name) and not (by_main and is_main(importing())):
            by = f", of {self._module[name]}" if name in self._module else ""
            raise self.error(f"there is a {self.kind} called {name} already{by}; give yours another name")
        row = self._made(name, thing)
        self[name] = row
        if not shipped:
            self._module[name] = importing() or module
        return row

    def find(self, thing: "str | Row") -> Row:
        """The row of this name, or what is given itself where it is no name. Raises `error` for an unknown name."""
        if not isinstance(thing, str):
            return self._made("", thing)
        if thing not in self:
            raise self.error(f"unknown {self.kind} {short(thing)}: {self.hint(thing)}")
        return self[thing]

    def hint(self, name: object) -> str:
        """What to say of a name that is not in the table."""
        if is_reference(name):
            try:
                self._refer(str(name))
            except (PluginError, self.error) as error:
                return str(error)
        failed = "".join(f"; {why}" for why in load_entry_points().values())
        return suggestion(name, dict.keys(self), self.listed) + failed

    def module_of(self, name: str) -> str:
        """The package that brought a row; empty for those that were shipped."""
        if dict.__contains__(self, name):
            return self._module.get(name, "")
        return name.partition(":")[0].partition(".")[0] if name in self else ""

    def forget(self, module: str) -> None:
        """Take out the rows of a module."""
        for name in [name for name, brought in self._module.items() if brought == module]:
            self.pop(name, None)
            del self._module[name]
        for name in [name for name in self._referred if name.partition(":")[0].partition(".")[0] == module]:
            del self._referred[name]

    def __missing__(self, name: str) -> Row:
        if is_reference(name):
            return self._refer(name)
        load_entry_points()
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        if not isinstance(name, str):
            return False
        return self.get(name, _ABSENT) is not _ABSENT

    def get(self, name: str, default: Any = None) -> Any:
        """The row of this name, or `default`."""
        try:
            return self[name]
        except (KeyError, PluginError, self.error):
            return default

    def _refer(self, name: str) -> Row:
        if name not in self._referred:
            self._referred[name] = self._made(name, attribute(name))
        return self._referred[name]


def caller(depth: int = 2) -> str:
    """The top package of the module that called the function that calls this."""
    return str(sys._getframe(depth).f_globals.get("__name__", "")).partition(".")[0]
