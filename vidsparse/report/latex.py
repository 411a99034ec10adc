"""Tables as files: CSV with every digit, LaTeX ready for a paper."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vidsparse.utils import csv_text, files

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "−": "$-$",
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
    numeric = [_is_numeric(table[name]) for name in table]
    align = "".join("r" if right else "l" for right in numeric)
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False, name=None)]
    lines = [" & ".join(row) + r" \\" for row in ([escape(str(name)) for name in table.columns], *rows)]
    body = [rf"\begin{{tabular}}{{{align}}}", r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"]
    return "\n".join([*body, r"\end{tabular}", ""])


def save_table(table: pd.DataFrame, path: Path, index: bool = True, paper: pd.DataFrame | None = None) -> None:
    """Write `path`.csv and `path`.tex, the index as first columns where it says something.

    `paper`: what the .tex holds instead, a table of a few columns whose digits are those of a paper.
    """
    latex = to_latex(paper if paper is not None else table.reset_index() if index else table)
    files.write(path.with_name(f"{path.name}.csv"), csv_text.safe(table.to_csv(index=index)))
    files.write(path.with_name(f"{path.name}.tex"), latex)


def paper_table(arms: pd.DataFrame) -> pd.DataFrame:
    """The table of arms as it is printed: percent and points with one digit, 95 % intervals in brackets.

    `arms` has the columns of the leaderboard, or of a study's arms.csv, where axes stand in the place of `arm`. Rows
    keep their order.
    """
    axes = [name for name in ("data", "model", "distribution", "variant") if name in arms and arms[name].nunique() > 1]
    if "arm" in arms:
        named = {"arm": arms["arm"].astype(str)}
    else:
        share = arms["sparsity"].map(lambda value: f", {100 * value:g} %" if value else "")
        named = {name: arms[name].astype(str) for name in axes} | {"arm": arms["method"].astype(str) + share}
    rows = arms.to_dict("records")
    numbers = {
        "seeds": [f"{row['seeds']:.0f}" for row in rows],
        **{f"{name} %": [_percent(row[name]) for row in rows] for name in ("clean", "robust")},
        "retention %": ["at chance" if row.get("at_chance") is True else _percent(row["retention"]) for row in rows],
        "over dense, points (95 %)": [_points(row, "gain") for row in rows],
        "over static, points (95 %)": [_points(row, "static_gain") for row in rows],
        "won, tied, lost": [_wins(row) for row in rows],
    }
    return pd.DataFrame({**{name: values.to_list() for name, values in named.items()}, **numbers})


def _percent(share: float) -> str:
    return "--" if share != share else f"{100 * share:.1f}"


def _points(row: Mapping[Any, Any], name: str) -> str:
    """A gain with its interval, in points."""
    value, low, high = (row.get(f"{name}{end}", math.nan) for end in ("", "_low", "_high"))
    if value != value:
        return "--"
    between = "" if low != low else f" ({100 * low:+.1f} to {100 * high:+.1f})"
    return f"{100 * value:+.1f}{between}".replace("-", "−")


def _wins(row: Mapping[Any, Any]) -> str:
    counts = [row.get(name, math.nan) for name in ("wins", "ties", "losses")]
    return "--" if counts[0] != counts[0] else ", ".join(f"{count:.0f}" for count in counts)


def save_tables(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write each table under its name."""
    for name, table in tables.items():
        save_table(table, folder / name)


def _is_numeric(column: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(column) and column.dtype != bool


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "--" if value != value else f"{value:.4g}"
    return escape(str(value))
