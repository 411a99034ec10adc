"""Notebooks as pages of the site: text as it is, code as blocks, below each what it showed when it was last run.

Notebooks are kept without outputs; what they show lies in docs/notebooks/shown, where `tools.docs.notebook_outputs`
puts it.
"""

import hashlib
import json
from collections.abc import Mapping
from html import escape
from typing import Any


def code_digest(notebook: str) -> str:
    """SHA-256 of the code of a notebook of JSON (nbformat 4): what it shows belongs to this code and no other.

    >>> code_digest('{"cells": [{"cell_type": "code", "source": "1"}]}')[:8]
    'c119e1cc'
    """
    cells = json.loads(notebook)["cells"]
    code = [[cell.get("id", ""), "".join(cell["source"])] for cell in cells if cell["cell_type"] == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def as_page(notebook: str, name: str, shown: Mapping[str, Any]) -> str:
    r"""Return a notebook of JSON (nbformat 4) as Markdown, with a line below its heading on where the file lies.

    `shown` is what `notebook_outputs` keeps: `made`, a sentence's end, and `cells`, the outputs of each by its id.

    >>> cells = '{"cells": [{"cell_type": "markdown", "source": ["# A"]}, {"cell_type": "code", "source": "1"}]}'
    >>> as_page(cells, "a", {"made": "today", "cells": {}}).split("\n\n")[1:]
    ['*This page is the notebook docs/notebooks/a, and what its cells showed: today.*', '```python\n1\n```\n']
    """
    cells = json.loads(notebook)["cells"]
    first, *others = (_part(cell, shown["cells"].get(cell.get("id"), [])) for cell in cells)
    heading, _, rest = first.partition("\n")
    said = f"*This page is the notebook docs/notebooks/{name}, and what its cells showed: {shown['made']}.*"
    return "\n\n".join(part for part in (heading, said, rest.strip("\n"), *others) if part) + "\n"


def _part(cell: Mapping[str, Any], outputs: list[Mapping[str, str]]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] != "code":
        return source
    return "\n\n".join([f"```python\n{source}\n```", *map(_output, outputs)])


def _output(output: Mapping[str, str]) -> str:
    """One output: `text`, `table` (HTML) or `picture` (a file's name) with `alt`."""
    if "picture" in output:
        inside = f'<img src="shown/{escape(output["picture"])}" alt="{escape(output["alt"])}">'
    elif "table" in output:
        inside = output["table"]
    else:
        inside = f'<pre tabindex="0">{escape(output["text"], quote=False)}</pre>'
    return f'<div class="shown">\n{inside}\n</div>'
