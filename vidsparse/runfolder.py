"""`runs/<name>/`: a folder that belongs to one resolved config and one data fingerprint."""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

from vidsparse import failures, files
from vidsparse.config import Config, identity, to_yaml
from vidsparse.errors import RunFolderError
from vidsparse.machine import rank

Facts = dict[str, Any]


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
        ours = (self.path / "run.json").exists()
        if fresh and ours:
            files.remove(self.path)
        self.facts = read_facts(self.path)
        mine = {**identity(config), "data fingerprint": fingerprint, **(weights or {})}
        if self.facts and self.begun:
            self._check_same(mine)
        elif not self.facts and self.path.is_dir() and any(not p.name.startswith(".") for p in self.path.iterdir()):
            raise RunFolderError(f"{self.path} is not empty and not a run of vidsparse; choose another name=...")
        if not self.begun:
            self.facts = {}  # what an attempt that came to nothing said of itself, with other settings perhaps
        files.sweep(self.path)
        self.update(identity=mine)
        files.write(self.path / "config.yaml", to_yaml(config))

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
    with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_facts(path: Path) -> Facts:
    """The facts of the run in a folder; empty where there is none."""
    try:
        facts = json.loads((path / "run.json").read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        failures.check(error, path / "run.json")
        raise RunFolderError(f"{path / 'run.json'} cannot be read: {error}; put --fresh to start over") from error
    if not isinstance(facts, dict):
        raise RunFolderError(f"{path / 'run.json'} holds no facts of a run; put --fresh to start over")
    return facts


class CsvLog:
    """A CSV table that grows by rows and can be cut back to a step when a run resumes from a checkpoint.

    Of several processes only the first one writes.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], keep_until: int) -> None:
        """Open for appending; rows whose `step` (the first column) is above `keep_until` are cut off."""
        if rank() == 0:
            rows = list(csv.DictReader(path.open(newline=""))) if path.exists() else []
            with files.replacing(path) as temporary, temporary.open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(row for row in rows if int(row["step"]) <= keep_until)
        self._file = (path if rank() == 0 else Path(os.devnull)).open("a", newline="")
        self._writer = csv.DictWriter(self._file, columns)

    def add(self, **row: Any) -> None:
        """Append one row and hand it to the operating system at once."""
        self._writer.writerow({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()})
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
