"""`runs/<name>/`: a folder that belongs to one resolved config and one data fingerprint."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from vidsparse.config import Config, identity, to_yaml
from vidsparse.run_dir.csv_log import DAMAGED
from vidsparse.run_dir.record import DRAWS, FILE, VERSION, RunRecord, read_record
from vidsparse.utils import files, locks
from vidsparse.utils.errors import RunFolderError
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.machine import rank
from vidsparse.utils.progress import warn

TRACKERS = "trackers.json"  # under which names dashboards know the run
_FILES = {
    TRACKERS,
    *(f"{log}{DAMAGED}" for log in ("metrics.csv", "topology.csv", "structure.csv")),
    *(
        "config.yaml",
        "run.json",
        "report.html",
        "results.json",
        "metrics.csv",
        "topology.csv",
        "layers.csv",
        "structure.csv",
    ),
    *("predictions", "predictions.parquet", "predictions.csv", "gallery.parquet", "frames.npz", "overlays.npz"),
    *("checkpoints", "figures", "tables", "analysis", "tensorboard"),
}


class RunFolder:
    """The files of one run. `record` is what run.json says: what was run, on what, how far it came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = RunRecord()

    @classmethod
    def existing(cls, path: Path) -> "RunFolder":
        """The run in a folder, as it is."""
        folder = cls(path)
        folder.record = read_record(path)
        return folder

    @property
    def finished(self) -> bool:
        """True when training and evaluation are done."""
        return self.record.finished is not None

    @property
    def begun(self) -> bool:
        """True when there is something to lose: a checkpoint, weights or predictions."""
        return any((self.path / name).exists() for name in ("checkpoints", "predictions", "predictions.parquet"))

    def claim(
        self, config: Config, fingerprint: str, fresh: bool = False, weights: Mapping[str, str] | None = None
    ) -> None:
        """Make the folder this experiment's own, or continue the one that it already holds.

        `weights`: {config key: SHA-256} of the weights that it begins with.

        Raises:
            RunFolderError: it holds another experiment or other data; the message names what differs and both ways on.
        """
        if self._is_run() and (fresh or read_record(self.path).removing):
            self._clear()
        self.record = RunRecord() if fresh else read_record(self.path)
        known = self.record != RunRecord()
        mine = {**identity(config), "data fingerprint": fingerprint, **(weights or {})}
        if known and self.begun:
            self._check_same(mine)
        elif not known and not self._is_run():
            raise RunFolderError(f"{self.path} is not empty and not a run of vidsparse; choose another name=...")
        elif not known and self.begun:
            raise RunFolderError(
                f"{self.path} has lost its run.json, and with it what it is; put --fresh to start over"
            )
        if not self.begun:
            # what an attempt that came to nothing said of itself, with other settings perhaps, is forgotten
            self.record = RunRecord(draws=DRAWS)
        files.sweep(self.path)
        self.write(replace(self.record, identity=mine))
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
        return FILE in found or found <= _FILES

    def _clear(self) -> None:
        """Empty the folder, but for its lock; one that is killed in between is emptied by the next start."""
        if not self.path.is_dir():
            return
        files.write(self.path / FILE, RunRecord(removing=True).to_json())
        for path in sorted(self.path.iterdir()):
            if path.name != FILE and not path.name.endswith(locks.NAME):
                files.remove(path)

    def write(self, record: RunRecord) -> None:
        """Take `record` and write it into run.json, atomically; of several processes only the first one writes."""
        self.record = replace(record, version=VERSION)
        if rank() == 0:
            files.write(self.path / FILE, self.record.to_json())

    @contextmanager
    def timed(self, stage: str) -> Iterator[Callable[[], None]]:
        """Add the time of the body to `seconds` of this stage, over all sessions.

        What it gives is to be called whenever work is saved: a kill then costs the time since, as it costs the work.
        """
        before, started = self.record.seconds.get(stage, 0.0), monotonic()

        def keep() -> None:
            spent = {**self.record.seconds, stage: before + monotonic() - started}
            self.write(replace(self.record, seconds=spent))

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
        self.write(replace(self.record, finished=None))
        for path in bad:
            warn(f"{path} is damaged or gone; it is made again")
            files.remove(path)
        return True

    def _check_same(self, mine: Mapping[str, Any]) -> None:
        theirs = self.record.identity
        differ = [key for key in {**theirs, **mine} if theirs.get(key) != mine.get(key)]
        if differ:
            said = ", ".join(f"{key} (was {theirs.get(key)}, now {mine.get(key)})" for key in differ[:4])
            more = f" and {len(differ) - 4} more" if len(differ) > 4 else ""
            raise RunFolderError(
                f"{self.path} holds a run with other settings: {said}{more}; "
                "call this one name=SOMETHING, or put --fresh to replace the old one"
            )
