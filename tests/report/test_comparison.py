"""The page that compares runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.report.page import write_comparison

MakeRun = Callable[..., Path]


def right(run: Path) -> pd.DataFrame:
    table = pd.read_parquet(run / "predictions.parquet")
    return table.assign(right=table["label"] == table["prediction"])


def test_leaderboard_is_what_pandas_counts_best_first(fake_run: MakeRun, tmp_path: Path) -> None:
    runs = {
        "d": fake_run("d", "dense", seed=1, skill=1.0),
        "r": fake_run("r", "rigl", seed=2, skill=3.0),
        "s": fake_run("s", "static", seed=3, skill=0.5),
    }
    out = write_comparison(list(runs.values()), tmp_path / "compared")
    board = pd.read_csv(out.parent / "tables" / "leaderboard.csv", index_col="run")
    robust = {name: right(run).query("corruption != 'clean'")["right"].mean() for name, run in runs.items()}
    clean = {name: right(run).query("corruption == 'clean'")["right"].mean() for name, run in runs.items()}
    assert board["robust"].to_dict() == pytest.approx(robust)
    assert board["clean"].to_dict() == pytest.approx(clean)
    assert board.index.to_list() == sorted(robust, key=robust.__getitem__, reverse=True)
    assert board.loc["r", "gain"] == pytest.approx(robust["r"] - robust["d"])
    assert board.loc["r", "relative_gain"] == pytest.approx(robust["r"] / robust["d"] - 1)
    assert pd.isna(board.loc["d", "gain"])
    page = out.read_text(encoding="utf-8")
    for name in runs:
        row = re.search(rf'<th scope="row">{name}</th>(.*?)</tr>', page, re.DOTALL)
        assert row
        assert f">{100 * robust[name]:.1f}<" in row[1]


def test_gain_figure_has_a_row_a_corruption_and_a_column_a_run(fake_run: MakeRun, tmp_path: Path) -> None:
    dense, rigl, static = fake_run("d", "dense", seed=1), fake_run("r", seed=2), fake_run("s", "static", seed=3)
    out = write_comparison([dense, rigl, static], tmp_path)
    gains = pd.read_csv(out.parent / "tables" / "gain.csv", index_col=0)
    assert gains.columns.to_list() == ["r", "s"]
    by_corruption = [right(run).groupby("corruption", observed=True)["right"].mean() for run in (rigl, dense)]
    expected = (by_corruption[0] - by_corruption[1]).drop("clean")
    assert gains["r"].to_dict() == pytest.approx({str(name): value for name, value in expected.items()})
    assert (out.parent / "figures" / "severity_curves.png").exists()


def test_without_a_dense_run_there_is_no_gain_but_a_command(fake_run: MakeRun, tmp_path: Path) -> None:
    page = write_comparison([fake_run("r"), fake_run("s", "static")], tmp_path / "out").read_text(encoding="utf-8")
    assert "No dense run is among these" in page
    assert 'id="gain"' not in page


def test_runs_on_other_clips_are_refused(fake_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(MismatchedTables, match="different clips"):
        write_comparison([fake_run("r"), fake_run("d", "dense", clips=9)], tmp_path / "out")
    assert not (tmp_path / "out" / "report.html").exists()


def test_runs_of_one_name_in_two_folders_stay_apart(fake_run: MakeRun, tmp_path: Path) -> None:
    first, second = fake_run("a", seed=1), fake_run("b", seed=2)
    (second / "run.json").write_text((first / "run.json").read_text())
    out = write_comparison([first, second], tmp_path / "out")
    assert len(pd.read_csv(out.parent / "tables" / "leaderboard.csv")) == 2


def test_names_with_html_in_them_do_no_harm_and_nothing_is_loaded(fake_run: MakeRun, tmp_path: Path) -> None:
    runs = [fake_run("<img src=x onerror=alert(1)>"), fake_run("d", "dense")]
    page = write_comparison(runs, tmp_path / "out").read_text(encoding="utf-8")
    assert "<img" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_warnings_that_all_runs_share_are_said_once(fake_run: MakeRun, tmp_path: Path) -> None:
    page = write_comparison([fake_run("r"), fake_run("d", "dense")], tmp_path / "out").read_text(encoding="utf-8")
    assert page.count("videos of the official lists missing") == 1
