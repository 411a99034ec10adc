"""The recipes of CONTRIBUTING.md, carried out as they are written, on a copy of the packages."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = dict(
    re.findall(r"^### (A .+?)\n(.*?)(?=^### |\Z)", PAGE.partition("## Four recipes")[2], re.MULTILINE | re.DOTALL)
)
BLOCK = re.compile(r"^```python\n# (.+?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def put(block: str, place: str, root: Path) -> None:
    """Write a block where its first line says: a new file, at the end of one, or below lines that begin so."""
    name, _, where = place.partition(", ")
    path = root / name
    if where == "a new file":
        assert not path.exists()
        path.write_text(block, "utf-8")
        return
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = len(lines) if where == "at its end" else 0
    for start in re.findall(r'"(.+?)"', where):
        at = next(number for number, line in enumerate(lines[at:], at + 1) if line.strip().startswith(start))
    assert at
    lines[at:at] = ["\n\n", block] if at == len(lines) else [block]
    path.write_text("".join(lines), "utf-8")


def test_there_are_four():
    assert list(RECIPES) == ["A corruption", "A DST method", "A model", "A data set"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_touches_at_most_two_files(recipe):
    *changes, _ = BLOCK.findall(RECIPES[recipe])
    assert 1 <= len({place.partition(", ")[0] for place, _ in changes}) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_works_as_it_is_written(recipe, tmp_path):
    copy, work = tmp_path / "copy", tmp_path / "work"
    work.mkdir()
    for package in ("vidsparse", "corruptions", "configs", "tools"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    *changes, (trial, code) = BLOCK.findall(RECIPES[recipe])
    for place, block in changes:
        put(block, place, copy)
    assert changes
    assert trial == "try it"
    assert "assert " in code
    done = subprocess.run([sys.executable, "-c", code], cwd=work, env=os.environ | {"PYTHONPATH": str(copy)},
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
