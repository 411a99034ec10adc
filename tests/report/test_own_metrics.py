"""Metrics of one's own on the page of a run and in a comparison."""

import re

import pandas as pd
import pytest

from vidsparse.evaluation.metrics import video_level
from vidsparse.recipe_rows import METRICS
from vidsparse.report.page import write_comparison, write_report


@pytest.mark.slow
def test_metrics_of_ones_own_are_on_the_page_of_a_run_and_in_a_comparison(fake_run, tmp_path, monkeypatch):
    monkeypatch.setitem(METRICS, "tenfold", lambda rows: 10 * (rows["prediction"] == rows["label"]).mean())
    runs = [fake_run("first", severities=(1, 3)), fake_run("second", "static", severities=(1, 3), seed=1)]
    for path in (run / "config.yaml" for run in runs):
        text = path.read_text()
        path.write_text(text.replace("figures: none}", "figures: none, metrics: [tenfold, gone]}"))
    rows = video_level(pd.read_parquet(runs[0] / "predictions.parquet"))
    right = 10 * (rows["prediction"] == rows["label"])
    conditions = right.groupby([rows["corruption"], rows["severity"]], sort=False).mean()
    page = write_report(runs[0]).read_text()
    assert 'id="own-metrics"' in page
    for name, value in conditions.groupby("corruption").mean().items():
        shown = re.search(rf'{str(name).replace("_", " ")}</th><td data-value="([^"]+)">{value:.4g}</td>', page)
        assert shown
        assert float(shown[1]) == pytest.approx(value)
    page = write_comparison(runs, tmp_path / "out").read_text()
    table = pd.read_csv(tmp_path / "out" / "tables" / "own_metrics.csv", index_col="arm")
    assert len(table) == 2
    assert table.iloc[0]["tenfold corrupted"] == pytest.approx(conditions.drop("clean").mean())
    assert table.iloc[0]["tenfold clean"] == pytest.approx(conditions["clean"].iloc[0])
    assert f"{table.iloc[1]['tenfold corrupted']:.4g}</td>" in page
    assert "own-metrics" not in write_report(fake_run("third", severities=(1,))).read_text()
