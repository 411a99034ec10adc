"""Where a run can be watched beside its own files: TensorBoard, Weights & Biases, MLflow; offline unless asked."""

import json
import math
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import time
from types import MappingProxyType
from typing import Any, Final, Protocol

from vidsparse.config import LoggingConfig
from vidsparse.run_dir.folder import TRACKERS, RunFolder
from vidsparse.utils import files, json_text
from vidsparse.utils.errors import first_line, install, some
from vidsparse.utils.machine import rank
from vidsparse.utils.progress import warn


class Dashboard(Protocol):
    """One of them, open for one run."""

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Numbers after an optimizer step."""

    def conclude(self, numbers: Mapping[str, float]) -> None:
        """Numbers of the whole run."""

    def close(self, stopped: bool) -> None:
        """Write what is left; `stopped`: the run ended before its time."""


@dataclass(frozen=True)
class Shown:
    """A run as a dashboard shows it. `known` is the name that the dashboard gave it before, to continue under."""

    folder: RunFolder
    config: LoggingConfig
    start: int  # the step that it continues from
    known: str | None

    @property
    def name(self) -> str:
        """The path of the run below `logging.dir`: runs of a study are told apart."""
        path, root = self.folder.path.resolve(), Path(self.config.dir).resolve()
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name

    @property
    def settings(self) -> dict[str, Any]:
        """What the run is, {dotted key: value}."""
        return dict(self.folder.record.identity)


class TensorBoard:
    """Scalars in `tensorboard/` of the run folder."""

    def __init__(self, shown: Shown) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.id = shown.folder.path.name
        self._writer = SummaryWriter(str(shown.folder.path / "tensorboard"), purge_step=shown.start + 1)

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """One point of each curve."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def conclude(self, numbers: Mapping[str, float]) -> None:
        """One point each, under `result/`."""
        self.log({f"result/{name}": value for name, value in numbers.items()}, 0)

    def close(self, stopped: bool) -> None:
        """Flush and close the event file."""
        self._writer.close()


class WandB:
    """A run of Weights & Biases, in `wandb/` of `logging.dir` until `wandb sync` sends it."""

    def __init__(self, shown: Shown) -> None:
        import wandb

        self.id = shown.known or secrets.token_hex(4)
        where = Path(shown.config.dir)
        where.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=shown.config.project,
            name=shown.name,
            id=self.id,
            resume="allow",
            dir=str(where),
            mode=_wandb_mode(shown.config.online),
            config=shown.settings,
            settings=wandb.Settings(silent=True, console="off", disable_git=True, x_disable_stats=True),
        )

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """One point of each curve."""
        self._run.log(dict(numbers), step=step)

    def conclude(self, numbers: Mapping[str, float]) -> None:
        """The summary of the run."""
        self._run.summary.update(dict(numbers))

    def close(self, stopped: bool) -> None:
        """Write what is left and end the process beside us."""
        self._run.finish(exit_code=int(stopped))


class MLflow:
    """A run of MLflow, in the file store `mlruns/` of `logging.dir`; online at MLFLOW_TRACKING_URI."""

    def __init__(self, shown: Shown) -> None:
        for name, value in (("MAX_RETRIES", "2"), ("TIMEOUT", "20")):  # a server that is away must not stop a training
            os.environ.setdefault(f"MLFLOW_HTTP_REQUEST_{name}", value)
        from mlflow import MlflowClient

        if not shown.config.online:
            os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # MLflow would rather have a database; files merge and move
        store = os.environ["MLFLOW_TRACKING_URI"] if shown.config.online else _file_store(shown.config.dir)
        self._client = MlflowClient(tracking_uri=store)
        project = shown.config.project
        found = self._client.get_experiment_by_name(project)
        experiment = found.experiment_id if found else self._client.create_experiment(project)
        self.id = shown.known or self._begin(experiment, shown)
        self._client.set_terminated(self.id, "RUNNING")

    def _begin(self, experiment: str, shown: Shown) -> str:
        made: str = self._client.create_run(experiment, run_name=shown.name).info.run_id
        for key, value in shown.settings.items():
            self._client.log_param(made, _mlflow_name(key), str(value)[:500])
        return made

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """One point of each curve."""
        from mlflow.entities import Metric

        at = int(time() * 1000)
        self._client.log_batch(
            self.id, [Metric(_mlflow_name(name), value, at, step) for name, value in numbers.items()]
        )

    def conclude(self, numbers: Mapping[str, float]) -> None:
        """One value each, under `result/`."""
        self.log({f"result/{name}": value for name, value in numbers.items()}, 0)
        self._client.set_terminated(self.id)

    def close(self, stopped: bool) -> None:
        """Say that the run was stopped; it is finished with its results, and runs until then."""
        if stopped:
            self._client.set_terminated(self.id, "KILLED")


