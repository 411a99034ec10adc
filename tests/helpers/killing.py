"""Real runs in processes of their own, killed with SIGKILL at chosen moments and started again until they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def command(*settings: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts" / "run.py"), "ucf101_rigl", *settings]


def start(settings: Sequence[str], cwd: Path) -> subprocess.Popen:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(*settings), cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def finish(settings: Sequence[str], cwd: Path) -> str:
    run = start(settings, cwd)
    said, _ = run.communicate(timeout=280)
    assert run.returncode == 0, said
    return said


def kill_after(settings: Sequence[str], cwd: Path, watched: Path, delay: float) -> bool:
    """Start a run, wait until `watched` appears, then `delay` seconds more, kill it; False if it ended before."""
    run = start(settings, cwd)
    deadline = time.monotonic() + 120
    while not watched.exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    if run.poll() is not None:
        said, _ = run.communicate()
        assert run.returncode == 0, said
        return False
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    return True
