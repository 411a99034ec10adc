"""Metrics of somebody's own: functions of the table of predictions, a number for each condition."""

from collections.abc import Sequence

import pandas as pd

from vidsparse.evaluation.metrics import CELL, video_level
from vidsparse.recipe_rows import METRICS, function_of
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
