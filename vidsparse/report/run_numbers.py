"""What the tables of a run say, alone and beside its dense reference: each is computed once, and a section draws it."""

from dataclasses import dataclass

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.calibration import ece_bounds
from vidsparse.evaluation.class_scores import class_board
from vidsparse.evaluation.summary import summary
from vidsparse.evaluation.views import view_accuracy
from vidsparse.report.tables import Run

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


@dataclass(frozen=True)
class Scores:
    """The scores of one table of predictions: of each cell (corruptions by severities), clean, and under corruption."""

    cells: pd.DataFrame
    clean: float
    robust: float


def scores_of(predictions: pd.DataFrame) -> Scores:
    """The scores of a table of predictions."""
    return Scores(
        cells=metrics.accuracy_matrix(predictions),
        clean=metrics.clean_accuracy(predictions),
        robust=metrics.robustness_accuracy(predictions),
    )


def measure(run: Run, reference: Run | None) -> RunNumbers:
    """All numbers of a run's page. Raises MismatchedTables where the reference is of other clips or corruptions."""
    ours, dense = run.predictions, None if reference is None else reference.predictions
    found = summary(ours, dense)
    found |= ece_bounds([ours], found) if "ece_clean" in found else {}
    scores, theirs = scores_of(ours), None if dense is None else scores_of(dense)
    relative = None if dense is None else metrics.relative_gain(ours, dense)
    views = view_accuracy(ours) if ours["view"].nunique() > 1 else None
    classes = class_board(ours, run.record.data.classes) if run.task.masks else None
    bars, curves = scores.cells.mean(axis=1).to_frame("accuracy"), severity_table(scores)
    if theirs is not None:
        bars["reference"] = theirs.cells.mean(axis=1)
        curves[DENSE_MEAN] = severity_table(theirs)["mean"]
    gains = None if theirs is None else pd.DataFrame({run.label: bars["accuracy"] - bars["reference"]})
    return RunNumbers(found, scoreboard(scores, theirs), bars, curves, gains, relative, views, classes)


def scoreboard(scores: Scores, reference: Scores | None = None) -> pd.DataFrame:
    """Accuracies 0..1: rows clean, each corruption and mean; columns the severities (as strings) and mean.

    The clean row has its accuracy under `mean` and NaN under the severities. With a reference, of the same clips and
    corruptions, the columns `reference` and `gain` follow.
    """
    board = _with_means(scores)
    if reference is not None:
        board["reference"] = _with_means(reference)["mean"]
        board["gain"] = board["mean"] - board["reference"]
    return board


def _with_means(scores: Scores) -> pd.DataFrame:
    board = scores.cells.copy()
    board.columns = pd.Index([*map(str, board.columns)], name="severity")
    board["mean"] = board.mean(axis=1)
    if len(board):
        board.loc["mean"] = board.mean()
        board.loc["mean", "mean"] = scores.robust
    clean = pd.DataFrame({"mean": [scores.clean]}, index=pd.Index([metrics.CLEAN]))
    return pd.concat([clean, board]).reindex(columns=board.columns).rename_axis("corruption")


def severity_table(scores: Scores) -> pd.DataFrame:
    """Accuracy 0..1 by severity (rows, 0 is clean) for each corruption and, last column, their mean."""
    matrix = scores.cells.copy()
    matrix.loc["mean"] = matrix.mean()
    matrix.insert(0, 0, scores.clean)
    return matrix.T.rename_axis("severity")
