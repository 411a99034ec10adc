"""Units of an evaluation that are at work: their rows, kept from time to time, so that a kill costs a minute."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pyarrow as pa

from vidsparse.evaluation import predictions
from vidsparse.evaluation.predictions import Owner
from vidsparse.utils import files
from vidsparse.utils.errors import DamagedFile

_EVERY_S = 60.0  # seconds between two times that a unit is kept


class OpenUnits:
    """The rows of units by number; cells come in their order. A unit whose cells are all there becomes its part.

    Until then what there is of it lies beside its part (`unit-00000.begun`), whose rows are those of its first cells.
    """

    def __init__(self, parts: Mapping[int, Path], owners: Mapping[int, Owner], schema: pa.Schema) -> None:
        """`parts`: the files of the units to do; what was begun of them before is taken up."""
        self._parts, self._owners = parts, owners
        self._rows: dict[int, list[pa.Table]] = {}
        self._kept_at = dict.fromkeys(parts, monotonic())
        self.cells: dict[int, int] = {}
        for number in parts:
            self._take_up(number, schema)

    def add(self, unit: int, rows: pa.Table) -> None:
        """Take the rows of the next cell of a unit."""
        self._rows.setdefault(unit, []).append(rows)
        self.cells[unit] = self.cells.get(unit, 0) + 1
        if self.cells[unit] == len(self._owners[unit].cells):
            predictions.save(self._parts[unit], self._rows.pop(unit), self._owners[unit].run)
            files.remove(_begun(self._parts[unit]))
        elif monotonic() - self._kept_at[unit] > _EVERY_S:
            self._keep(unit)

    def keep(self) -> None:
        """Keep what there is of every unit that is not done."""
        for unit in self._rows:
            self._keep(unit)

    def _keep(self, unit: int) -> None:
        predictions.save(_begun(self._parts[unit]), self._rows[unit], self._owners[unit].run)
        self._kept_at[unit] = monotonic()

    def _take_up(self, unit: int, schema: pa.Schema) -> None:
        path, owner = _begun(self._parts[unit]), self._owners[unit]
        if not path.exists():
            return
        count = _cells_of(path)
        if predictions.is_whole(path, schema, replace(owner, cells=owner.cells[:count])):
            self._rows[unit], self.cells[unit] = [predictions.read_part(path, schema)], count


def _begun(part: Path) -> Path:
    return part.with_suffix(".begun")


def _cells_of(path: Path) -> int:
    """How many cells a begun table has rows of; 0 where it cannot be read, which `is_whole` says."""
    try:
        table = predictions.read_part(path).select(["corruption", "profile", "severity"]).to_pandas()
    except (DamagedFile, KeyError):
        return 0
    return len(table.astype({"corruption": str, "profile": str}).drop_duplicates())
