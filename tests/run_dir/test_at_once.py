"""Two processes of one command at the same instant: one does the work, the other is told by whom, or finds it done."""

import json
import re

import pytest

from helpers.at_once import twice
from vidsparse.config import EngineConfig
from vidsparse.training.engine import Engine
from vidsparse.utils.errors import VidsparseError
from vidsparse.utils.launch import check_alone

TAKEN = re.compile(r"process \d+ on \S+ (is at work there|writes the same units)")


@pytest.mark.slow
def test_two_commands_on_one_benchmark_make_it_once(tiny_root, tmp_path):
    settings = ["ucf101_c", f"data.root={tiny_root}", "data.source=folder", "data.frames=4", "data.size=32",
                "data.short_side=40", "evaluation.suite=core_10", "evaluation.corruptions=[gaussian_noise]",
                "evaluation.severities=[1]", "name=b", "workers=0"]  # fmt: skip
    (code, said), (other, why) = twice("generate", settings, tmp_path)
    assert code == 0, said
    assert (other == 2 and TAKEN.search(why)) or other == 0, why
    assert "Traceback" not in said + why
    assert not list((tmp_path / "benchmarks" / "b").rglob(".*"))


@pytest.mark.slow
def test_two_commands_on_one_run_train_it_once(tiny, tiny_root, tmp_path):
    (code, said), (other, why) = twice("run", ["ucf101_rigl", *tiny, f"data.root={tiny_root}"], tmp_path)
    assert code == 0, said
    assert (other == 2 and TAKEN.search(why)) or other == 0, why
    assert "Traceback" not in said + why
    run = tmp_path / "runs" / "tiny"
    assert json.loads((run / "run.json").read_text())["finished"]
    assert not list(run.rglob(".*"))


@pytest.mark.parametrize(
    ("number", "count"),
    [("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
     ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE")],
)  # fmt: skip
def test_ranks_of_another_launcher_are_told_what_to_say_instead(number, count, monkeypatch):
    check_alone("")
    monkeypatch.setenv(number, "1")
    check_alone("")
    monkeypatch.setenv(count, "2")
    with pytest.raises(VidsparseError, match=r"process 1 of 2 .*set engine\.devices"):
        check_alone("set engine.devices")


def test_a_job_of_slurm_with_several_tasks_is_one_process_where_it_was_not_launched_by_srun(monkeypatch):
    for name, value in {
        "SLURM_NTASKS": "2",
        "SLURM_JOB_NAME": "job",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
    }.items():
        monkeypatch.setenv(name, value)
    check_alone("")
    engine = Engine(EngineConfig())
    assert (engine.rank, engine.world) == (0, 1)
