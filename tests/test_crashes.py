"""A crash between any two file operations, and a full disk at any of them, cost nothing: a small sample of the soak."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HARNESS = Path(__file__).with_name("helpers") / "crashing.py"


def test_work_that_crashed_at_a_file_boundary_ends_in_the_same_bytes(tmp_path):
    command = [sys.executable, str(HARNESS), "training,generate", str(tmp_path), "boundaries", "4"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    ends = [said for said in map(json.loads, done.stdout.splitlines()) if "equal" in said]
    assert [said["what"] for said in ends] == ["training", "generate"]
    for said in ends:
        assert said["equal"]
        assert said["trials"] == 4
        assert said["boundaries"] > 30
