"""results.json, beside a report: its headline numbers in one form that a leaderboard or a registry can take.

The form is `results.schema.json`, beside this module. Scores are shares, 0 to 1; what is not defined is null.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from corruptions import SUITES
from vidsparse.evaluation import metrics
from vidsparse.report.arms import Arm
from vidsparse.report.run_numbers import RunNumbers
from vidsparse.report.schema_check import faults
from vidsparse.report.tables import Run
from vidsparse.report.words import is_at_chance
from vidsparse.utils import files, json_text
from vidsparse.utils.errors import RunFolderError

NAME, FORMAT, VERSION = "results.json", "vidsparse-results", 1
SCHEMA = Path(__file__).with_name("results.schema.json")
_PROTOCOL = {
    "evaluation": ("suite", "views", "crops", "canvas", "resolution", "temporal", "corruption_seed"),
    "data": ("source", "split", "eval_source", "eval_split", "frames", "stride", "short", "short_side", "size"),
    "model": ("answers",),
}


def of_run(run: Run, numbers: RunNumbers) -> dict[str, Any]:
    """The entry of one run; `numbers` beside its dense reference where there is one."""
    found = numbers.summary
    scores = {name: _interval(found, name) for name in ("clean", "robust", "retention", "gain")}
    means = numbers.board["mean"].drop(["clean", "mean"], errors="ignore")
    return _entry({0: run}, run.label, scores, means) | {"at_chance": is_at_chance(run, found), "seeds": [_seed(run)]}


def of_arms(arms: Sequence[Arm], leaders: pd.DataFrame, boards: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """An entry an arm of a comparison, means over its seeds, the most robust first."""
    by_label = {arm.label: arm for arm in arms}
    found = []
    for row in leaders.to_dict("records"):
        arm = by_label[row["arm"]]
        scores = {name: _interval(row, name) for name in ("clean", "robust", "retention", "gain", "static_gain")}
        means = boards[arm.label]["mean"].drop(["clean", "mean"], errors="ignore")
        entry = _entry(arm.runs, arm.label, scores, means)
        found.append(entry | {"at_chance": bool(row["at_chance"]), "seeds": sorted(arm.runs)})
    return found


def write(folder: Path, entries: Sequence[Mapping[str, Any]]) -> Path:
    """Write folder/results.json."""
    said = {"format": FORMAT, "version": VERSION, "entries": list(entries)}
    text = json.dumps(_plain(said), indent=1, allow_nan=False, ensure_ascii=False)
    files.write(folder / NAME, text + "\n")
    return folder / NAME


def read(folder: Path) -> list[dict[str, Any]]:
    """The entries of folder/results.json; RunFolderError where there is none, or of another form."""
    path = folder / NAME
    absent = "remake its report (vidsparse report RUN), which writes it"
    said = json_text.read_form(path, (FORMAT, VERSION), absent, "remake the report, which writes it anew")
    if fault := next(faults(said, json_text.parsed(SCHEMA.read_text(encoding="utf-8"))), None):
        raise RunFolderError(f"{path}: {fault}; remake the report (vidsparse report RUN), which writes it anew")
    return list(said["entries"])


def _entry(runs: Mapping[int, Run], label: str, scores: Mapping[str, Any], means: "pd.Series[float]") -> dict[str, Any]:
    first = runs[min(runs)]
    record, topology = first.record, first.record.topology
    sparse = first.method not in ("dense", "given")
    return {
        "name": label,
        "runs": [run.name for run in runs.values()],
        "task": first.task.name,
        "score": first.words.score,
        "model": record.model.name,
        **({"parameters": record.model.parameters} if record.model.parameters else {}),
        "method": first.method,
        "sparsity": topology.sparsity if sparse else 0.0,
        "distribution": topology.distribution if sparse else None,
        "nonzero": record.nonzero,
        "data": {
            "description": first.data,
            "sample_data": first.on_sample_data,
            "fingerprint": record.data.fingerprint,
            "classes": len(record.data.classes),
            "test_samples": record.data.n_test,
        },
        "protocol": _protocol(first),
        "chance": record.chance,
        "clean": scores["clean"],
        "robust": scores["robust"],
        "retention": scores["retention"],
        "gain_over_dense": scores["gain"],
        "gain_over_static": scores.get("static_gain"),
        "corruptions": {str(name): value for name, value in means.items()},
        "corruption_code": record.corruptions_fingerprint or None,
        "predictions_sha256": [_digest(run) for run in runs.values()],
        "versions": dict(record.versions),
        "finished": record.finished,
    }


def _protocol(run: Run) -> dict[str, Any]:
    """What makes two entries comparable, beside the test samples: as evaluated, not as asked for (null: all, default).

    `corruptions` are the suite's that were used, `frost_textures` a digest of photographs of somebody's, `sampling`
    where test clips lie.
    """
    blocks = {block: run.config.get(block) or {} for block in _PROTOCOL}
    suite, said = str(blocks["evaluation"].get("suite") or ""), run.record.corruptions_fingerprint or ""
    frost, cells = re.search(r"\bfrost (\w+)", said), metrics.corrupted_rows(run.predictions)
    return {
        **{key: blocks[block].get(key) for block, keys in _PROTOCOL.items() for key in keys},
        "suite_version": suite_version(suite, said),
        "severities": sorted({int(level) for level in cells["severity"]}),
        "corruptions": sorted(set(map(str, metrics.cell_names(cells)))),
        "sampling": blocks["evaluation"].get("sampling") or blocks["data"].get("sampling"),
        "frost_textures": frost[1] if frost else blocks["evaluation"].get("frost_textures") and "own",
    }


def suite_version(name: str, fingerprint: str) -> int | None:
    """The version of a suite that a run was evaluated with, by its fingerprint where that says one; None if unknown.

    >>> suite_version("video_c", "numpy 2.4.6, video_c 2, x86_64"), suite_version("core_10", "video_c 2")
    (2, 1)
    """
    found = re.search(r"\bvideo_c (\d+)", fingerprint)
    if found and name.startswith("video_c"):
        return int(found[1])
    return SUITES[name].version if name in SUITES and not name.startswith("video_c") else None


def _interval(numbers: Mapping[Any, Any], name: str) -> dict[str, float] | None:
    value = numbers.get(name, math.nan)
    if value != value:
        return None
    return {"value": value, "low": numbers.get(f"{name}_low"), "high": numbers.get(f"{name}_high")}


def _digest(run: Run) -> str | None:
    seal = files.seal_of(run.path / "predictions.parquet")
    return seal.read_text().split()[0] if seal.is_file() else None


def _seed(run: Run) -> int:
    return int((run.config.get("training") or {}).get("seed") or 0)


def _plain(value: Any) -> Any:
    """The same with null for what is no number, and numbers that JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
