"""A crash between any two file operations, and a full disk at any of them, cost nothing: a small sample of the soak."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HARNESS = Path(__file__).with_name("helpers") / "crashing.py"


@pytest.mark.parametrize(("what", "mode", "count"), [("training", "boundaries", 3), ("generate", "boundaries", 4)])
def test_work_that_crashed_at_a_file_boundary_ends_in_the_same_bytes(what, mode, count, tmp_path):
    command = [sys.executable, str(HARNESS), what, str(tmp_path), mode, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["equal"]
    assert said["trials"] == count
    assert said["boundaries"] > 30
