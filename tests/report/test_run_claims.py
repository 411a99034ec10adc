"""What the page of a run may claim: nothing over a dense reference that guesses, and calibration with an interval."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from vidsparse.evaluation.calibration import ece_interval
from vidsparse.evaluation.summary import clean_interval
from vidsparse.report.console import console_table
from vidsparse.report.page import write_comparison, write_report
from vidsparse.report.tables import load_run

MakeRun = Callable[..., Path]
Published = tuple[Path, Path, str]
pytestmark = pytest.mark.slow


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_nothing_is_gained_over_a_dense_reference_at_chance(fake_run: MakeRun) -> None:
    run, dense = fake_run(clips=30, skill=3), fake_run("ucf101_lost", "dense", skill=-9.0, clips=30)
    page = read(write_report(run, dense))
    low, high = (f"{100 * end:.1f}" for end in clean_interval(load_run(dense).predictions))
    said = f"DENSE REFERENCE AT CHANCE: its clean accuracy, {low} to {high} %, is not above 33.3 %, "
    assert f'class="verdict">{said}' in page
    assert "cannot be compared: its dense reference answers no better than guessing</h1>" in page
    assert "the dense reference is at chance: there is nothing to gain over" in page
    assert page.count("is more robust than") == 0
    assert "of the clean accuracy survives" in page, "what it keeps of its own still stands"
    assert str(list(console_table(run, dense).renderables)[-1]).startswith("DENSE REFERENCE AT CHANCE")
    compared = read(write_comparison([run, dense], run.parent / "both"))
    assert compared.count("is more robust than") == 0
    assert "dense training of r3d_18 is at chance" in compared


def test_a_run_says_its_calibration_with_its_interval(published: Published, fake_run: MakeRun) -> None:
    run, _, page = published
    table = load_run(run).predictions
    numbers = pd.read_csv(run / "tables" / "summary.csv", index_col="metric")["value"]
    for name, corrupted in (("ece_clean", False), ("ece_corrupted", True)):
        low, high = ece_interval([table], corrupted)
        assert (numbers[f"{name}_low"], numbers[f"{name}_high"]) == pytest.approx((low, high))
        assert low <= numbers[name] <= high
        assert f"{100 * numbers[name]:.1f} points (95 % {100 * low:.1f} to {100 * high:.1f})" in page
    assert "Expected calibration error (ECE)" in page
    bare = fake_run("ucf101_bare", clips=18, severities=(3,))
    load_run(bare).predictions.drop(columns="confidence").to_parquet(bare / "predictions.parquet")
    assert "alibration" not in read(write_report(bare))
