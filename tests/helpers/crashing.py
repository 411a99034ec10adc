"""Runs that crash at every file boundary, or are killed at random: forks of one process that has loaded everything.

`python tests/helpers/crashing.py WHAT OUT [boundaries | kills | twice] [COUNT]`, WHAT being keys of WORKS, with commas:
does the work once untouched, then lets it crash, starts it a second time, and compares; or starts two at once. Each
trial is a line of JSON in OUT/WHAT/MODE.jsonl, where a second call finds what is done. Where several crashes left the
same files, byte by byte, the second start is made once. Prints lines of JSON too; exits with 1 where a trial found a
fault, whose folder is kept. A fork starts in milliseconds, so that what is hit is the work and not the imports before
it. A crash is one of the process: what an operating system loses with the power is not tried.
"""

import errno
import gc
import hashlib
import importlib
import json
import os
import pkgutil
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]
from helpers.boundaries import CRASHED, Boundaries, wait_for, writes  # noqa: E402
from helpers.crash_works import REFUSED, WORKS, begin, fork, make_data, stop_after_training  # noqa: E402

LIMIT_S = 120.0  # for one start
SAME = ("checkpoints/final.safetensors", "checkpoints/*/*", "predictions.parquet", "layers.csv", "topology.csv",
        "structure.csv", "gallery.parquet", "analysis/*.parquet", "tables/*.csv", "study.json")  # fmt: skip


def state_of(folder: Path) -> dict[str, str]:
    """Digests of everything that must be the same; of a benchmark, of all of it but its log."""
    runs = folder / "runs"
    if (runs / "clips").is_dir():
        paths = [p for p in (runs / "clips").rglob("*") if p.is_file() and p.name not in ("log.jsonl", ".lock")]
    else:
        found = [p.parent for p in runs.rglob("config.yaml")] + [runs / "study"]
        paths = [p for run in found for pattern in SAME for p in run.glob(pattern) if p.is_file()]
    left = [path for path in runs.rglob(".*") if path.name.endswith((".tmp", "lock")) or ".lock." in path.name]
    assert not left, f"left behind: {left}"
    return {str(p.relative_to(folder)): _digest(p) for p in sorted(set(paths))}


def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.name == "runs.csv":  # its last two columns are times
        content = b"\n".join(b",".join(line.split(b",")[:-2]) for line in content.splitlines())
    return hashlib.sha256(content).hexdigest()


