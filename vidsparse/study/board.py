"""The live table of a study: where each run is, and its numbers as soon as they are there."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from corruptions.exceptions import CorruptionError
from vidsparse.evaluation import metrics
from vidsparse.evaluation.predictions import load
from vidsparse.run_dir.record import RunRecord, read_record
from vidsparse.study.jobs import STOPPED, last_words
from vidsparse.study.planned_runs import Planned
from vidsparse.utils import files
from vidsparse.utils.errors import RunFolderError, VidsparseError
from vidsparse.utils.progress import console, say

STYLES = {"done": "green", "failed": "bold red", "stopped": "yellow", "waiting": "dim"}


@dataclass
class Row:
    """What the table says of one run; accuracies are shares, `gain` is over the dense run of the same seed."""

    run: Planned
    state: str = "waiting"
    clean: float = math.nan
    robust: float = math.nan
    gain: float = math.nan
    seconds: float = math.nan
    why: str = ""


@dataclass
class Board:
    """Rows in the order of the plan; `update` reads what has changed and, without a terminal, says it in a line."""

    runs: Sequence[Planned]
    logs: Mapping[str, Any]
    rows: dict[str, Row] = field(init=False)
    _live: Live = field(init=False)
    _began: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {run.name: Row(run) for run in self.runs}
        self._live = Live(console=console, refresh_per_second=2, get_renderable=self.table, vertical_overflow="visible")

    def __enter__(self) -> "Board":
        if console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if console.is_terminal:
            self._live.stop()

    def update(self, futures: Mapping[str, "Future[int]"]) -> None:
        """Look at every run that is not at its end."""
        for name, row in self.rows.items():
            if row.state in ("done", "failed", "stopped"):
                continue
            state = self._state(row.run, futures.get(name))
            if state == row.state:
                continue
            row.state = state
            if state == "done":
                self._read(row)
            if state == "failed":
                row.why = last_words(self.logs[name])
            if not console.is_terminal:
                self._tell(row)

    def table(self) -> Table:
        """Every run: its place on the axes, state, accuracies and gain in percent, time."""
        table = Table()
        axes = [axis for axis in ("data", "model") if len({getattr(run, axis) for run in self.runs}) > 1]
        several = len({run.distribution for run in self.runs if run.distribution}) > 1
        variants = any(run.variant for run in self.runs)
        spread = [*(["distribution"] if several else []), *(["variant"] if variants else [])]
        for title in (*axes, "method", "sparsity", *spread, "seed", "state", "clean", "robust", "gain", "time"):
            right = title in ("sparsity", "seed", "clean", "robust", "gain", "time")
            table.add_column(title, justify="right" if right else "left", no_wrap=True)
        for row in self.rows.values():
            run = row.run
            table.add_row(
                *(Text(str(getattr(run, axis))) for axis in axes),
                run.method,
                f"{run.sparsity:g}" if run.sparsity else "",
                *(getattr(run, name) for name in spread),
                str(run.seed),
                Text(row.state, style=STYLES.get(row.state, "")),
                _percent(row.clean),
                _percent(row.robust),
                _points(row.gain),
                _duration(row.seconds),
            )
        return table

    def _state(self, run: Planned, future: "Future[int] | None") -> str:
        if future is None or (future.done() and not future.cancelled() and future.exception() is None):
            code = 0 if future is None else future.result()
            return "stopped" if code in (STOPPED, -2, -15) else "failed" if code else "done"
        if future.cancelled():
            return "stopped"
        if future.done():
            return "failed"
        if not future.running() and run.name not in self._began:
            return "waiting"
        self._began.setdefault(run.name, monotonic())
        if (run.folder / "predictions").exists() or (run.folder / "checkpoints" / "final.safetensors").exists():
            return "evaluating"
        return "training"

    def _read(self, row: Row) -> None:
        record, table = _record(row.run), load(row.run.folder / "predictions.parquet")
        row.clean, row.robust = metrics.clean_accuracy(table), metrics.robustness_accuracy(table)
        row.seconds = sum(record.seconds.values())
        for other in self.rows.values():
            dense = self._dense_of(other.run)
            if dense and other is not dense:
                other.gain = other.robust - dense.robust

    def _dense_of(self, run: Planned) -> Row | None:
        same = (run.data, run.model, run.seed)
        found = (r for r in self.rows.values() if (r.run.data, r.run.model, r.run.seed) == same)
        plain = (row for row in found if row.run.method == "dense" and not row.run.variant)
        return next((row for row in plain if row.state == "done"), None)

    def _tell(self, row: Row) -> None:
        ended = sum(each.state in ("done", "failed", "stopped") for each in self.rows.values())
        said = f": {row.why}" if row.why else ""
        if row.state == "done":
            gain = "" if math.isnan(row.gain) else f", gain {_points(row.gain)}"
            said = f": clean {_percent(row.clean)} %, robust {_percent(row.robust)} %{gain}, {_duration(row.seconds)}"
        say(f"study      {ended}/{len(self.rows)}  {row.run.name} {row.state}{said}")


def finished(runs: Sequence[Planned]) -> set[str]:
    """The names of the runs whose folders hold them, whole; files of weights that many begin with are read once."""
    read: dict[Path, str] = {}
    return {run.name for run in runs if is_finished(run, read)}


def is_finished(run: Planned, read: dict[Path, str] | None = None) -> bool:
    """Whether the run folder holds this run, whole; another config in it is for the run itself to refuse.

    One whose predictions are damaged is not: its own command makes them again. Nor is one that began with weights, or
    with photographs of frost, that cannot be read now or are others: its command says so.
    """
    from vidsparse.config import identity
    from vidsparse.training.build import digests

    record = _record(run)
    if record.finished is None or files.differs(run.folder / "predictions.parquet"):
        return False
    try:
        mine = identity(run.config) | digests(run.config, read)
    except (VidsparseError, CorruptionError):
        return False
    return all(record.identity.get(key) == value for key, value in mine.items())


def _record(run: Planned) -> RunRecord:
    try:
        return read_record(run.folder)
    except RunFolderError:
        return RunRecord()


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.1f}"


def _points(gain: float) -> str:
    return "" if math.isnan(gain) else f"{100 * gain:+.1f}"


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
