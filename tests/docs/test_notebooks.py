"""The notebooks of the site run from their first cell to the last, and are kept without what they once put out."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import run_notebook

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
def test_notebooks_run_as_they_stand(tmp_path: Path) -> None:
    command = [sys.executable, run_notebook.__file__, *map(str, NOTEBOOKS)]
    environment = os.environ | {"VIDSPARSE_TOY": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stdout + done.stderr
    for notebook in NOTEBOOKS:
        assert done.stdout.count(f"{notebook.stem} shows: ") >= 2
    said = re.findall(r"RigL (.*) dense: (\S+) points \((\S+) to (\S+)\)", done.stdout)
    assert len(said) == 1
    gain, low, high = map(float, said[0][1:])
    assert low <= gain <= high
    assert said[0][0] == ("differs from" if low > 0 or high < 0 else "cannot be told from"), said


def test_notebooks_are_kept_small_and_without_outputs() -> None:
    assert len(NOTEBOOKS) == 3
    for notebook in NOTEBOOKS:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        assert notebook.stat().st_size < 20_000
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells if "outputs" in cell)
        assert cells[0]["source"][0].startswith("# ")
