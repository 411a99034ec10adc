"""python run_notebook.py NOTEBOOK ...: their cells, one after another, and what each shows in the end."""

import ast
import json
import sys
from pathlib import Path


def code_of(notebook: Path) -> list[str]:
    """The source of each cell of code."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def execute(code: str, names: dict[str, object]) -> object:
    """Run a cell as a kernel does: the value of its last expression is what it shows."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


if __name__ == "__main__":
    for notebook in map(Path, sys.argv[1:]):
        own: dict[str, object] = {"__name__": "__main__"}
        for cell in code_of(notebook):
            if (value := execute(cell, own)) is not None:
                print(f"{notebook.stem} shows: {value!r}")
