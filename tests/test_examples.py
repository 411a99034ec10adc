"""Every example is short and runs as it stands, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))
# the example as a person starts it, but for the fix of torchvision beside another build of torch
STARTED = (
    "import runpy, sys; from vidsparse.utils import torchvision_compat; torchvision_compat.install();"
    "runpy.run_path(sys.argv[1], run_name='__main__')"
)


def test_an_example_is_at_most_40_lines():
    assert EXAMPLES
    lengths = {name: len((FOLDER / name).read_text("utf-8").splitlines()) for name in EXAMPLES}
    assert {name: lines for name, lines in lengths.items() if lines > 40} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, tmp_path):
    command = [sys.executable, "-c", STARTED, str(FOLDER / name)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout
