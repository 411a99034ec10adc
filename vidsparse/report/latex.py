"""Tables as files: CSV with every digit, LaTeX ready for a paper."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from vidsparse.utils import csv_text, files

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}


def escape(text: str) -> str:
    r"""Text as LaTeX prints it literally; line breaks become spaces.

    >>> escape("50 % of <b>x_1 & y</b>")
    '50 \\% of \\textless{}b\\textgreater{}x\\_1 \\& y\\textless{}/b\\textgreater{}'
    """
    return "".join(_SPECIAL.get(letter, letter) for letter in " ".join(text.split()))


def to_latex(table: pd.DataFrame) -> str:
    r"""A tabular of the columns (package booktabs): numbers to four digits on the right, -- for NaN, text escaped."""
    numeric = [pd.api.types.is_numeric_dtype(table[name]) and table[name].dtype != bool for name in table]
    align = "".join("r" if right else "l" for right in numeric)
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False, name=None)]
    lines = [" & ".join(row) + r" \\" for row in ([escape(str(name)) for name in table.columns], *rows)]
    body = [rf"\begin{{tabular}}{{{align}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
    return "\n".join([*body, r"\end{tabular}", ""])


def save_table(table: pd.DataFrame, path: Path, index: bool = True) -> None:
    """Write `path`.csv and `path`.tex, the index as first columns where it says something."""
    latex = to_latex(table.reset_index() if index else table)
    files.write(path.with_name(f"{path.name}.csv"), csv_text.safe(table.to_csv(index=index)))
    files.write(path.with_name(f"{path.name}.tex"), latex)


def save_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write each table under its name."""
    for name, table in tables.items():
        save_table(table, folder / name)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "--" if value != value else f"{value:.4g}"
    return escape(str(value))
