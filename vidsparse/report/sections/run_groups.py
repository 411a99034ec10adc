"""Runs under the names by which figures tell them apart, and their tables of run/analysis/ joined."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import pandas as pd
from matplotlib.figure import Figure

from vidsparse.report.tables import Run, reading

Tables = Mapping[str, pd.DataFrame]
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


def first_of(subjects: Subjects, name: str) -> dict[str, pd.DataFrame]:
    """The table of the first run of each subject that has it."""
    found = {label: read(runs[0], name) for label, runs in subjects.items()}
    return {label: table for label, table in found.items() if table is not None}


@dataclass(frozen=True)
class AnalysisTables:
    """The tables of run/analysis/ by subject, read once; empty where none was made.

    Seeds stand one after the other in those of answers and of filters; `spatial` is of each subject's first run, and
    `corruption_spectra`, which are the data's, of one run alone.
    """

    attenuation: Tables
    fourier: Tables
    filter_spectra: Tables
    spatial: Tables
    corruption_spectra: Tables


def load_tables(subjects: Subjects) -> AnalysisTables:
    """Read them. RunFolderError where one is damaged."""
    return AnalysisTables(
        attenuation=tables_of(subjects, "attenuation"),
        fourier=tables_of(subjects, "fourier"),
        filter_spectra=tables_of(subjects, "filter_spectra"),
        spatial=first_of(subjects, "spatial"),
        corruption_spectra=_of_one(subjects, "corruption_spectra"),
    )


def _of_one(subjects: Subjects, name: str) -> dict[str, pd.DataFrame]:
    """The table of the first run of all that has it."""
    runs = ((label, run) for label, each in subjects.items() for run in each)
    found = ((label, table) for label, run in runs if (table := read(run, name)) is not None)
    return dict(islice(found, 1))


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
