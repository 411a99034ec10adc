"""The accuracy matrix for the terminal."""

import math
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from vidsparse.evaluation import metrics
from vidsparse.evaluation.summary import summary
from vidsparse.report.run_numbers import scoreboard, scores_of
from vidsparse.report.tables import load_run
from vidsparse.report.words import percent, signed, verdict


def console_table(run: Path, reference: Path | None = None) -> Group:
    """Title, accuracies in percent (corruption x severity, means, gain over the reference run), verdict.

    Raises RunFolderError and MismatchedTables as `write_report` does.
    """
    ours, dense = load_run(run), load_run(reference) if reference else None
    against = dense.predictions if dense else None
    numbers = summary(ours.predictions, against)
    board = scoreboard(scores_of(ours.predictions), None if against is None else scores_of(against))
    table = Table()
    table.add_column("corruption", no_wrap=True)
    for column in board.columns:
        table.add_column(
            f"severity {column}" if column.isdigit() else column.replace("reference", "dense"), justify="right"
        )
    for name, row in board.iterrows():
        cells = [_cell(column, float(value)) for column, value in row.items()]
        table.add_row(Text(str(name)), *cells, style="bold" if name in (metrics.CLEAN, "mean") else None)
    for name, accuracy in metrics.probe_accuracy(ours.predictions).items():
        table.add_row(Text(f"probe: {name}"), *(percent(float(accuracy)) if c == "mean" else "" for c in board.columns))
    title = Text(f"{ours.name} · {ours.data} · {ours.words.score} in %", style="bold")
    return Group(title, table, Text(verdict(ours, numbers, dense)))


def _cell(column: object, value: float) -> str:
    if math.isnan(value):
        return ""
    return signed(value) if column == "gain" else percent(value)
