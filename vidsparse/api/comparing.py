"""Results beside each other: gains paired clip by clip, with intervals over recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import gain_numbers, gains_by_corruption
from vidsparse.evaluation.metrics import CELL, MismatchedTables
from vidsparse.evaluation.statistics import holm
from vidsparse.utils.errors import ConfigError, plural

if TYPE_CHECKING:
    from vidsparse.api.result import Result

_KEPT = ("clips", "clean", "clean_low", "clean_high", "robust", "robust_low", "robust_high", "retention")
_GAINS = ("gain", "gain_low", "gain_high", "gain_p", "relative_gain", "clean_gain", "wins", "ties", "losses")


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


def compare(
    results: "Sequence[Result | str] | Mapping[str, Result | str]", reference: str | None = None, common: bool = False
) -> pd.DataFrame:
    """One row a result, the most robust first: its numbers, and its gain over a reference with intervals.

    Args:
        results: results or folders of runs; a mapping gives them names, else they have those of their networks.
        reference: the name of the one that gains are measured against; by default the first.
        common: compare on the clips and conditions that both have, and say so in the column `note`.

    Returns:
        Columns: name (index), clips, clean and robust with 95 % intervals (clean_low, ...), retention, then gain,
        gain_low, gain_high, gain_p, gain_p_holm (corrected for being so many), relative_gain, clean_gain, wins, ties,
        losses, note. Accuracies and gains are shares; intervals are over recordings.

    Raises:
        MismatchedTables: two hold different clips or conditions, and `common` is not said.
        ConfigError: no result, a name that stands twice, or a reference that is none of them.
    """
    from vidsparse.api.result import Result, load_run

    held = [each if isinstance(each, Result) else load_run(each)
            for each in (results.values() if isinstance(results, Mapping) else results)]  # fmt: skip
    names = list(results) if isinstance(results, Mapping) else _names([each.name for each in held])
    if not held:
        raise ConfigError("compare: there is no result to compare")
    if reference is not None and reference not in names:
        raise ConfigError(f"compare: reference={reference!r} is none of {', '.join(names)}")
    place = 0 if reference is None else names.index(reference)
    rows = []
    for number, result in enumerate(held):
        row: dict[str, object] = {key: result.numbers[key] for key in _KEPT}
        if number != place:
            found = result.compare(held[place], common)
            row |= {"gain": found.gain, "gain_low": found.low, "gain_high": found.high, "gain_p": found.p}
            row |= {key: getattr(found, key) for key in _GAINS[4:]} | {"note": "; ".join(found.notes)}
        rows.append(row)
    columns = [*_KEPT, *_GAINS[:4], "gain_p_holm", *_GAINS[4:], "note"]
    table = pd.DataFrame(rows, index=pd.Index(names, name="name")).reindex(columns=columns)
    tested = table["gain_p"].notna()
    table.loc[tested, "gain_p_holm"] = holm(table.loc[tested, "gain_p"])
    return table.assign(note=table["note"].fillna("")).sort_values("robust", ascending=False, kind="stable")


def _names(given: Sequence[str]) -> list[str]:
    """Each name once: a second one of the same gets a number."""
    made: list[str] = []
    for name in given:
        again = sum(each == name or each.startswith(f"{name} (") for each in made)
        made.append(f"{name} ({again + 1})" if again else name)
    return made
