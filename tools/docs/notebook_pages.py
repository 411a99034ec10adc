"""Notebooks as pages of the site: text as it is, code as blocks. They are kept without outputs, so none are shown."""

import json


def as_page(notebook: str, name: str) -> str:
    r"""Return a notebook of JSON (nbformat 4) as Markdown, with a line below its heading on where the file lies.

    >>> as_page('{"cells": [{"cell_type": "markdown", "source": ["# A"]}, {"cell_type": "code", "source": "1"}]}', "a")
    '# A\n\n*This page is the notebook docs/notebooks/a: run it to see what its cells show.*\n\n```python\n1\n```\n'
    """
    first, *others = (_part(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(notebook)["cells"])
    heading, _, rest = first.partition("\n")
    said = f"*This page is the notebook docs/notebooks/{name}: run it to see what its cells show.*"
    return "\n\n".join(part for part in (heading, said, rest.strip("\n"), *others) if part) + "\n"


def _part(kind: str, source: str) -> str:
    return f"```python\n{source}\n```" if kind == "code" else source
