"""A run is shown on other people's dashboards, offline unless asked, and none of them can stop it."""

import json
import math
import sys
from contextlib import suppress
from pathlib import Path
from time import sleep
from types import ModuleType
from typing import ClassVar

import pytest

from vidsparse.config import LoggingConfig
from vidsparse.config.change import changed
from vidsparse.experiment import run
from vidsparse.loading import load_config
from vidsparse.run_dir import dashboards
from vidsparse.run_dir.dashboards import DASHBOARDS, Dashboards, Row
from vidsparse.run_dir.folder import TRACKERS, RunFolder
from vidsparse.training.tracker import Tracker
from vidsparse.utils.errors import ConfigError


class Recording:
    """A dashboard that remembers; it fails at `conclude` where asked."""

    made: ClassVar["list[Recording]"] = []
    breaks: ClassVar[bool] = False

    def __init__(self, shown):
        self.id, self.shown, self.points, self.summary, self.closed = shown.known or "first", shown, [], {}, False
        Recording.made.append(self)

    def log(self, numbers, step):
        self.points.append((step, dict(numbers)))

    def conclude(self, numbers):
        if Recording.breaks:
            raise ConnectionError("the server is away")
        self.summary = dict(numbers)

    def close(self, stopped):
        self.closed, self.stopped = True, stopped


@pytest.fixture
def recording(monkeypatch):
    monkeypatch.setattr(dashboards, "DASHBOARDS", {**DASHBOARDS, "wandb": Row(Recording, "json", "wandb", "wandb")})
    monkeypatch.setattr(Recording, "made", [])
    monkeypatch.setattr(Recording, "breaks", False)
    return Recording


ASKED = LoggingConfig(tensorboard=False, trackers=["wandb"])


def test_a_run_keeps_the_name_that_a_dashboard_gave_it(recording, tmp_path):
    for _ in range(2):
        boards = Dashboards(RunFolder(tmp_path), ASKED)
        boards.log({"loss": 2.0, "val_accuracy": math.nan}, 3)
        boards.close()
    first, second = recording.made
    assert (first.shown.known, second.shown.known) == (None, "first")
    assert first.points == [(3, {"loss": 2.0})]
    assert first.closed
    assert json.loads((tmp_path / TRACKERS).read_text()) == {"wandb": "first"}


def test_a_training_that_is_stopped_is_shown_as_stopped(recording, tmp_path):
    for error in (KeyboardInterrupt, None):
        with suppress(KeyboardInterrupt), Tracker(RunFolder(tmp_path), ASKED, 1, 0):
            if error:
                raise error
    assert [board.stopped for board in recording.made] == [True, False]


@pytest.mark.parametrize("text", ["", "[1]", "{", "null"])
def test_a_damaged_list_of_names_begins_anew(recording, tmp_path, text):
    (tmp_path / TRACKERS).write_text(text)
    Dashboards(RunFolder(tmp_path), ASKED).close()
    assert recording.made[0].shown.known is None


def test_one_that_fails_is_said_once_and_left_out(recording, tmp_path, capsys):
    recording.breaks = True
    boards = Dashboards(RunFolder(tmp_path), ASKED)
    boards.conclude({"clean": 0.5})
    boards.log({"loss": 1.0}, 9)
    boards.close()
    assert capsys.readouterr().out.count("wandb cannot be used here") == 1
    assert recording.made[0].points == []


def test_a_run_of_a_study_is_named_by_its_path(tmp_path):
    shown = dashboards.Shown(RunFolder(tmp_path / "study" / "set-0"), LoggingConfig(dir=str(tmp_path)), 0, None)
    assert shown.name == "study/set-0"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["logging.trackers=[comet]"], "there is no comet"),
        (["logging.trackers=[absent]"], r"absent is not installed: pip install"),
        (["logging.trackers=[wandb]", "logging.online=true"], None),
        (["logging.trackers=[mlflow]", "logging.online=true"], "MLFLOW_TRACKING_URI"),
    ],
)
def test_a_tracker_that_cannot_be_had_is_refused_before_the_run(settings, said, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    there = {name: Row(row.opens, "json", name, name) for name, row in DASHBOARDS.items()}
    absent = Row(Recording, "no_such_package_at_all", "absent", "absent")
    monkeypatch.setattr(dashboards, "DASHBOARDS", {**there, "absent": absent})
    if said is None:
        load_config("ucf101_rigl", settings)
        return
    with pytest.raises(ConfigError, match=said):
        load_config("ucf101_rigl", settings)


def test_trackers_are_no_part_of_what_a_run_is():
    from vidsparse.config import identity

    plain = load_config("ucf101_rigl")
    assert identity(plain) == identity(changed(plain, {"logging.trackers": ["wandb"], "logging.online": True}))


TINY = ("sparse.sparsity=0.5", "training.epochs=2", "training.schedule.warmup_epochs=0", "sparse.every=1",
        "logging.every=1", "logging.tensorboard=false",
        "analysis.spectral=off", "analysis.saliency=off", "report.figures=none", "evaluation.corruptions=[fog]",
        "evaluation.severities=[3]", "evaluation.suite=video_c", "data.source=folder", "data.frames=4",
        "data.stride=2", "data.short_side=40", "data.size=32", "model.name=x3d_s", "engine.workers=0",
        "training.batch_size=8")  # fmt: skip


@pytest.mark.slow
def test_mlflow_has_curves_settings_and_results_of_a_run(tiny_root, tmp_path, monkeypatch):
    import mlflow  # a second to load

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    path = run(load_config("ucf101_rigl", [f"data.root={tiny_root}", *TINY, "logging.trackers=[mlflow]"]))
    client = mlflow.MlflowClient(tracking_uri=(tmp_path / "runs" / "mlruns").as_uri())
    (shown,) = client.search_runs([client.get_experiment_by_name("vidsparse").experiment_id])
    assert (shown.info.run_name, shown.info.status) == ("ucf101_rigl", "FINISHED")
    assert shown.data.params["sparse.method"] == "rigl"
    assert {"result/clean", "result/robust", "result/corruption/fog", "topology/changed"} <= set(shown.data.metrics)
    losses = client.get_metric_history(shown.info.run_id, "loss")
    rows = (path / "metrics.csv").read_text().splitlines()[1:]
    assert [point.step for point in losses] == [int(row.split(",")[0]) for row in rows]


def test_wandb_writes_below_the_log_folder_and_sends_nothing(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    boards = Dashboards(RunFolder(tmp_path / "runs" / "mine"), changed_logging(tmp_path))
    boards.log({"loss": 1.0}, 1)
    boards.conclude({"clean": 0.5})
    boards.close()
    (kept,) = (tmp_path / "runs" / "wandb").glob("offline-run-*/run-*.wandb")
    for _ in range(300):  # its own process writes, a moment after
        if b"clean" in kept.read_bytes():
            return
        sleep(0.1)
    raise AssertionError("nothing of the run is in its file")


def changed_logging(root: Path) -> LoggingConfig:
    return LoggingConfig(dir=str(root / "runs"), tensorboard=False, trackers=["wandb"])


def test_a_package_that_breaks_when_imported_stops_nothing(tmp_path, monkeypatch, capsys):
    broken = ModuleType("mlflow")  # without MlflowClient
    monkeypatch.setitem(sys.modules, "mlflow", broken)
    boards = Dashboards(RunFolder(tmp_path), LoggingConfig(tensorboard=False, trackers=["mlflow"]))
    boards.log({"loss": 1.0}, 1)
    boards.close()
    assert "mlflow cannot be used here (ImportError" in " ".join(capsys.readouterr().out.split())
