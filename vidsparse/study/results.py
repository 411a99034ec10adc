"""What a study found, as tables: from predictions alone, so that they can be made again at any time."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import (
    Arm,
    arm_numbers,
    gain_numbers,
    gains_by_corruption,
    power_note,
    relative_gains,
)
from vidsparse.evaluation.predictions import load
from vidsparse.report.latex import paper_table, to_latex
from vidsparse.run_dir.record import read_whole
from vidsparse.sparsity.methods import METHODS
from vidsparse.study.planned_runs import Planned
from vidsparse.utils import csv_text, files

AXES = ["data", "model", "method", "sparsity", "distribution", "variant"]
Key = tuple[str, str, str, float, str, str]
DENSE = ("dense", 0.0, "", "")  # the control, where all arms of a data set and a model find it


def write_results(runs: Sequence[Planned], out: Path) -> tuple[pd.DataFrame, list[str]]:
    """Write out/tables/*.csv and out/study.json from the finished runs; returns the table of arms and the power notes.

    runs.csv: one row a run. arms.csv: one row an arm (`AXES`), means over seeds
    with intervals over seeds and recordings, gains over dense and over static of the same sparsity and distribution;
    arms.tex: the same as a table of a paper.
    corruption_gains.csv and relative_gains.csv: gains over dense by corruption, and by corruption and severity.
    power.csv: what can be seen. control_gains.csv: gains over the further controls made for an arm.
    """
    tables = {run.name: load(run.folder / "predictions.parquet") for run in runs}
    arms: dict[Key, dict[int, pd.DataFrame]] = {}
    for run in runs:
        arms.setdefault(run.arm, {})[run.seed] = tables[run.name]
    board = _leaderboard(arms)
    notes = [
        {"data": data, "model": model, **power_note(arms_of)} for (data, model), arms_of in _settings(arms).items()
    ]
    (out / "tables").mkdir(parents=True, exist_ok=True)
    made = {
        "runs": pd.DataFrame([_run_row(run, tables[run.name]) for run in runs]),
        "arms": board,
        "corruption_gains": _against_dense(arms, gains_by_corruption),
        "relative_gains": _against_dense(arms, relative_gains),
        "power": pd.DataFrame(notes),
        "control_gains": _against_controls(arms),
    }
    for name, table in made.items():
        files.write(out / "tables" / f"{name}.csv", csv_text.safe(table.to_csv(index=False)))
    files.write(out / "tables" / "arms.tex", to_latex(paper_table(board)))
    said = [str(note["note"]) for note in notes]
    about = {"runs": [{**_axes(run.arm), "seed": run.seed, "folder": run.name} for run in runs], "power": said}
    files.write(out / "study.json", json.dumps(about, indent=1) + "\n")
    return board, said


def console_board(board: pd.DataFrame) -> Table:
    """The table of arms for the terminal: percent, points, and 95 % intervals."""
    axes = [axis for axis in ("data", "model") if board[axis].nunique() > 1]
    table = Table(title="means over seeds in %, gains in points [95 % interval over seeds and recordings]", padding=0)
    several = board.loc[board["method"] != "dense", "distribution"].nunique() > 1
    spread = [*(["distribution"] if several else []), *(["variant"] if board["variant"].any() else [])]
    for title in (
        *axes,
        "method",
        "sparsity",
        *spread,
        "seeds",
        "clean",
        "robust",
        "over dense",
        "wins",
        "over static",
    ):
        table.add_column(title, justify="left" if title in (*axes, "method", "distribution", "variant") else "right")
    for _, row in board.iterrows():
        wins = "" if math.isnan(row["wins"]) else f"{row['wins']:.0f}/{row['wins'] + row['ties'] + row['losses']:.0f}"
        table.add_row(
            *(str(row[axis]) for axis in axes),
            str(row["method"]),
            f"{row['sparsity']:g}" if row["sparsity"] else "",
            *(str(row[name]) for name in spread),
            str(row["seeds"]),
            f"{100 * row['clean']:.1f}",
            f"{100 * row['robust']:.1f}",
            _points(row["gain"], row["gain_low"], row["gain_high"]),
            wins,
            _points(row["static_gain"], row["static_gain_low"], row["static_gain_high"]),
        )
    return table


def _leaderboard(arms: Mapping[Key, Arm]) -> pd.DataFrame:
    rows = []
    for key, arm in arms.items():
        row: dict[str, Any] = {**_axes(key), "dynamic": METHODS[key[2]].dynamic, **arm_numbers(arm)}
        dense, static = (*key[:2], *DENSE), (*key[:2], "static", *key[3:5], "")
        if key != dense and dense in arms:
            row |= gain_numbers(arm, arms[dense])
        if METHODS[key[2]].dynamic and static in arms:
            row |= {f"static_{name}": value for name, value in gain_numbers(arm, arms[static]).items()}
        rows.append(row)
    wanted = ["gain", "gain_low", "gain_high", "wins", "ties", "losses"]
    table = pd.DataFrame(rows)
    columns = [*table.columns, *(n for n in (*wanted, *(f"static_{n}" for n in wanted)) if n not in table.columns)]
    return table.reindex(columns=columns)


def _against_controls(arms: Mapping[Key, Arm]) -> pd.DataFrame:
    """Gains of arms over the further controls that are made for them: of the same links rearranged, of the same size.

    One row a pair, with `over` what control: shuffled and reset of the same method, sparsity and distribution, and
    narrow of the same sparsity; and reset over shuffled, which is what the places of links are worth.
    """
    rows = []
    for key, arm in arms.items():
        others: tuple[str, ...] = ("shuffled", "reset") if not key[5] else ("shuffled",) if key[5] == "reset" else ()
        pairs: dict[str, Key] = {name: (*key[:5], name) for name in others}
        if key[3] and not key[5]:
            pairs["narrow"] = (*key[:2], "dense", key[3], "", "narrow")
        for name, other in pairs.items():
            if other in arms:
                rows.append({**_axes(key), "over": name, **gain_numbers(arm, arms[other])})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*AXES, "over", "gain"])


def _against_dense(arms: Mapping[Key, Arm], compare: Any) -> pd.DataFrame:
    parts = [
        compare(arm, arms[*key[:2], *DENSE]).assign(**_axes(key))
        for key, arm in arms.items()
        if key[2:] != DENSE and (*key[:2], *DENSE) in arms
    ]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=AXES)
    return table[[*AXES, *(name for name in table.columns if name not in AXES)]]


def _settings(arms: Mapping[Key, Arm]) -> dict[tuple[str, str], list[Arm]]:
    """The arms that share data and model."""
    found: dict[tuple[str, str], list[Arm]] = {}
    for key, arm in arms.items():
        found.setdefault(key[:2], []).append(arm)
    return found


def _run_row(run: Planned, table: pd.DataFrame) -> dict[str, Any]:
    record = read_whole(run.folder)
    return {
        **_axes(run.arm),
        "seed": run.seed,
        "run": run.name,
        "clean": metrics.clean_accuracy(table),
        "robust": metrics.robustness_accuracy(table),
        "retention": metrics.retention(table),
        "parameters": record.model.parameters,
        "nonzero": record.nonzero,
        "seconds_train": record.seconds.get("train", math.nan),
        "seconds_evaluate": record.seconds.get("evaluate", math.nan),
    }


def _axes(key: Key) -> dict[str, Any]:
    return dict(zip(AXES, key, strict=True))


def _points(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return ""
    between = "" if math.isnan(low) else f" [{100 * low:+.1f} {100 * high:+.1f}]"
    return f"{100 * value:+.1f}{between}"
