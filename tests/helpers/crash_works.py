"""What `crashing.py` lets crash: training, evaluation, a study, a benchmark, as small as they can be."""

import copy
import faulthandler
import os
import shutil
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cache
from pathlib import Path

from helpers.boundaries import wait_for
from vidsparse import experiment
from vidsparse.benchmark import generate as benchmarks
from vidsparse.config import Config, to_yaml
from vidsparse.loading import load_benchmark_config, load_config
from vidsparse.models.zoo import MODELS, ModelSpec
from vidsparse.report import page
from vidsparse.study import jobs
from vidsparse.study import run as studies
from vidsparse.study.planned_runs import Planned, plan
from vidsparse.utils.locks import Locked

DATA = ("data.source=folder", "data.frames=2", "data.stride=2", "data.short_side=20", "data.size=16",
        "evaluation.severities=[3]", "evaluation.corruptions=[gaussian_noise,freeze]",
        "engine.workers=0")  # fmt: skip
LIGHT = (*DATA, "model.name=toy", "training.epochs=2", "training.batch_size=2", "training.schedule.warmup_epochs=0",
         "evaluation.views=8", "evaluation.batch_size=16", "sparse.every=1", "engine.checkpoint_every=1",
         "analysis.spectral=off", "analysis.saliency=off", "logging.tensorboard=false")  # fmt: skip
REFUSED = 2
RUN_S = 300.0  # that a run of a study may take


def build_toy(name: str, num_classes: int, frames: int, size: int):
    """Some 1,600 weights, 1,560 of them in layers that can be sparse."""
    from torch import nn

    return nn.Sequential(
        nn.Conv3d(3, 8, (1, 3, 3), stride=(1, 2, 2)), nn.BatchNorm3d(8), nn.ReLU(),
        nn.Conv3d(8, 16, (1, 3, 3), stride=(1, 2, 2)), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, num_classes),
    )  # fmt: skip


MODELS["toy"] = ModelSpec(
    "toy", "helpers.crash_works:build_toy", "video", 2, 20, 16, "kinetics", "made here", min_size=8
)


MORE = ("analysis.spectral=true", "analysis.clips=1", "analysis.radii=[1]", "analysis.fourier=3")


@cache
def run_config(root: Path, *more: str) -> Config:
    """The config of a run, read once in a process and its forks: that takes longer than the run itself."""
    return load_config("ucf101_rigl", [f"data.root={root}", *LIGHT, *more])


@cache
def benchmark_config(root: Path) -> Config:
    """The same for a benchmark."""
    return load_benchmark_config("ucf101_c", [f"data.root={root}", *DATA, "benchmark.dir=runs/clips"])


@cache
def study_plan(root: Path, *more: str) -> tuple[Planned, ...]:
    """The runs of a study: dense, static and RigL."""
    words = [f"data.root={root}", *LIGHT, "name=study", "study.methods=[rigl]", *more]
    return plan("ucf101_rigl", words, run_config(root, *words[-2 - len(more) :]))


def train(root: Path, *more: str) -> None:
    """Train, evaluate and analyse one run; its page is made by `report`."""
    experiment.show = lambda folder: None  # pages are remade whole every time
    experiment.run(copy.deepcopy(run_config(root, "name=run", *more)))


def evaluate(root: Path) -> None:
    """The same command; its training is done, so that crashes hit the evaluation and the analyses, all of them."""
    train(root, *MORE)


def generate(root: Path) -> None:
    """Write a benchmark as files."""
    benchmarks.SECONDS["write"] = 0.1  # of its estimate
    benchmarks.generate(copy.deepcopy(benchmark_config(root)))


def study(root: Path) -> None:
    """Three runs in forks, one after the other, then tables; pages are left out."""
    studies.submit = lambda pool, jobs, stopping: {job.name: _ended(in_a_fork(job, study_plan(root))) for job in jobs}
    _study(root)


def _study(root: Path, *more: str) -> None:
    page.write_comparison = lambda runs, out: out
    page.write_report = lambda run, dense: run
    studies.plan = lambda *_: copy.deepcopy(study_plan(root, *more))
    studies.run_study("ucf101_rigl", [], run_config(root, "name=study", "study.methods=[rigl]", *more))


def _ended(code: int) -> "Future[int]":
    future: Future[int] = Future()
    future.set_result(code)
    return future


def in_a_fork(job: jobs.Job, runs: Sequence[Planned]) -> int:
    """What `jobs.carry_out` does, without the imports of a new process."""
    config = next(run.config for run in runs if run.name == job.name)

    def work() -> None:
        os.chdir(job.folder)
        assert Path(job.config).read_text() == to_yaml(config)
        experiment.show = lambda folder: None
        experiment.run(copy.deepcopy(config), wait=True)

    return fork(work, Path(job.log), RUN_S, group=False)


def dask(root: Path) -> None:
    """The same study on a Dask cluster of two workers, which are forks too, and so are the runs."""
    import dask as settings

    runs = study_plan(root, *ON_DASK)
    jobs.carry_out = lambda job: in_a_fork(job, runs)
    with settings.config.set({"distributed.worker.multiprocessing-method": "fork"}):
        _study(root, *ON_DASK)


ON_DASK = ("study.cluster=local", "study.jobs=2")
WORKS: dict[str, tuple[Callable[[Path], None], Callable[[Path], object]]] = {  # and what reads the configs of each
    "training": (train, lambda root: run_config(root, "name=run")),
    "evaluation": (evaluate, lambda root: run_config(root, "name=run", *MORE)),
    "study": (study, study_plan),
    "generate": (generate, benchmark_config),
    "dask": (dask, lambda root: study_plan(root, *ON_DASK)),
}


def stop_after_training(work: Callable[[], None]) -> None:
    """Do the work up to its evaluation."""

    class Enough(Exception):
        pass

    def enough(*_: object) -> None:
        raise Enough

    experiment._evaluate = enough
    try:
        work()
    except Enough:
        return


def fork(work: Callable[[], object], log: Path, limit: float, group: bool = True) -> int:
    """Do the work in a fork, killed after `limit` seconds; its exit code, or minus the signal that ended it."""
    return wait_for(begin(work, log, limit, group), limit)


def begin(work: Callable[[], object], log: Path, limit: float, group: bool = True) -> int:
    """Begin the work in a fork; its process number. REFUSED is its exit code where another one is at work there."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        if group:
            os.setsid()
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        if group and limit > 60:  # a fork within a fork would wait for a thread that it has not got
            faulthandler.dump_traceback_later(limit - 10)  # where it hangs
        work()
        code = 0
    except Locked:
        code = REFUSED
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def make_data(root: Path) -> None:
    """Two classes, two clips of each to train and two to test."""
    from conftest import _moving_stripes

    from vidsparse.data.datasets.sample_videos import write_video

    making = root.with_name(".data")
    shutil.rmtree(making, ignore_errors=True)
    for label, name in enumerate(("Left", "Right")):
        for part, groups in (("train", range(2)), ("test", range(4, 6))):
            (making / part / name).mkdir(parents=True)
            for group in groups:
                write_video(making / part / name / f"v_{name}_g{group:02d}_c01.avi", _moving_stripes(label, group)[:8])
    making.rename(root)
