"""Every file boundary of training, evaluation, study and generation, 210 random kills, and pairs of processes.

Figures stand in docs/trials.md. Each test has a process of its own, whose forks are what crashes.
"""

import json
import subprocess
import sys

import pytest

from helpers.killing import ROOT


def harness(what: str, mode: str, count: str, out) -> dict:
    command = [sys.executable, str(ROOT / "tests" / "helpers" / "crashing.py"), what, str(out), mode, count]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    print(said)
    return said


@pytest.mark.timeout(0)
@pytest.mark.parametrize("what", ["training", "evaluation", "study", "generate"])
def test_a_crash_at_every_file_boundary_ends_in_the_same_bytes(what, tmp_path):
    said = harness(what, "boundaries", "all", tmp_path)
    assert said["equal"]
    assert said["trials"] >= 2 * said["boundaries"]


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("what", "kills"), [("training", 60), ("evaluation", 50), ("generate", 50), ("study", 30), ("dask", 20)]
)
def test_work_killed_at_random_ends_in_the_same_bytes(what, kills, tmp_path):
    said = harness(what, "kills", str(kills), tmp_path)
    assert said["equal"]
    assert said["kills"] >= kills


@pytest.mark.timeout(0)
@pytest.mark.parametrize("what", ["training", "generate", "study"])
def test_two_processes_on_one_work_make_it_once(what, tmp_path):
    said = harness(what, "twice", "20", tmp_path)
    assert said["equal"]
    assert said["pairs"] == 20
