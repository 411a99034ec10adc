"""Tables for a paper: what LaTeX makes of them."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vidsparse.report.latex import save_table, to_latex

NASTY = pd.DataFrame(
    {
        "arm_1 & 2": ["50 % of $x^2$", "a\\b {c} #1 ~ <d>", "two\nlines"],
        "gain": [0.123456, np.nan, -2e-7],
        "seeds": [1, 2, 3],
        "dynamic": [True, False, True],
    }
)


def cells(line: str) -> list[str]:
    assert line.endswith(r" \\")
    return re.split(r"(?<!\\)&", line.removesuffix(r" \\"))


def check_structure(text: str) -> None:
    """Balanced braces, as many cells a line as columns, no special letter that is not escaped, only known commands."""
    lines = text.splitlines()
    columns = re.fullmatch(r"\\begin\{tabular\}\{([lr]+)\}", lines[0])
    assert columns
    rows = [line for line in lines[1:-1] if line not in (r"\toprule", r"\midrule", r"\bottomrule")]
    for line in rows:
        assert len(cells(line)) == len(columns[1])
        bare = re.sub(
            r"\\text(backslash|asciitilde|asciicircum|less|greater)\{\}|\\[&%$#_{}]|\$-\$",
            "",
            line.removesuffix(r" \\"),
        )
        assert not set(bare.replace(" & ", "")) & set("&%$#_{}\\~^<>")
    assert lines[-1] == r"\end{tabular}"


def test_tables_are_balanced_and_escaped_whatever_stands_in_them() -> None:
    check_structure(to_latex(NASTY))
    assert "0.1235 & 1 & True" in to_latex(NASTY)
    assert " & -- & 2" in to_latex(NASTY)


def test_every_table_of_a_study_is_balanced_and_escaped(study) -> None:
    tables = list((study[1].parent / "tables").glob("*.tex"))
    assert len(tables) >= 8
    for path in tables:
        check_structure(path.read_text())
        assert len(path.read_text().splitlines()) == len(pd.read_csv(path.with_suffix(".csv"))) + 6


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on this machine")
def test_tables_compile(tmp_path: Path) -> None:
    save_table(NASTY, tmp_path / "nasty")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{nasty.tex}\\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
