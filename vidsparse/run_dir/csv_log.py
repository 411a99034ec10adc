"""The CSV tables of a run: whole ones, and logs that grow and are cut back to a step."""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vidsparse.utils import csv_text, files
from vidsparse.utils.machine import rank
from vidsparse.utils.progress import warn

DAMAGED = ".damaged"  # what follows the name of a log that was damaged, and is kept for that reason


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A whole table, atomically, by the first process; the columns are the keys of the first row."""
    if rank() > 0:
        return
    with files.replacing(path, sealed=True) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: csv_text.cell(value) for name, value in row.items()} for row in rows)


_STEP = re.compile(r"[0-9]{1,18}")


def _whole_rows(path: Path, columns: Sequence[str], keep_until: int) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a log up to a step; from the first row on that a full disk or a crash cut short, none.

    Columns that no log of this kind has (of another version, or somebody's own) are kept, after its own. Where more
    than the last line would be lost, the file is kept beside the log, and that is said.
    """
    if not path.exists():
        return list(columns), []
    text = path.read_text(errors="replace").replace("\0", "")
    lines = text[: text.rfind("\n") + 1].splitlines()
    kept: list[dict[str, str]] = []
    reader, names, whole = csv.DictReader(lines), list[str](), 0
    with suppress(csv.Error):  # a cell that is too long
        names = list(reader.fieldnames or ())
        whole = int("step" in names and len(set(names)) == len(names) and reader.line_num == 1)
        for row in reader if whole else ():
            broken = None in row or None in row.values() or not _STEP.fullmatch(row.get("step", ""))
            if broken or reader.line_num > whole + 1:  # a quotation mark without an end swallows lines
                break
            whole = reader.line_num
            if int(row["step"]) <= keep_until:
                kept.append(row)
    if keep_until and len(lines) - whole > 1:
        files.write(path.with_name(path.name + DAMAGED), path.read_bytes())
        warn(f"{path} is damaged in line {whole + 1}: the log goes on without it and what stands below it; the file as "
             f"it was is {path.name}{DAMAGED}")  # fmt: skip
    return [*columns, *(name for name in names if whole and name not in columns)], kept


class CsvLog:
    """A CSV table that grows by rows and can be cut back to a step when a run resumes from a checkpoint.

    Of several processes only the first one writes.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], keep_until: int) -> None:
        """Open for appending; rows whose `step` (the first column) is above `keep_until` are cut off."""
        names = list(columns)
        if rank() == 0:
            files.seal_of(path).unlink(missing_ok=True)  # it grows again
            with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
                names, rows = _whole_rows(path, columns, keep_until)
                writer = csv.DictWriter(file, names)
                writer.writeheader()
                writer.writerows(rows)
        self._file = (path if rank() == 0 else Path(os.devnull)).open("a", newline="")
        self._writer = csv.DictWriter(self._file, names)

    def add(self, **row: Any) -> None:
        """Append one row and hand it to the operating system at once."""
        self._writer.writerow({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()})
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
