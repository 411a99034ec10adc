"""A study whose runs go to two Dask workers ends in the same numbers as one here. `make soak`."""

import subprocess
import sys

import pandas as pd
import pytest

from helpers.killing import ROOT


@pytest.mark.timeout(3000)
def test_the_same_numbers_on_a_dask_cluster(tiny, tiny_root, tmp_path):
    arms = []
    for name, where in (("here", []), ("dask", ["study.cluster=local", "study.jobs=2"])):
        settings = [
            *tiny,
            f"data.root={tiny_root}",
            f"name={name}",
            "training.epochs=1",
            "study.methods=[rigl]",
            *where,
        ]
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "run.py"), "ucf101_rigl", *settings],
            cwd=tmp_path, capture_output=True, text=True, timeout=2000,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        arms.append(pd.read_csv(tmp_path / "runs" / name / "tables" / "arms.csv"))
    pd.testing.assert_frame_equal(*arms)
