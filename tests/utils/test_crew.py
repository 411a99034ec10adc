"""One experiment that torchrun started as several processes: the first one leads, the others wait for its word."""

import os
import subprocess
import sys

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from helpers.killing import command, finish
from vidsparse.benchmark.generate import generate
from vidsparse.evaluation import predictions
from vidsparse.loading import load_benchmark_config, load_config
from vidsparse.utils.crew import Crew, crew
from vidsparse.utils.errors import ConfigError, VidsparseError
from vidsparse.utils.launch import _free_port

TORCHRUN = {"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}  # fmt: skip


def set_all(monkeypatch, values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_what_torchrun_says_is_read(monkeypatch):
    assert crew() is None
    set_all(monkeypatch, TORCHRUN)
    assert crew() == Crew(rank=2, world=4, local=2)
    assert crew().machines == 2
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert crew() is None


def test_as_many_processes_as_were_started_share_the_batch(monkeypatch):
    set_all(monkeypatch, TORCHRUN)
    assert load_config("ucf101_rigl", ["training.batch_size=16"]).engine.processes == 4
    with pytest.raises(ConfigError, match=r"engine\.devices.*multiple"):
        load_config("ucf101_rigl", ["training.batch_size=6"])
    assert load_config("evaluate_pretrained", ["training.batch_size=6"]).engine.processes == 4  # no batch is shared
    with pytest.raises(VidsparseError, match=r"process 2 of 4"):
        generate(load_benchmark_config("ucf101_c", []))
    with pytest.raises(ConfigError, match=r"engine\.devices=2.*torchrun started 4"):
        load_config("ucf101_rigl", ["engine.devices=2", "training.batch_size=16"])


SHORT = ("training.epochs=2", "training.schedule.warmup_epochs=0", "evaluation.severities=[3]", "sparse.method=set",
         "evaluation.corruptions=[gaussian_noise]", "training.optimizer.lr=0.01", "engine.accelerator=cpu",
         "report.figures=none", "logging.tensorboard=false")  # fmt: skip


def environment(machine):
    """What torchrun finds that srun starts as one task a node."""
    slurm = {"JOB_ID": "7", "PROCID": str(machine), "STEP_NUM_TASKS": "2", "NTASKS": "2", "NODEID": str(machine)}
    return os.environ | {"OMP_NUM_THREADS": "1"} | {f"SLURM_{name}": value for name, value in slurm.items()}


def torchrun(settings, cwd, machines, port):
    """Processes of torchrun, one a machine (all of them this one), two processes of ours in all."""
    where = [f"--nnodes={machines}", f"--nproc-per-node={2 // machines}", "--rdzv-backend=c10d",
             f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=one"]  # fmt: skip
    order = [sys.executable, "-m", "torch.distributed.run", *where, *command(*settings)[1:]]
    return [
        subprocess.Popen(order, cwd=cwd, env=environment(machine), stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, start_new_session=True)
        for machine in range(machines)
    ]  # fmt: skip


def ended(agents):
    said = [agent.communicate(timeout=280)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [0] * len(agents), "\n".join(said)
    return "\n".join(said)


@pytest.mark.slow
@pytest.mark.parametrize("machines", [1, 2])
def test_torchrun_makes_the_run_that_our_own_processes_make(machines, tiny, tiny_root, tmp_path):
    settings = [f"data.root={tiny_root}", *tiny, *SHORT, "name=two"]
    said = ended(torchrun(settings, tmp_path, machines, _free_port()))
    own, theirs = tmp_path / "own", tmp_path / "runs" / "two"
    own.mkdir()
    finish([*settings, "engine.devices=2"], own)
    columns, folders = ["id", "corruption", "severity", "view", "prediction"], (own / "runs" / "two", theirs)
    tables = [predictions.load(folder / "predictions.parquet")[columns] for folder in folders]
    weights = [load_file(folder / "checkpoints" / "final.safetensors") for folder in folders]
    if machines == 1:
        pd.testing.assert_frame_equal(*tables)
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    else:  # two that have all cores each, and sum with as many threads
        pd.testing.assert_frame_equal(*(table.drop(columns="prediction") for table in tables))
        torch.testing.assert_close(*weights, rtol=1e-2, atol=1e-3)
    assert said.count("report     ") == 1
    assert ended(torchrun(settings, tmp_path, machines, _free_port())).count("report     ") == 1
