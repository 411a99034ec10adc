"""Two processes: Ctrl-C stops both after the same step, one that is killed is named, and the same command continues."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from helpers.killing import finish, start
from test_survival import same_end
from test_together import SHORT, TWO


def settings(tiny: tuple[str, ...], root: Path, name: str) -> list[str]:
    return [f"data.root={root}", *tiny, *SHORT, *TWO, f"name={name}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def plain(folder, tiny_root) -> Path:
    """A run that nobody disturbs."""
    from conftest import TINY

    finish(settings(TINY, tiny_root, "plain"), folder)
    return folder / "runs/plain"


def started(options: list[str], folder: Path, run: str) -> subprocess.Popen:
    """A run that has its first checkpoint."""
    process = start(options, folder)
    while not (folder / f"runs/{run}/checkpoints").exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_ctrl_c_stops_both_after_the_same_step_and_the_same_command_continues(plain, tiny, tiny_root, folder):
    options = settings(tiny, tiny_root, "stopped")
    process = started(options, folder, "stopped")
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to both
    said, _ = process.communicate(timeout=250)
    assert process.returncode == 130, said
    assert "the same command continues" in said
    assert "Traceback" not in said
    finish(options, folder)
    same_end(plain, folder / "runs/stopped")


@pytest.mark.parametrize("which", ["first", "second"])
def test_when_one_is_killed_the_other_ends_and_the_same_command_continues(which, plain, tiny, tiny_root, folder):
    options = settings(tiny, tiny_root, which)
    process = started(options, folder, which)
    listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout
    others = [pid for pid in map(int, listed.split()) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(others) == 1
    time.sleep(random.Random(which).uniform(0, 0.5))
    os.kill(process.pid if which == "first" else others[0], signal.SIGKILL)
    said, _ = process.communicate(timeout=120)
    if which == "second":
        assert process.returncode == 2, said
        assert "process 1 was killed by SIGKILL" in said
    deadline = time.monotonic() + 30
    while Path(f"/proc/{others[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{others[0]}").exists()
    finish(options, folder)
    same_end(plain, folder / f"runs/{which}")
