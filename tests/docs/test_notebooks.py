"""The notebooks of the site run from their first cell to the last, and are kept without what they once put out."""

import base64
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from helpers import run_notebook
from tools.docs import notebook_outputs
from tools.docs.notebook_pages import as_page, code_digest

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


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_the_site_shows_is_of_the_notebook_as_it_stands(notebook: Path) -> None:
    shown = json.loads((notebook_outputs.SHOWN / f"{notebook.stem}.json").read_text("utf-8"))
    remake = f"its code changed: python -m tools.docs.notebook_outputs docs/notebooks/{notebook.name}"
    assert shown["code"] == code_digest(notebook.read_text("utf-8")), remake
    assert len(shown["cells"]) >= 3
    pictures = {each["picture"] for cell in shown["cells"].values() for each in cell if "picture" in each}
    assert pictures == {path.name for path in notebook_outputs.SHOWN.glob(f"{notebook.stem}-*")}
    assert sum(path.stat().st_size for path in notebook_outputs.SHOWN.glob(f"{notebook.stem}*")) < 60_000


def test_another_line_of_code_is_noticed_and_another_sentence_is_not() -> None:
    said, code = {"cell_type": "markdown", "source": "# A"}, {"cell_type": "code", "id": "b", "source": ["1\n", "2"]}
    one = code_digest(json.dumps({"cells": [said, code]}))
    assert code_digest(json.dumps({"cells": [said | {"source": "# B"}, code]})) == one
    assert code_digest(json.dumps({"cells": [said, code | {"source": "1\n3"}]})) != one


def test_outputs_stand_below_their_cells_without_bars_warnings_and_colours(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(notebook_outputs, "SHOWN", tmp_path)
    bar, table = "<IPython.core.display.HTML object>", '<div><style scoped>a</style><table border="1"></table></div>'
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "one & <two>\n"},
        {"output_type": "stream", "name": "stderr", "text": "/a/machine/s/path: a warning"},
        {"output_type": "display_data", "data": {"text/html": "<div><progress></div>", "text/plain": bar}},
        {"output_type": "display_data", "data": {"text/html": "<pre>x</pre>", "text/plain": "\x1b[1mthree\x1b[0m\n"}},
        {"output_type": "execute_result", "data": {"text/html": table, "text/plain": "a table"}},
        {"output_type": "execute_result", "data": {"image/png": dot(), "text/plain": "<PIL>"}},
    ]
    cells = [{"cell_type": "markdown", "id": "a", "source": "# Title"},
             {"cell_type": "code", "id": "b", "source": "x()\ny()", "outputs": outputs}]  # fmt: skip
    (tmp_path / "n.ipynb").write_text(text := json.dumps({"cells": cells}))
    notebook_outputs.keep(tmp_path / "n.ipynb", {"cells": cells})
    page = as_page(text, "n.ipynb", json.loads((tmp_path / "n.json").read_text()))
    below = page.split("```python\nx()\ny()\n```")[1]
    assert re.findall(r"<pre.*?>(.*?)</pre>", below, re.DOTALL) == ["one &amp; &lt;two&gt;\nthree"]
    assert "<div><table></table></div>" in below
    assert '<img src="shown/n-b-2.webp" alt="What y() shows">' in below
    assert (tmp_path / "n-b-2.webp").stat().st_size
    assert "warning" not in page


def dot() -> str:
    held = io.BytesIO()
    Image.new("RGB", (4, 4)).save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()
