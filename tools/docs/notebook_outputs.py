"""python -m tools.docs.notebook_outputs [NOTEBOOK ...]: run notebooks as Jupyter does, and keep what their cells show.

They train networks, which takes minutes, so `make docs` shows what is kept in docs/notebooks/shown: for each notebook
a JSON of its texts and tables, and its pictures as WebP. A test says when a notebook's code is no longer that of its
outputs. Needs the extra `notebooks`.
"""

import base64
import io
import json
import platform
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from tools.docs.notebook_pages import code_digest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
SHOWN = NOTEBOOKS / "shown"
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_LOOKS = re.compile(r' (?:border|class|style|valign)="[^"]*"')
_TWO_ROWS = re.compile(
    r"<thead>\s*<tr>((?:\s*<th>[^<]*</th>)+)\s*</tr>\s*<tr>((?:\s*<th>[^<]*</th>)+)\s*</tr>\s*</thead>"
)
_HEADING = re.compile(r"<th>([^<]*)</th>")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_BAR = "<IPython.core.display.HTML object>"  # a bar of progress: what it says is of the moment
Output = dict[str, str]


def main(names: Sequence[str]) -> int:
    """Run these notebooks, or all, and keep what they show; 0."""
    for path in [Path(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb")):
        keep(path, executed(path))
        sys.stdout.write(f"{path.name}: {SHOWN / path.stem}.json\n")
    return 0


def executed(path: Path) -> Mapping[str, Any]:
    """The notebook with its outputs, run in an empty folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=None, resources={"metadata": {"path": folder}})
        found: Mapping[str, Any] = client.execute()
    return found


def keep(path: Path, notebook: Mapping[str, Any]) -> None:
    """Write what an executed notebook shows; pictures of before go."""
    SHOWN.mkdir(exist_ok=True)
    for old in SHOWN.glob(f"{path.stem}-*.webp"):
        old.unlink()
    cells = {cell["id"]: shown for cell in notebook["cells"] if cell["cell_type"] == "code"
             and (shown := _of_cell(cell, f"{path.stem}-{cell['id']}"))}  # fmt: skip
    said = {"code": code_digest(path.read_text(encoding="utf-8")), "made": _made(), "cells": cells}
    (SHOWN / f"{path.stem}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _made() -> str:
    from torch import __version__ as torch_version

    day = datetime.now(UTC)
    return f"{day.day} {day:%B %Y}, Python {platform.python_version()}, torch {torch_version}, {platform.machine()}"


def _of_cell(cell: Mapping[str, Any], name: str) -> list[Output]:
    found: list[Output] = []
    for output in cell["outputs"]:
        made = _one(output, f"{name}-{len(found)}.webp", cell["source"].rsplit("\n", 1)[-1])
        if made and "text" in made and found and "text" in found[-1] and output["output_type"] != "execute_result":
            found[-1]["text"] += f"\n{made['text']}"
        elif made:
            found.append(made)
    return found


def _one(output: Mapping[str, Any], picture: str, line: str) -> Output | None:
    """What one output of a cell whose last line is `line` shows; None for progress, warnings and what says nothing."""
    data: Mapping[str, str] = output.get("data") or {"text/plain": output.get("text", "")}
    html, text = data.get("text/html", ""), _COLOURS.sub("", data.get("text/plain", "")).strip("\n")
    if text == _BAR or output.get("name") == "stderr":
        return None
    if "image/png" in data:
        image = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
        image.save(SHOWN / picture, quality=80, method=6)
        return {"picture": picture, "alt": f"What {line} shows"}
    if "<table" in html:
        return {"table": plain_table(html)}
    return {"text": text} if text else None


def plain_table(html: str) -> str:
    """A table of pandas without what it says of looks, and with one row of headings, to look as others of the site do.

    >>> plain_table('<div><style scoped>x</style><table border="1" class="dataframe"><tr style="a"></tr></table></div>')
    '<div><table><tr></tr></table></div>'
    >>> plain_table("<thead><tr><th>level</th><th>1</th></tr><tr><th>name</th><th></th></tr></thead>")
    '<thead><tr><th>name / level</th><th>1</th></tr></thead>'
    """
    lines = "\n".join(line.strip() for line in _LOOKS.sub("", _STYLE.sub("", html)).splitlines() if line.strip())
    return _TWO_ROWS.sub(_one_row, lines)


def _one_row(rows: re.Match[str]) -> str:
    above, below = (_HEADING.findall(row) for row in rows.groups())
    named = (" / ".join(filter(None, (own, over))) for over, own in zip(above, below, strict=True))
    return f"<thead><tr>{''.join(f'<th>{name}</th>' for name in named)}</tr></thead>"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