class Trials:
    """One piece of work: where it begins, how it ends when nothing happens, and what is done to it."""

    def __init__(self, what: str, out: Path, mode: str) -> None:
        self.what, self.out, self.log, self.done_file = what, out, out / "log.txt", out / f"{mode}.jsonl"
        self.root, self.begin, self.crashed = out / "data", out / "begin", out / "crashed"
        out.mkdir(parents=True, exist_ok=True)
        if not self.root.exists():
            make_data(self.root)
        self.work, read = WORKS[what]
        read(self.root)
        gc.freeze()
        if not self.begin.exists():
            self._prepare()
        shutil.rmtree(whole := out / "whole", ignore_errors=True)
        shutil.copytree(self.begin, whole)
        began, found = time.monotonic(), out / "calls.json"
        self.start(whole, lambda work: counting(work, Boundaries(), found))
        self.seconds = time.monotonic() - began
        self.calls: list[str] = json.loads(found.read_text())["calls"]
        self.expected = state_of(whole)
        assert len(self.expected) > 3, self.expected
        self.done = self._read_done(hashlib.sha256(json.dumps([self.calls, self.expected]).encode()).hexdigest())

    def _prepare(self) -> None:
        making = self.out / "making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        if self.what == "evaluation":
            self.start(making, stop_after_training)
        else:
            shutil.rmtree(warm := self.out / "warm", ignore_errors=True)
            self.start(warm)  # counts the clips, compiles the kernels
            if (warm / "runs" / ".index").exists():
                shutil.copytree(warm / "runs" / ".index", making / "runs" / ".index")
        making.rename(self.begin)

    def _read_done(self, digest: str) -> dict[str, dict[str, object]]:
        """Trials of before, where they are of the same calls and the same end."""
        lines = self.done_file.read_text().splitlines() if self.done_file.exists() else []
        if not lines or json.loads(lines[0])["of"] != digest:
            self.done_file.write_text(json.dumps({"of": digest}) + "\n")
        return {found["trial"]: found for found in map(json.loads, lines[1:])}

    def note(self, trial: str, **found: object) -> None:
        """Keep what a trial found."""
        self.done[trial] = {"trial": trial, **found}
        with self.done_file.open("a") as file:
            file.write(json.dumps(self.done[trial]) + "\n")

    @property
    def faults(self) -> list[dict[str, object]]:
        return [found for found in self.done.values() if found.get("fault")]

    def start(self, folder: Path, around: Callable[..., None] = lambda work: work(), limit: float = LIMIT_S) -> None:
        """One start of the work in a folder, in a fork."""
        folder.mkdir(exist_ok=True)
        said = self.log.stat().st_size if self.log.exists() else 0

        def work() -> None:
            os.chdir(folder)
            around(lambda: self.work(self.root))

        code = fork(work, self.log, limit)
        assert code == 0, f"it ended with {code}: {self.log.read_text(errors='replace')[said:][-2000:]}"

    def crash(self, chosen: dict[int, list[str]]) -> None:
        """Crash at all these calls, in forks of one run of the work; then start each again and compare."""
        for gone in (self.crashed, whole := self.out / "again"):
            shutil.rmtree(gone, ignore_errors=True)
        self.crashed.mkdir()
        shutil.copytree(self.begin, whole)
        boundaries, found = Boundaries(chosen, self.crashed, LIMIT_S), self.out / "ended.json"
        forks = sum(map(len, chosen.values()))
        self.start(whole, lambda work: counting(work, boundaries, found), LIMIT_S * (1 + forks))
        said = json.loads(found.read_text())
        assert said["calls"] == self.calls, "the work does not do the same twice"
        assert state_of(whole) == self.expected, _apart(state_of(whole), self.expected)
        for number, (name, code) in enumerate(said["ended"].items()):
            at, how = name.split("_")
            folder, tried = self.crashed / name, {found.get("left"): found for found in self.done.values()}
            _give_to_the_dead(folder, said["pid"])
            left = _left_in(folder)
            if left in tried and code == (0 if how == "error" else CRASHED):
                fault = tried[left]["fault"]  # the same files, byte by byte: a second start can do nothing else
                shutil.rmtree(folder)
            else:
                fault = self._second(folder, how, code)
            self.note(name, call=self.calls[int(at)], left=left, alone=left not in tried, fault=fault)
            if number % 50 == 0:
                print(json.dumps({"done": len(self.done), "faults": len(self.faults)}), flush=True)

    def _second(self, folder: Path, how: str, code: int) -> str | None:
        """Start again where a fork crashed with this code; what is wrong then."""
        if code != (0 if how == "error" else CRASHED):
            return f"the crash itself ended with {code}, see {self.log}"
        try:
            self.start(folder)
        except AssertionError as error:
            return str(error)
        return self._compare(folder)

    def _compare(self, folder: Path) -> str | None:
        try:
            found = state_of(folder)
        except AssertionError as error:
            return str(error)
        if found != self.expected:
            return f"differ: {_apart(found, self.expected)}"
        shutil.rmtree(folder)
        return None

    def kill(self, trial: str, times: int, rng: random.Random) -> None:
        """Kill so many times at random moments, starting again each time, then compare."""
        folder, hits = self.out / f"killed_{trial}", 0
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.begin, folder)

        def work() -> None:
            os.chdir(folder)
            self.work(self.root)

        for _ in range(times):
            said = self.log.stat().st_size
            code = fork(work, self.log, rng.uniform(0.0, 1.0) * self.seconds)
            if code not in (0, -signal.SIGKILL):
                self.note(trial, kills=hits, fault=self.log.read_text(errors="replace")[said:][-2000:])
                return
            hits += code != 0
            if not code:
                break
        self.note(trial, kills=hits, fault=self._second(folder, "exit", CRASHED))

    def twice(self, trial: str, rng: random.Random) -> None:
        """Start two at once, every other time one a moment later; one does the work, and the other is told so."""
        folder = self.out / f"twice_{trial}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.begin, folder)
        said = self.log.stat().st_size

        def work() -> None:
            os.chdir(folder)
            self.work(self.root)

        one = begin(work, self.log, LIMIT_S)
        time.sleep(rng.uniform(0.0, self.seconds) * (int(trial) % 2))
        codes = sorted([wait_for(begin(work, self.log, LIMIT_S), LIMIT_S), wait_for(one, LIMIT_S)])
        told = self.log.read_text(errors="replace")[said:]
        fault = None if codes in ([0, 0], [0, REFUSED]) and "Traceback" not in told else f"{codes}: {told[-2000:]}"
        self.note(trial, codes=codes, fault=fault or self._compare(folder))


def counting(work: Callable[[], None], boundaries: Boundaries, found: Path) -> None:
    """Do the work and count; in a fork that was told of a full disk, an error that the command line knows ends it."""
    from vidsparse.utils.errors import VidsparseError

    boundaries.install()
    try:
        work()
    except (VidsparseError, OSError) as error:
        known = isinstance(error, VidsparseError) or error.errno == errno.ENOSPC
        if os.getpid() == boundaries.pid or not known:
            raise
    if os.getpid() == boundaries.pid:
        said = {"calls": boundaries.seen, "ended": boundaries.ended, "pid": boundaries.pid}
        found.write_text(json.dumps(said))


