"""Metrics of somebody's own: functions of the table of predictions, a number for each condition."""

from collections.abc import Mapping, Sequence

import pandas as pd

from vidsparse.evaluation.metrics import CELL, CLEAN, PROBE, video_level
from vidsparse.recipe_rows import METRICS, function_of
from vidsparse.report.tables import Run
from vidsparse.utils.errors import ConfigError
from vidsparse.utils.progress import warn


def own_metrics(predictions: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """A row a condition (corruption, profile, severity) with a column a metric, by its name.

    Each is a function of the rows of one condition, a row a video (see `evaluation.metrics`) -> float. ConfigError for
    an unknown one, or one that gives no number.
    """
    rules = {name: function_of(METRICS.find(name)) for name in names}
    rows = []
    for cell, rows_of_cell in video_level(predictions).groupby(CELL, sort=False):
        assert isinstance(cell, tuple)
        values = {name: _number(name, rule(rows_of_cell.copy())) for name, rule in rules.items()}
        rows.append(dict(zip(CELL, cell, strict=True)) | values)
    return pd.DataFrame(rows)


def of_run(run: Run) -> pd.DataFrame | None:
    """`own_metrics` of those that the run's config names and that there are; None where there is none."""
    names = loaded((run.config.get("report") or {}).get("metrics") or ())
    return own_metrics(run.predictions, names) if names else None


def by_corruption(table: pd.DataFrame) -> pd.DataFrame:
    """A row a corruption, "clean" first, with the mean of each metric over severities."""
    return table.drop(columns=["profile", "severity"]).groupby("corruption", sort=False).mean()


def of_arms(arms: Mapping[str, Sequence[Run]]) -> pd.DataFrame | None:
    """A row an arm: "NAME clean" and "NAME corrupted", the mean over conditions, then over seeds; None without any."""
    rows = {}
    for label, runs in arms.items():
        if found := [_clean_and_corrupted(table) for table in map(of_run, runs) if table is not None]:
            rows[label] = pd.DataFrame(found).mean()
    return pd.DataFrame(rows).T.rename_axis("arm") if rows else None


def _clean_and_corrupted(table: pd.DataFrame) -> dict[str, float]:
    is_clean, values = table["corruption"] == CLEAN, table.drop(columns=CELL)
    parts = {"clean": values[is_clean], "corrupted": values[~is_clean & (table["profile"] != PROBE)]}
    return {f"{name} {part}": rows[name].mean() for name in values for part, rows in parts.items() if len(rows)}


def loaded(names: Sequence[str]) -> list[str]:
    """Those of the names that there are; that another is of a plug-in that is gone is said."""
    for name in names:
        if name not in METRICS:
            warn(f"report.metrics={name} is left out: {METRICS.hint(name)}")
    return [name for name in names if name in METRICS]


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]  # what is none is what is asked
    except (TypeError, ValueError):
        raise ConfigError(f"report.metrics={name}: it gives {value!r}, not a number") from None
