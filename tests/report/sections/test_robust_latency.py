"""Robustness over measured latency, in the report of a comparison."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from vidsparse.report.page import write_comparison

TIMES = {("dense", 1): (40.0, 44.0), ("chase", 1): (25.0, 31.0), ("dense", 2): (22.0, 30.0), ("chase", 2): (15.0, 19.0)}


def timed(out: Path, weights: dict[str, str]) -> None:
    out.mkdir()
    rows = [
        {"run": run, "weights": weights[run], "parameters": 1000, "clips": 1, "threads": threads,
         "median_ms": middle, "p95_ms": late, "turns": 15}
        for (run, threads), (middle, late) in TIMES.items()
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(out / "latency.csv", index=False)


def compared(make_run, parent: Path, stale: str = "") -> Path:
    runs, weights = [], {}
    for name, skill in (("dense", 1.6), ("chase", 1.5)):
        run = make_run(parent, name, name, skill=skill)
        (run / "checkpoints").mkdir()
        (run / "checkpoints" / "final.safetensors").write_bytes(name.encode())
        weights[name] = hashlib.sha256((stale if name == stale.removeprefix("old ") else name).encode()).hexdigest()
        runs.append(run)
    timed(parent / "out", weights)
    return write_comparison(runs, parent / "out")


def test_there_is_a_figure_for_each_number_of_threads_with_the_numbers_measured(make_run, tmp_path):
    page = compared(make_run, tmp_path)
    board = pd.read_csv(tmp_path / "out/tables/leaderboard.csv").set_index("method")
    for threads in (1, 2):
        table = pd.read_csv(tmp_path / f"out/tables/robust_latency_{threads}.csv")
        assert len(table) == 2
        for row in table.to_dict("records"):
            method = "dense" if row["arm"] == "dense" else "chase"
            assert (row["median_ms"], row["p95_ms"]) == TIMES[method, threads]
            assert row["robust"] == board.loc[method, "robust"]
            assert row["parameters"] == 1000
    assert "against latency, 2 threads" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_times_of_other_weights_are_not_shown(make_run, tmp_path):
    compared(make_run, tmp_path, stale="old chase")
    assert list(pd.read_csv(tmp_path / "out/tables/robust_latency_1.csv")["arm"]) == ["dense"]


@pytest.mark.slow
def test_without_measured_times_there_is_none(make_run, tmp_path):
    write_comparison([make_run(tmp_path, name, name) for name in ("dense", "rigl")], tmp_path / "out")
    assert not [*(tmp_path / "out/tables").glob("robust_latency*")]
