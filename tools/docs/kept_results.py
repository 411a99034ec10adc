"""python -m tools.docs.kept_results: results.json of the studies of docs/results.md, from what is kept in docs/results.

Their run folders are not kept, only tables and, of small ones, predictions. So an entry says what these files and the
command on the page say; everything else is null, and `note` says so. A newer study brings the results.json of its
comparison along and needs no row here.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import arm_numbers
from vidsparse.evaluation.groups import clip_groups
from vidsparse.evaluation.statistics import clip_interval
from vidsparse.report import result_file

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
NOTE = (
    "Made from what docs/results keeps, not from run folders: null, and the fingerprint 'unknown', stand for what is "
    "not kept there. protocol.code_of sets studies apart that other code made."
)
_UNKNOWN = dict.fromkeys((
    "views", "crops", "canvas", "resolution", "temporal", "corruption_seed", "eval_source", "eval_split", "stride",
    "sampling", "short", "short_side", "answers", "suite_version", "frost_textures", "split",
))  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """One folder: what the page says of its data and protocol, `made` when; `answers` that a network chose from."""

    description: str
    answers: int
    made: str
    protocol: Mapping[str, Any]
    test_samples: int


_CIFAR: Final = {"suite": "cifar_c_19", "severities": [1, 3, 5], "source": "packed", "frames": 1, "size": 32}
_UCF: Final = {"suite": "video_c", "severities": [1, 3, 5], "source": "ucf101", "frames": 8, "short_side": 64,
               "size": 56, "views": 1}  # fmt: skip
_I3D: Final = {"suite": "video_c", "suite_version": 2, "severities": [3], "source": "class_folders", "frames": 16,
               "stride": 2, "size": 224, "views": 1, "answers": "all"}  # fmt: skip
_CIFAR_DATA: Final = "CIFAR-10 (JPEG form, a tenth of the images)"
STUDIES: Final = {
    "cifar10_resnet20": Kept(_CIFAR_DATA, 10, "23 November 2026", _CIFAR, 1000),
    "cifar10_resnet20_set_rigl": Kept(_CIFAR_DATA, 10, "29 and 30 November 2026, 7baf72b", _CIFAR, 1000),
    "ucf101_three_classes": Kept("three classes of UCF101", 101, "22 November 2026", _UCF, 48),
}
WEIGHTS: Final = {
    "i3d_temporal": Kept("three classes of UCF101, any of the 400 classes of Kinetics may be answered", 400,
                         "29 and 30 November 2026, 760c397", _I3D, 72),
}  # fmt: skip


def write_all(folder: Path = RESULTS) -> None:
    """Write results.json into each of these folders."""
    for name, kept in STUDIES.items():
        result_file.write(folder / name, of_study(folder / name, kept))
    for name, kept in WEIGHTS.items():
        result_file.write(folder / name, of_weights(folder / name, kept))


def of_study(folder: Path, kept: Kept) -> list[dict[str, Any]]:
    """An entry a row of leaderboard.csv; each corruption's score where predictions are kept."""
    rows = pd.read_csv(folder / "leaderboard.csv").to_dict("records")
    dense = next(row for row in rows if row["method"] == "dense")
    return [_of_row(row, folder, kept, dense["parameters"]) for row in rows]


def of_weights(folder: Path, kept: Kept) -> list[dict[str, Any]]:
    """An entry a mode in which corruptions move: one network, one table of predictions each."""
    found = []
    for mode in ("static", "drift", "independent"):
        tables = _tables(folder, [mode])
        row = arm_numbers(dict(enumerate(tables)))
        about = {"name": "I3D, weights of Kinetics-400", "runs": [f"i3d_ucf_{mode}"], "model": "i3d", "method": "given",
                 "sparsity": 0.0, "distribution": None, "seeds": [0], "parameters": None, "nonzero": None}  # fmt: skip
        entry = _entry(about, row, folder, kept, [mode])
        found.append(entry | {"protocol": {**entry["protocol"], "temporal": mode}})
    return [{key: value for key, value in entry.items() if key != "parameters"} for entry in found]


