"""What the tables of a run say, alone and beside its dense reference: each is computed once, and a section draws it."""

from dataclasses import dataclass

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.summary import summary
from vidsparse.evaluation.views import view_accuracy
from vidsparse.report.sections.class_boards import class_board
from vidsparse.report.tables import Run, scoreboard, severity_table

DENSE_MEAN = "mean, dense"  # the column of the reference among the curves


@dataclass(frozen=True)
class RunNumbers:
    """The numbers of one run; scores are shares, 0..1.

    `summary`: the headline numbers. `board`: corruptions by severities. `bars`: `accuracy` (and `reference`) of each
    corruption. `curves`: severities by corruptions. `gains`: of each corruption over the reference, and
    `relative_gain` of each cell; None without a reference. `views`: where there are several. `classes`: where each
    class has a score.
    """

    summary: dict[str, float]
    board: pd.DataFrame
    bars: pd.DataFrame
    curves: pd.DataFrame
    gains: pd.DataFrame | None = None
    relative_gain: pd.DataFrame | None = None
    views: pd.DataFrame | None = None
    classes: pd.DataFrame | None = None

    @property
    def severities(self) -> list[int]:
        """The severities evaluated."""
        return [int(level) for level in self.curves.index if level]

    def tables(self, score: str) -> dict[str, pd.DataFrame]:
        """{name: table} of those that stand in files of their own; `score` as the task calls it."""
        values = pd.DataFrame({"value": pd.Series(self.summary)}).rename_axis("metric")
        found = {f"{score}_matrix": self.board, "summary": values, "views": self.views}
        found |= {"relative_gain": self.relative_gain, "classes": self.classes}
        return {name: table for name, table in found.items() if table is not None}


def measure(run: Run, reference: Run | None) -> RunNumbers:
    """All numbers of a run's page. Raises MismatchedTables where the reference is of other clips or corruptions."""
    ours, dense = run.predictions, None if reference is None else reference.predictions
    board = scoreboard(ours, dense)
    bars, curves = metrics.per_corruption(ours).to_frame("accuracy"), severity_table(ours)
    if dense is not None:
        bars["reference"] = metrics.per_corruption(dense)
        curves[DENSE_MEAN] = severity_table(dense)["mean"]
    return RunNumbers(
        summary=summary(ours, dense),
        board=board,
        bars=bars,
        curves=curves,
        gains=None if dense is None else pd.DataFrame({run.label: bars["accuracy"] - bars["reference"]}),
        relative_gain=None if dense is None else metrics.relative_gain(ours, dense),
        views=view_accuracy(ours) if ours["view"].nunique() > 1 else None,
        classes=class_board(ours, run.record.data.classes) if run.task.masks else None,
    )
