"""Processes that work together: they know their numbers, end together, and the first one says what went wrong."""

import os
import signal
import time
from pathlib import Path

import pytest

from vidsparse.utils.errors import DataError, VidsparseError
from vidsparse.utils.launch import together
from vidsparse.utils.machine import rank


def leave_number(folder: Path) -> None:
    (folder / f"{rank()}").write_text(f"{os.environ['MASTER_PORT']}")


def fail(folder: Path) -> None:
    (folder / "1").write_text("runs")
    raise DataError(f"process {rank()} found no data")


def be_killed(folder: Path) -> None:
    (folder / "1").write_text("runs")
    os.kill(os.getpid(), signal.SIGKILL)


def stay(folder: Path) -> None:
    (folder / f"{rank()}").write_text(str(os.getpid()))
    time.sleep(200)


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 100
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.read_text()


def lose_the_connection(folder: Path) -> None:
    """What process 0 sees once process 1, which may take long to start, is gone."""
    wait_for(folder / "1")
    raise RuntimeError("connection closed by peer")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_process_knows_its_number_and_the_environment_is_left_as_it_was(tmp_path):
    before = dict(os.environ)
    with together(3, leave_number, tmp_path):
        leave_number(tmp_path)
    assert dict(os.environ) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]
    assert len({path.read_text() for path in tmp_path.iterdir()}) == 1


def test_one_process_starts_no_other(tmp_path):
    with together(1, fail, tmp_path):
        leave = rank()
    assert leave == 0


def test_the_error_of_another_process_is_the_one_that_is_raised(tmp_path):
    with pytest.raises(DataError, match="process 1 found no data"), together(2, fail, tmp_path):
        lose_the_connection(tmp_path)


def test_a_process_that_was_killed_is_named(tmp_path):
    with pytest.raises(VidsparseError, match="process 1 was killed by SIGKILL"), together(2, be_killed, tmp_path):
        lose_the_connection(tmp_path)


def test_the_others_end_with_the_body(tmp_path):
    def stop_once_it_runs() -> None:
        with together(2, stay, tmp_path):
            wait_for(tmp_path / "1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_once_it_runs()
    assert not alive(int((tmp_path / "1").read_text()))
