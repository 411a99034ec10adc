"""A study in real processes: killed it does only what is missing; what fails is named, the rest goes on."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from helpers.killing import ROOT
from vidsparse import load_config
from vidsparse.config import to_yaml
from vidsparse.evaluation import metrics, predictions
from vidsparse.study.jobs import Job, Stopping, carry_out
from vidsparse.utils import locks

pytestmark = pytest.mark.slow


def begin(cwd: Path, root: Path, tiny: tuple[str, ...], *more: str) -> subprocess.Popen:
    settings = [*tiny, f"data.root={root}", "training.epochs=1", "name=s", "study.methods=[rigl]", *more]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "run.py"), "ucf101_rigl", *settings],
        cwd=cwd, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 200
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def study(tiny, tiny_root, tmp_path_factory) -> Path:
    """A study that was killed while its second run trained, and then done to its end."""
    folder = tmp_path_factory.mktemp("study")
    killed = begin(folder, tiny_root, tiny)
    wait_for(folder / "runs/s/static_50_seed0/checkpoints", killed)
    os.kill(killed.pid, signal.SIGKILL)  # the study alone: its run lives on, and must not get a twin
    done = folder / "runs/s/dense_seed0/predictions.parquet"
    before = done.stat().st_mtime_ns
    again = begin(folder, tiny_root, tiny)
    said, _ = again.communicate(timeout=280)
    assert again.returncode == 0, said
    assert re.search("3 runs, [12] of them finished before", said)
    assert done.stat().st_mtime_ns == before
    assert "power      with one seed an arm this study cannot tell a method from its seed" in said
    return folder / "runs/s"


def test_after_a_kill_it_did_only_what_was_missing_and_ended_in_one_comparison(study):
    arms = pd.read_csv(study / "tables" / "arms.csv").set_index("method")
    for name in ("dense_seed0", "static_50_seed0", "rigl_50_seed0"):
        table = predictions.load(study / name / "predictions.parquet")
        assert arms.loc[name.split("_")[0], "robust"] == pytest.approx(metrics.robustness_accuracy(table))
    assert arms.loc["rigl", "gain"] == pytest.approx(arms.loc["rigl", "robust"] - arms.loc["dense", "robust"])
    assert arms.loc["rigl", "static_gain"] == pytest.approx(arms.loc["rigl", "robust"] - arms.loc["static", "robust"])
    assert (study / "report.html").exists()
    about = json.loads((study / "study.json").read_text())
    assert [run["folder"] for run in about["runs"]] == ["dense_seed0", "static_50_seed0", "rigl_50_seed0"]
    for name in ("static_50_seed0", "rigl_50_seed0"):
        assert json.loads((study / name / "run.json").read_text())["reference"].endswith("dense_seed0")


def test_a_run_that_fails_is_named_and_the_others_go_on(study, tiny, tiny_root, tmp_path):
    folder = tmp_path / "runs" / "s"
    shutil.copytree(study, folder)
    shutil.rmtree(folder / "rigl_50_seed0")
    facts = json.loads((folder / "static_50_seed0" / "run.json").read_text())
    facts["identity"]["training.batch_size"] = 3
    (folder / "static_50_seed0" / "run.json").write_text(json.dumps(facts))
    process = begin(tmp_path, tiny_root, tiny, "study.jobs=2")
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 2, said
    last = said.strip().splitlines()[-1]
    assert last.startswith(
        "1 of 3 runs failed: static_50_seed0 (runs/s/static_50_seed0 holds a run with other settings"
    )
    assert last.endswith("and the same command does them again")
    assert "Traceback" not in said
    arms = pd.read_csv(folder / "tables" / "arms.csv")
    assert arms.method.tolist() == ["dense", "rigl"]


def test_a_run_of_an_earlier_study_is_waited_for_and_asked_to_stop_the_waiting_ends(tiny, tiny_root, tmp_path):
    overrides = [*tiny, f"data.root={tiny_root}", "logging.dir=."]
    (tmp_path / "run.yaml").write_text(to_yaml(load_config("ucf101_rigl", overrides)))
    job = Job("tiny", "run.yaml", str(tmp_path / "log"), str(tmp_path), 1, False)
    asked = Stopping()
    with locks.held(tmp_path / "tiny" / ".lock", "the run of an earlier study"), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(carry_out, job, asked)
        deadline = time.monotonic() + 200
        while "data  " not in (said := Path(job.log).read_text() if Path(job.log).exists() else ""):
            assert time.monotonic() < deadline, said
            assert not waiting.done(), said
            time.sleep(0.2)
        time.sleep(1)
        assert not (tmp_path / "tiny" / "run.json").exists()
        asked.ask()
        assert waiting.result() == 130
    assert carry_out(job, asked) == 130


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_stops_the_runs_after_their_step_and_says_how_to_go_on(asked, tiny, tiny_root, tmp_path):
    process = begin(tmp_path, tiny_root, tiny, "training.epochs=50", "engine.checkpoint_every=1")
    wait_for(tmp_path / "runs/s/dense_seed0/checkpoints", process)
    os.kill(process.pid, asked)
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 130, said
    assert "the same command continues" in said
    log = (tmp_path / "runs/s/logs/dense_seed0.log").read_text()
    assert "the same command continues" in log
    assert not (tmp_path / "runs/s/static_50_seed0").exists()