def _give_to_the_dead(folder: Path, pid: int) -> None:
    """Locks and temporary files of the process that lived on after the crash of its fork: as if it had died, too."""
    for path in sorted(folder.rglob(".*"), reverse=True):  # what lies in a folder before the folder
        if path.is_file() and "lock" in path.name:
            text = re.sub(rf'("pid": {pid}, "started": ")\w*', r"\g<1>1", path.read_text())
            path.write_text(text)
        elif path.name.endswith(".tmp"):
            path.rename(path.with_name(re.sub(rf"\.{pid}-\w*-", f".{pid}-1-", path.name)))


def _left_in(folder: Path) -> str:
    """Digest of all that a crash left, names and contents, but for the times and the token of the owner in them."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if path.name == "run.json":
            content = re.sub(rb'"(train|evaluate|analyse)": [\d.e-]+', b"", content)
        hidden = path.name.startswith(".")
        name = re.sub(r"[0-9a-f]{32}|[0-9]+-1-[0-9a-f]{8}", "", str(path.relative_to(folder)))
        content = re.sub(rb'"token": "\w+"|"pid": \d+', b"", content) if hidden else content
        state.update(json.dumps([name, path.is_dir(), hashlib.sha256(content).hexdigest()]).encode())
    return state.hexdigest()


def _apart(one: dict[str, str], two: dict[str, str]) -> list[str]:
    return sorted(name for name in {**one, **two} if one.get(name) != two.get(name))


def load_everything() -> None:
    """What a run imports, once."""
    import cv2
    import torch

    import corruptions
    import vidsparse
    from vidsparse.utils import torchvision_compat

    torchvision_compat.install()
    for package in (vidsparse, corruptions):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)  # a fork cannot end threads that it has not got
    corruptions.fingerprint()  # remembers itself, and loads every kernel
    gc.collect()
    gc.freeze()  # or each fork copies all of it when it collects


def main(what: str, out: str, mode: str = "boundaries", count: str = "all") -> int:
    load_everything()
    faults = 0
    for each in what.split(","):
        began = time.monotonic()
        trials = Trials(each, Path(out).absolute() / each, mode)
        said: dict[str, object] = {"what": each, "mode": mode, "boundaries": len(trials.calls)}
        print(json.dumps(said | {"alone_s": round(trials.seconds, 1), "done": len(trials.done)}), flush=True)
        said |= MODES[mode](trials, count)
        for fault in trials.faults:
            print(json.dumps(fault), flush=True)
        said |= {"equal": not trials.faults, "seconds": round(time.monotonic() - began)}
        print(json.dumps(said), flush=True)
        faults += len(trials.faults)
    return faults > 0


def crash_at_boundaries(trials: Trials, count: str) -> dict[str, object]:
    """Each way to crash before each call, or so many of them drawn at random."""
    every = [(at, how) for at, name in enumerate(trials.calls)
             for how in ("exit", "error", *(["torn"] if writes(name) else []))]  # fmt: skip
    rng = random.Random(f"{trials.what} boundaries")
    wanted = every if count == "all" else rng.sample(every, min(len(every), int(count)))
    chosen: dict[int, list[str]] = {}
    for at, how in sorted(wanted):
        if f"{at}_{how}" not in trials.done:
            chosen.setdefault(at, []).append(how)
    trials.crash(chosen)
    return {
        "calls": dict(Counter(trials.calls)),
        "trials": len(trials.done),
        "how": dict(Counter(str(name).split("_")[1] for name in trials.done)),
        "second_starts": sum(bool(found["alone"]) for found in trials.done.values()),
    }


def kill_at_random(trials: Trials, count: str) -> dict[str, object]:
    """At least so many kills, up to ten in a row."""
    kills = sum(int(str(found["kills"])) for found in trials.done.values())
    while kills < int(count) and not trials.faults:
        name = str(len(trials.done))
        trials.kill(name, min(10, int(count) - kills), random.Random(f"{trials.what} kills {name}"))
        kills += int(str(trials.done[name]["kills"]))
        print(json.dumps({"kills": kills, "runs": len(trials.done)}), flush=True)
    return {"kills": kills, "runs": len(trials.done)}


def start_twice(trials: Trials, count: str) -> dict[str, object]:
    """So many times two processes at once."""
    for number in range(len(trials.done), int(count)):
        trials.twice(str(number), random.Random(f"{trials.what} twice {number}"))
    return {"pairs": len(trials.done), "codes": dict(Counter(str(found["codes"]) for found in trials.done.values()))}


MODES = {"boundaries": crash_at_boundaries, "kills": kill_at_random, "twice": start_twice}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
