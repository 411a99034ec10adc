"""The gain of one network over another, paired clip by clip."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import gain_numbers, gains_by_corruption
from vidsparse.evaluation.metrics import CELL, MismatchedTables
from vidsparse.utils.errors import plural


@dataclass(frozen=True)
class Comparison:
    """The gain of one network over another in robustness accuracy, shares of -1 to 1.

    Attributes:
        gain, low, high, p: the difference, its 95 % interval over recordings, and its p-value.
        relative_gain, clean_gain: over the other's robustness accuracy; in clean accuracy.
        wins, ties, losses: corruptions, by their mean over severities.
        per_corruption: a row a corruption: gain, low, high, p, p_holm, ... (`comparison.gains_by_corruption`).
        clips: how many both answered.
        notes: what a reader must know: another protocol, clips that were left out.
    """

    gain: float
    low: float
    high: float
    p: float
    relative_gain: float
    clean_gain: float
    wins: int
    ties: int
    losses: int
    per_corruption: pd.DataFrame
    clips: int
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = (
            f"gain {100 * self.gain:+.1f} points (95 % interval {100 * self.low:+.1f} to {100 * self.high:+.1f}, "
            f"p {self.p:.2g}), {self.wins} won, {self.ties} tied, {self.losses} lost, {plural(self.clips, 'clip')}"
        )
        return "; ".join((said, *self.notes))


def compare_tables(
    ours: pd.DataFrame, theirs: pd.DataFrame, common: bool, differs: Mapping[str, tuple[object, object]]
) -> Comparison:
    """Compare two tables of predictions; `differs` is what their protocols do not share. Raises MismatchedTables."""
    notes = [f"{key} is {one} and {two}" for key, (one, two) in differs.items()]
    if common:
        ours, theirs, left = on_common(ours, theirs)
        notes += [left] if left else []
    found = gain_numbers({0: ours}, {0: theirs})
    return Comparison(
        found["gain"], found["gain_low"], found["gain_high"], found["gain_p"], found["relative_gain"],
        found["clean_gain"], int(found["wins"]), int(found["ties"]), int(found["losses"]),
        gains_by_corruption({0: ours}, {0: theirs}), int(ours["id"].nunique()), tuple(notes),
    )  # fmt: skip


def on_common(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Both tables on the clips and conditions that both have, and a sentence on what was left out; "" for nothing.

    MismatchedTables where they have none in common.
    """
    ids = set(ours["id"]) & set(theirs["id"])
    cells = set(_cells(ours)) & set(_cells(theirs))
    if not ids or not any(cell.split("/")[0] != metrics.CLEAN for cell in cells):
        raise MismatchedTables("the two results have no clip, or no corruption and severity, in common")
    kept = [table[table["id"].isin(ids) & _cells(table).isin(cells)] for table in (ours, theirs)]
    left = [table["id"].nunique() - len(ids) for table in (ours, theirs)]
    gone = [len(set(_cells(table))) - len(cells) for table in (ours, theirs)]
    if not any((*left, *gone)):
        return kept[0], kept[1], ""
    said = (
        f"on the {plural(len(ids), 'clip')} and {plural(len(cells), 'condition')} that both have: {left[0]} and "
        f"{left[1]} clips, {gone[0]} and {gone[1]} conditions of the two left out"
    )
    return kept[0], kept[1], said


def _cells(table: pd.DataFrame) -> "pd.Series[str]":
    """The condition of each row as one text."""
    name, profile, severity = (table[column].astype(str) for column in CELL)
    return name + "/" + profile + "/" + severity
