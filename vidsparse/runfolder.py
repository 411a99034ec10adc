"""`runs/<name>/`: a folder that belongs to one resolved config and one data fingerprint."""

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from vidsparse.config import Config, identity, to_yaml
from vidsparse.utils import csv_text, failures, files, json_text, locks
from vidsparse.utils.errors import RunFolderError
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.machine import rank
from vidsparse.utils.progress import warn

Facts = dict[str, Any]
_REMOVING = "removing"  # run.json of a folder that --fresh is emptying
_DAMAGED = ".damaged"  # what follows the name of a log that was damaged, and is kept for that reason
_FILES = {
    *(f"{log}{_DAMAGED}" for log in ("metrics.csv", "topology.csv", "structure.csv")),
    *("config.yaml", "run.json", "report.html", "metrics.csv", "topology.csv", "layers.csv", "structure.csv"),
    *("predictions", "predictions.parquet", "predictions.csv", "gallery.parquet", "frames.npz", "overlays.npz"),
    *("checkpoints", "figures", "tables", "analysis", "tensorboard"),
}


class RunFolder:
    """The files of one run. `facts` are those of run.json: what was run, on what, how far it came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: Facts = {}

    @classmethod
    def existing(cls, path: Path) -> "RunFolder":
        """The run in a folder, as it is."""
        folder = cls(path)
        folder.facts = read_facts(path)
        return folder

    @property
    def finished(self) -> bool:
        """True when training and evaluation are done."""
        return bool(self.facts.get("finished"))

    @property
    def begun(self) -> bool:
        """True when there is something to lose: a checkpoint, weights or predictions."""
        return any((self.path / name).exists() for name in ("checkpoints", "predictions", "predictions.parquet"))

    def claim(self, config: Config, fingerprint: str, fresh: bool = False, weights: Facts | None = None) -> None:
        """Make the folder this experiment's own, or continue the one that it already holds.

        `weights`: {config key: SHA-256} of the weights that it begins with.

        Raises:
            RunFolderError: it holds another experiment or other data; the message names what differs and both ways on.
        """
        if self._is_run() and (fresh or read_facts(self.path).get(_REMOVING)):
            self._clear()
        self.facts = {} if fresh else read_facts(self.path)
        mine = {**identity(config), "data fingerprint": fingerprint, **(weights or {})}
        if self.facts and self.begun:
            self._check_same(mine)
        elif not self.facts and not self._is_run():
            raise RunFolderError(f"{self.path} is not empty and not a run of vidsparse; choose another name=...")
        elif not self.facts and self.begun:
            raise RunFolderError(
                f"{self.path} has lost its run.json, and with it what it is; put --fresh to start over"
            )
        if not self.begun:
            self.facts = {}  # what an attempt that came to nothing said of itself, with other settings perhaps
        files.sweep(self.path)
        self.update(identity=mine)
        files.write(self.path / "config.yaml", to_yaml(config))

    @contextmanager
    def owned(self, wait: bool = False) -> Iterator[None]:
        """While the body runs no other process works in the folder; `wait` until one that does so ends.

        Raises locks.Locked, naming the owner, where one does and `wait` is false.
        """
        lock, stop = self.path / locks.NAME, Stop()
        with stop if wait else nullcontext(), locks.held(lock, str(self.path), wait, lambda: stop.wanted):
            yield
        with suppress(OSError):  # refused before anything was made
            self.path.rmdir()

    def _is_run(self) -> bool:
        """Whether all that is in the folder is ours: also what a process left that ended in the middle of a claim."""
        if not self.path.is_dir():
            return not self.path.exists()
        found = {path.name for path in self.path.iterdir() if not path.name.startswith(".")}
        return "run.json" in found or found <= _FILES

    def _clear(self) -> None:
        """Empty the folder, but for its lock; one that is killed in between is emptied by the next start."""
        if not self.path.is_dir():
            return
        files.write(self.path / "run.json", json.dumps({_REMOVING: True}))
        for path in sorted(self.path.iterdir()):
            if path.name != "run.json" and not path.name.endswith(locks.NAME):
                files.remove(path)

    def update(self, **facts: Any) -> None:
        """Merge facts into run.json, atomically; of several processes only the first one writes."""
        self.facts |= facts
        if rank() > 0:
            return
        files.write(self.path / "run.json", json.dumps(self.facts, indent=1) + "\n")

    @contextmanager
    def timed(self, stage: str) -> Iterator[Callable[[], None]]:
        """Add the time of the body to `seconds` of this stage, over all sessions.

        What it gives is to be called whenever work is saved: a kill then costs the time since, as it costs the work.
        """
        before, started = self.facts.get("seconds", {}).get(stage, 0.0), monotonic()

        def keep() -> None:
            self.update(seconds={**self.facts.get("seconds", {}), stage: before + monotonic() - started})

        try:
            yield keep
        finally:
            keep()

    def remove_damaged(self, trains: bool) -> bool:
        """Whether a file of a finished run is not what was written; it is said and removed, to be made again.

        RunFolderError where nothing is left to make it from: weights without a checkpoint, predictions without weights.
        """
        final, table = self.path / "checkpoints" / "final.safetensors", self.path / "predictions.parquet"
        kept = [self.path / name for name in ("frames.npz", "gallery.parquet", "overlays.npz")]
        kept += sorted(path for path in (self.path / "analysis").glob("*") if path.suffix != files.SEAL)
        bad = [path for path in (final, table, *kept) if files.differs(path)] + ([] if table.exists() else [table])
        if not bad:
            return False
        if trains and (final in bad or not final.exists()) and not any(final.parent.glob("step-*")):
            raise RunFolderError(
                f"{bad[0]} is damaged or gone, and there is no checkpoint to make it from; put back a whole copy, or "
                "train again with --fresh"
            )
        self.update(finished=None)
        for path in bad:
            warn(f"{path} is damaged or gone; it is made again")
            files.remove(path)
        return True

    def _check_same(self, mine: Mapping[str, Any]) -> None:
        theirs = self.facts.get("identity", {})
        differ = [key for key in {**theirs, **mine} if theirs.get(key) != mine.get(key)]
        if differ:
            said = ", ".join(f"{key} (was {theirs.get(key)}, now {mine.get(key)})" for key in differ[:4])
            more = f" and {len(differ) - 4} more" if len(differ) > 4 else ""
            raise RunFolderError(
                f"{self.path} holds a run with other settings: {said}{more}; "
                "call this one name=SOMETHING, or put --fresh to replace the old one"
            )


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A whole table, atomically, by the first process; the columns are the keys of the first row."""
    if rank() > 0:
        return
    with files.replacing(path, sealed=True) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: csv_text.cell(value) for name, value in row.items()} for row in rows)


_STEP = re.compile(r"[0-9]{1,18}")


def read_facts(path: Path) -> Facts:
    """The facts of the run in a folder; empty where there is none."""
    try:
        facts = json_text.parsed((path / "run.json").read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        failures.check(error, path / "run.json")
        raise RunFolderError(f"{path / 'run.json'} cannot be read: {error}; put --fresh to start over") from error
    if not isinstance(facts, dict):
        raise RunFolderError(f"{path / 'run.json'} holds no facts of a run; put --fresh to start over")
    return facts


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
        files.write(path.with_name(path.name + _DAMAGED), path.read_bytes())
        warn(f"{path} is damaged in line {whole + 1}: the log goes on without it and what stands below it; the file as "
             f"it was is {path.name}{_DAMAGED}")  # fmt: skip
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