def _of_row(row: Mapping[Any, Any], folder: Path, kept: Kept, parameters: float) -> dict[str, Any]:
    names = row["runs"].split()
    about = {
        "name": row["arm"],
        "runs": names,
        "model": row["model"],
        "method": row["method"],
        "sparsity": row["sparsity"],
        "distribution": "erk" if row["sparsity"] else None,
        "seeds": sorted(int(name.rpartition("seed")[2]) for name in names),
        "parameters": int(parameters),
        "nonzero": row["parameters"],
    }
    return _entry(about, {**row, **_retention(row, folder)}, folder, kept, names)


def _retention(row: Mapping[Any, Any], folder: Path) -> dict[str, float]:
    """Bounds of the retention: of predictions, else of arms.csv, where that has them."""
    if tables := _tables(folder, row["runs"].split()):
        numbers = arm_numbers(dict(enumerate(tables)))
        return {name: numbers[name] for name in ("retention_low", "retention_high")}
    arms = pd.read_csv(folder / "arms.csv").set_index("method").loc[row["method"]]
    return {name: arms[name] for name in ("retention_low", "retention_high") if name in arms}


def _entry(about: dict[str, Any], row: Mapping[Any, Any], folder: Path, kept: Kept, files: list[str]) -> dict[str, Any]:
    tables = _tables(folder, files)
    return {
        **about,
        "task": "classification",
        "score": "accuracy",
        "data": {"description": kept.description, "sample_data": False, "fingerprint": "unknown",
                 "classes": kept.answers, "test_samples": kept.test_samples},
        "protocol": {**_UNKNOWN, **kept.protocol, "corruptions": sorted(_corruptions(folder, tables)),
                     "code_of": kept.made},
        "chance": 1 / kept.answers,
        "at_chance": _at_chance(row, tables, 1 / kept.answers, about["method"] == "given"),
        **{name: _interval(row, name) for name in ("clean", "robust", "retention")},
        "gain_over_dense": _interval(row, "gain"),
        "gain_over_static": _interval(row, "static_gain"),
        "corruptions": _corruptions(folder, tables),
        "corruption_code": None,
        "predictions_sha256": [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
                               for path in _paths(folder, files)],
        "versions": {},
        "finished": None,
        "note": NOTE,
    }  # fmt: skip


def _at_chance(row: Mapping[Any, Any], tables: list[pd.DataFrame], chance: float, given: bool) -> bool:
    """As `Arm.is_at_chance` has it; without predictions by the interval over seeds as well, which is wider."""
    if not tables:
        return bool(row["clean_low"] <= chance)
    labels = metrics.clean_rows(tables[0])["label"]
    floor = chance if given else max(chance, float(labels.value_counts(normalize=True).max()))
    scores = pd.DataFrame([metrics.clean_scores(table) for table in tables]).astype(float).mean()
    return bool(clip_interval(scores, clip_groups(tables[0]))[0] <= floor)


def _corruptions(folder: Path, tables: list[pd.DataFrame]) -> dict[str, float | None]:
    if tables:
        scores = pd.concat([metrics.per_corruption(table) for table in tables], axis=1).mean(axis=1)
        return {str(name): float(score) for name, score in scores.items()}
    return dict.fromkeys(pd.read_csv(folder / "corruption_gains.csv")["corruption"])


def _interval(row: Mapping[Any, Any], name: str) -> dict[str, float | None] | None:
    value = row.get(name, math.nan)
    ends = {end: row.get(f"{name}_{end}", math.nan) for end in ("low", "high")}
    return None if value != value else {"value": value, **{end: None if x != x else x for end, x in ends.items()}}


def _paths(folder: Path, names: list[str]) -> list[Path]:
    return [folder / f"{name}.parquet" for name in names]


def _tables(folder: Path, names: list[str]) -> list[pd.DataFrame]:
    """The predictions kept of these runs, all of them or none."""
    return [pd.read_parquet(path) for path in _paths(folder, names) if path.is_file()]


if __name__ == "__main__":
    write_all()