@dataclass(frozen=True)
class Row:
    """One kind of dashboard: what opens it, its package, and the extra of ours that brings it."""

    opens: Callable[[Shown], Any]
    package: str
    extra: str
    installs: str


DASHBOARDS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "tensorboard": Row(TensorBoard, "tensorboard", "tensorboard", "tensorboard"),
        "wandb": Row(WandB, "wandb", "wandb", "wandb"),
        "mlflow": Row(MLflow, "mlflow", "mlflow", "mlflow-skinny"),
    }
)


class Dashboards:
    """Those of one run, together. One that fails is said once and left out: none of them stops a run."""

    def __init__(self, folder: RunFolder, config: LoggingConfig, start: int = 0) -> None:
        """`start`: the step that the run continues from. Of several processes only the first one shows anything."""
        self._open: dict[str, Dashboard] = {}
        ids = _read_ids(folder.path)
        for name in wanted(config) if rank() == 0 else ():
            shown = Shown(folder, config, start, ids.get(name))
            made = self._guarded(name, DASHBOARDS[name].opens, shown)
            if made is not None:
                self._open[name], ids[name] = made, made.id
        if kept := {name: each for name, each in ids.items() if name != "tensorboard"}:
            files.write(folder.path / TRACKERS, json.dumps(kept))

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Numbers after an optimizer step, those of them that are numbers."""
        for name, board in tuple(self._open.items()):
            self._guarded(name, board.log, _finite(numbers), step)

    def conclude(self, numbers: Mapping[str, float]) -> None:
        """Numbers of the whole run."""
        for name, board in tuple(self._open.items()):
            self._guarded(name, board.conclude, _finite(numbers))

    def close(self, stopped: bool = False) -> None:
        """Write what is left; `stopped`: the run ended before its time, by a person or an error."""
        for name, board in tuple(self._open.items()):
            self._guarded(name, board.close, stopped)
        self._open = {}

    def _guarded(self, name: str, call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except Exception as error:  # an optional package may be broken in any way
            self._open.pop(name, None)
            said = f"{type(error).__name__}: {first_line(error)}"
            warn(f"{name} cannot be used here ({said}); metrics.csv and the report have the same numbers")
            return None


def wanted(config: LoggingConfig) -> tuple[str, ...]:
    """The names of the dashboards that are asked for; TensorBoard is one by itself where it is installed."""
    board = ("tensorboard",) if config.tensorboard and find_spec("tensorboard") is not None else ()
    return tuple(dict.fromkeys((*board, *config.trackers)))


def problem(config: LoggingConfig) -> tuple[str, str] | None:
    """What is wrong with the trackers that a config names: (key, sentence); None where nothing is."""
    for name in config.trackers:
        if name not in DASHBOARDS:
            return "logging.trackers", f"there is no {name}; there are {some(list(DASHBOARDS))}"
        row = DASHBOARDS[name]
        if find_spec(row.package) is None:
            return "logging.trackers", f"{name} is not installed: {install(row.extra, row.installs)}"
    if config.online and "mlflow" in config.trackers and not os.environ.get("MLFLOW_TRACKING_URI"):
        return "logging.online", "MLflow is told where its server is by the environment variable MLFLOW_TRACKING_URI"
    return None


def _read_ids(folder: Path) -> dict[str, str]:
    """{dashboard: the name that it gave the run}; none where the file is absent or holds something else."""
    try:
        said = json_text.parsed((folder / TRACKERS).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(each) for name, each in said.items()} if isinstance(said, dict) else {}


def _finite(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}


def _wandb_mode(online: bool) -> Any:
    return os.environ.get("WANDB_MODE", "online") if online else "offline"


def _file_store(logs: str) -> str:
    return (Path(logs).resolve() / "mlruns").as_uri()


def _mlflow_name(name: str) -> str:
    """The name without what MLflow does not take in one."""
    return "".join(letter if letter.isalnum() or letter in "_-./ " else "_" for letter in name)
