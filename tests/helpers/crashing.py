"""Runs that crash at every file boundary, or are killed at random: forks of one process that has loaded everything.

`python tests/helpers/crashing.py WHAT OUT [boundaries | kills] [COUNT]`, WHAT being a key of WORKS: does the work once
untouched, then again and again with a crash in it and a second start after it, and compares. Prints lines of JSON. A
fork starts in milliseconds, so that what is hit is the work and not the imports before it. A crash is one of the
process: what an operating system loses with the power is not tried.
"""

import errno
import hashlib
import importlib
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]
from helpers.boundaries import CRASHED, Boundaries  # noqa: E402

LIGHT = ("data.source=folder", "data.frames=2", "data.stride=2", "data.short_side=40", "data.size=32",
         "model.name=cifar_resnet20", "training.epochs=2", "training.batch_size=2", "training.schedule.warmup_epochs=0",
         "evaluation.severities=[3]", "evaluation.corruptions=[gaussian_noise,freeze]", "evaluation.views=4",
         "evaluation.batch_size=4", "sparse.every=1", "engine.workers=0", "engine.checkpoint_every=2",
         "analysis.spectral=off", "analysis.saliency=off", "logging.tensorboard=false")  # fmt: skip
SAME = ("checkpoints/final.safetensors", "checkpoints/*/*", "predictions.parquet", "layers.csv", "topology.csv",
        "structure.csv", "gallery.parquet", "analysis/*.parquet", "tables/*.csv", "study.json")  # fmt: skip


def train(root: Path) -> None:
    """Train, evaluate and analyse one run; its page is made by `report`."""
    from vidsparse import experiment, load_config

    experiment.show = lambda config, folder: None  # type: ignore[assignment]  # pages are remade whole every time
    experiment.run(load_config("ucf101_rigl", [f"data.root={root}", *LIGHT, "name=run"]))


def evaluate(root: Path) -> None:
    """The same command; its training is done, so that crashes hit the evaluation."""
    train(root)


def generate(root: Path) -> None:
    """Write a benchmark as files, and one as arrays."""
    from vidsparse.benchmark.generate import generate as write
    from vidsparse.checks import load_benchmark_config

    settings = ("data.source=folder", "data.frames=2", "data.stride=2", "data.short_side=40", "data.size=32",
                "evaluation.severities=[3]", "evaluation.corruptions=[gaussian_noise,freeze]",
                "engine.workers=0")  # fmt: skip
    write(load_benchmark_config("ucf101_c", [f"data.root={root}", *settings, "benchmark.dir=runs/clips"]))


def study(root: Path, *more: str) -> None:
    """Two runs in forks, then tables; pages are left out."""
    from vidsparse import load_config
    from vidsparse.study import jobs
    from vidsparse.study import run as studies

    def in_a_fork(job: jobs.Job, *_: object) -> int:
        from vidsparse import experiment

        experiment.show = lambda config, folder: None  # type: ignore[assignment]
        return fork(lambda: experiment.run(load_config(job.config, [])), Path(job.log))

    def one_by_one(pool: object, jobs_: list[jobs.Job], stopping: object) -> dict[str, object]:
        from concurrent.futures import Future

        made: dict[str, Future[int]] = {}
        for job in jobs_:
            made[job.name] = Future()
            made[job.name].set_result(in_a_fork(job))
        return made

    import vidsparse.report.page as page

    studies.submit = one_by_one  # type: ignore[assignment]
    page.write_comparison = lambda runs, out: out  # type: ignore[assignment]
    page.write_report = lambda run, dense: run  # type: ignore[assignment]
    words = [f"data.root={root}", *LIGHT, "name=study", "study.methods=[rigl]", *more]
    studies.run_study("ucf101_rigl", words, load_config("ucf101_rigl", words))


