"""The table on the console."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
from rich.console import Console

from vidsparse.report.console import console_table


def printed(run: Path, reference: Path | None = None) -> str:
    console = Console(width=120, file=StringIO())
    with console.capture() as capture:
        console.print(console_table(run, reference))
    return capture.get()


def test_rows_hold_the_numbers_that_pandas_counts(fake_run: Callable[..., Path]) -> None:
    run = fake_run()
    table = pd.read_parquet(run / "predictions.parquet").query("corruption == 'freeze'")
    row = next(line for line in printed(run).splitlines() if "freeze" in line)
    for share in (table["label"] == table["prediction"]).groupby(table["severity"]).mean():
        assert f"{100 * share:.1f}" in row


def test_reference_adds_its_mean_and_the_gain(fake_run: Callable[..., Path]) -> None:
    text = printed(fake_run(seed=1), fake_run("d", "dense", seed=2))
    header = next(line for line in text.splitlines() if "corruption" in line)
    assert header.split()[-4:-1] == ["dense", "┃", "gain"]
    assert "robust" in text


def test_sample_data_is_named_and_markup_in_names_is_not_obeyed(fake_run: Callable[..., Path]) -> None:
    text = printed(fake_run("[red]run[/red]", sample=True))
    assert "built-in sample data" in text
    assert "[red]run[/red]" in text
