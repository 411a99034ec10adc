"""Runs under the names by which figures tell them apart, and their tables of run/analysis/ joined."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from vidsparse.report.tables import Run, reading

Subjects = Mapping[str, Sequence[Run]]  # runs by what they are called, one a seed; the two that maps show come first


def read(run: Run, name: str) -> pd.DataFrame | None:
    """A table of run/analysis/, None where it was not made or is empty."""
    path = run.path / "analysis" / f"{name}.parquet"
    if not path.exists():
        return None
    with reading(path):
        table = pd.read_parquet(path)
    return None if table.empty else table


def tables_of(subjects: Subjects, name: str) -> dict[str, pd.DataFrame]:
    """The table of each subject that has it, its seeds one after the other."""
    found = {
        label: [table for run in runs if (table := read(run, name)) is not None] for label, runs in subjects.items()
    }
    return {label: pd.concat(tables, ignore_index=True) for label, tables in found.items() if tables}


def drawn(table: pd.DataFrame, lines: int = 6) -> tuple[list[str], str]:
    """The subjects that a figure of lines can show, and what its caption says of the others."""
    arms = list(table["arm"].unique())
    more = f" {lines} of {len(arms)} arms are drawn, the table holds all." if len(arms) > lines else ""
    return arms[:lines], more


def joined(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All tables in one, the name in the column `arm`."""
    return pd.concat([table.assign(arm=label) for label, table in tables.items()], ignore_index=True)


def some_arms(table: pd.DataFrame, arms: Sequence[str], draw: Callable[[pd.DataFrame], Figure]) -> Figure:
    """Draw only the rows of these arms."""
    return draw(table[table["arm"].isin(arms)])