def dask(root: Path) -> None:
    """The same study on a Dask cluster of two workers, each run in a process of its own."""
    from vidsparse.cli import main

    words = [f"data.root={root}", *LIGHT, "name=study", "study.methods=[rigl]"]
    code = main(["run", "ucf101_rigl", *words, "study.cluster=local", "study.jobs=2"])
    if code:
        raise SystemExit(code)


WORKS: dict[str, Callable[[Path], None]] = {
    "training": train,
    "evaluation": evaluate,
    "study": study,
    "generate": generate,
    "dask": dask,
}


def fork(work: Callable[[], object], log: Path, kill_after: float | None = None) -> int:
    """Do the work in a fork; its exit code, or minus the signal that ended it."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.setsid()
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    if kill_after is not None:
        deadline = time.monotonic() + kill_after
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def state_of(folder: Path) -> dict[str, str]:
    """Digests of everything that must be the same; of a benchmark, of all of it but its log."""
    if (folder / "runs" / "clips").is_dir():
        paths = [p for p in (folder / "runs" / "clips").rglob("*") if p.is_file() and p.name != "log.jsonl"]
    else:
        runs = [p.parent for p in (folder / "runs").rglob("config.yaml")] + [folder / "runs" / "study"]
        paths = [p for run in runs for pattern in SAME for p in run.glob(pattern) if p.is_file()]
    left = list((folder / "runs").rglob(".*.tmp"))
    assert not left, f"left behind: {left}"
    return {str(p.relative_to(folder)): _digest(p) for p in sorted(set(paths))}


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "runs.csv":  # its last two columns are times
        content = b"\n".join(b",".join(line.split(b",")[:-2]) for line in content.splitlines())
    if path.name == "log.jsonl":
        content = b""
    return hashlib.sha256(content).hexdigest()


class Trial:
    """One piece of work: where it begins, how it ends when nothing happens, and what is done to it."""

    def __init__(self, what: str, out: Path) -> None:
        self.what, self.out, self.log = what, out, out / "log.txt"
        self.root = out / "data"
        if not self.root.exists():
            make_data(self.root)
        self.work = WORKS[what]
        self.begin, whole = out / "begin", out / "whole"
        self.begin.mkdir()
        if what == "evaluation":
            self.start(self.begin, stop_after_training)
        else:
            self.start(out / "warm")  # counts the clips, compiles the kernels
            if (out / "warm" / "runs" / ".index").exists():
                shutil.copytree(out / "warm" / "runs" / ".index", self.begin / "runs" / ".index")
        shutil.copytree(self.begin, whole)
        began = time.monotonic()
        self.start(whole, counting)
        self.calls = json.loads((whole / "calls").read_text())
        self.seconds = time.monotonic() - began
        self.expected = state_of(whole)
        assert len(self.expected) > 3, self.expected

    def start(
        self, folder: Path, around: Callable[..., None] | None = None, expect: int = 0, **settings: object
    ) -> None:
        """One start of the work in a folder, in a fork."""
        folder.mkdir(exist_ok=True)

        def work() -> None:
            os.chdir(folder)
            (around or plain)(lambda: self.work(self.root), **settings)

        code = fork(work, self.log)
        assert code == expect, f"{self.what} ended with {code}, see {self.log}: {self.log.read_text()[-2000:]}"

    def crash(self, at: int, how: str) -> None:
        """Crash once, start again, compare."""
        folder = self.out / f"{at}_{how}"
        shutil.copytree(self.begin, folder)
        self.start(folder, crashing, 0 if how == "error" else CRASHED, at=at, how=how)
        self.start(folder)
        assert (found := state_of(folder)) == self.expected, (
            self.what,
            at,
            how,
            self.calls[at],
            _apart(found, self.expected),
        )
        shutil.rmtree(folder)

    def kill(self, times: int, rng: random.Random) -> int:
        """Kill so many times at random moments, starting again each time, then compare; how many kills hit."""
        folder, hits = self.out / f"killed_{times}", 0
        shutil.copytree(self.begin, folder)

        def work() -> None:
            os.chdir(folder)
            self.work(self.root)

        for _ in range(times):
            code = fork(work, self.log, kill_after=rng.uniform(0.0, 1.0) * self.seconds)
            assert code in (0, -signal.SIGKILL), self.log.read_text()[-2000:]
            hits += code != 0
            if not code:
                break
        time.sleep(0.5 if self.what == "dask" else 0)
        self.start(folder)
        assert (found := state_of(folder)) == self.expected, (self.what, _apart(found, self.expected))
        shutil.rmtree(folder)
        return hits


def plain(work: Callable[[], None]) -> None:
    work()


def counting(work: Callable[[], None]) -> None:
    found = Boundaries()
    found.install()
    work()
    seen = list(found.seen)
    Path("calls").write_text(json.dumps(seen))


def crashing(work: Callable[[], None], at: int, how: str) -> None:
    """A full disk must end in a sentence, and so here in an error that the command line knows."""
    from vidsparse.utils.errors import VidsparseError

    Boundaries(at, how).install()
    try:
        work()
    except VidsparseError:
        return
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return
    if how != "error":
        raise AssertionError(f"there is no boundary {at}")


def stop_after_training(work: Callable[[], None]) -> None:
    from vidsparse import experiment

    class Enough(Exception):
        pass

    def enough(*_: object) -> None:
        raise Enough

    experiment._evaluate = enough
    try:
        work()
    except Enough:
        return


def _apart(one: dict[str, str], two: dict[str, str]) -> list[str]:
    return sorted(name for name in {**one, **two} if one.get(name) != two.get(name))


def make_data(root: Path) -> None:
    """The tiny data set of the tests."""
    from conftest import _moving_stripes

    from vidsparse.data.datasets.sample_videos import write_video

    for label, name in enumerate(("Left", "Right", "Still")):
        for part, groups in (("train", range(2)), ("test", range(4, 6))):
            (root / part / name).mkdir(parents=True)
            for group in groups:
                write_video(root / part / name / f"v_{name}_g{group:02d}_c01.avi", _moving_stripes(label, group))


def main(what: str, out: str, mode: str = "boundaries", count: str = "all") -> None:
    import torch

    import vidsparse
    from vidsparse.utils import torchvision_compat

    torchvision_compat.install()
    for module in pkgutil.walk_packages(vidsparse.__path__, "vidsparse."):  # everything that a run imports, once
        importlib.import_module(module.name)
    torch.set_num_threads(1)
    began, rng = time.monotonic(), random.Random(f"{what} {mode}")
    trial = Trial(what, Path(out).absolute())
    said: dict[str, object] = {"what": what, "mode": mode, "alone_s": round(trial.seconds, 1)}
    if mode == "kills":
        done = starts = 0
        while done < int(count):
            done += trial.kill(min(10, int(count) - done), rng)
            starts += 1
            print(json.dumps(said | {"kills": done, "runs": starts}), flush=True)
        said |= {"kills": done, "runs": starts}
    else:
        writers = {"write_bytes", "write_text", "save", "write_table", "save_file", "to_parquet", "savez_compressed"}
        every = [(at, how) for at, name in enumerate(trial.calls) for how in ("exit", "error", "torn")
                 if how != "torn" or name in writers]  # fmt: skip
        chosen = every if count == "all" else sorted(rng.sample(every, min(len(every), int(count))))
        for number, (at, how) in enumerate(chosen):
            trial.crash(at, how)
            if number % 20 == 0:
                print(json.dumps({"done": number, "of": len(chosen)}), flush=True)
        said |= {"boundaries": len(trial.calls), "calls": dict(Counter(trial.calls)), "trials": len(chosen)}
        said["how"] = dict(Counter(how for _, how in chosen))
    print(json.dumps(said | {"equal": True, "seconds": round(time.monotonic() - began)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
