"""The protocol of a run: what was done, with what, on which machine."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vidsparse.provenance import say_joined
from vidsparse.report.sections import cost_tables
from vidsparse.report.tables import Run
from vidsparse.report.words import count, duration, percent, some

_OWN = ("Time to train", "Time to evaluate", "Time to analyse", "Finished", "Reference", "Non-zero weights")
_OF_TRAINING = {"Weights explored", "Present from the start", "FLOPs of the training", "Optimizer state"}


def protocol(run: Run, severities: Sequence[int]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was done, as groups of (name, value); what a run does not have is left out."""
    record, config = run.record, run.config
    data, model, engine = record.data, record.model, record.engine
    groups = {
        "Data": {
            "Data set": run.data,
            "Clips": f"{count(data.n_train)} train, {count(data.n_test)} test",
            "Missing videos": count(data.missing),
            "Decoders": _listed(data.decoders),
            "Resizer": "FFmpeg, bilinear, even sides",
            "Classes": f"{data.classes_present} of {len(data.classes)} present",
            "Classes left out": some(data.foreign, shown=101),
            "Classes joined": say_joined((record.weights and record.weights.joined) or {}),
            run.words.chance_title: f"{percent(record.chance)} %",
            "Clip": _clip(config.get("data") or {}),
            "Fingerprint": data.fingerprint,
        },
        "Evaluation": {
            "Suite": _suite(str(_dig(config, "evaluation", "suite") or ""), record.corruptions_fingerprint or ""),
            "Severities": ", ".join(map(str, severities)),
            **_picked(config, "evaluation", "views", "canvas", "resolution"),
            **({"Temporal mode": mode} if (mode := _dig(config, "evaluation", "temporal")) else {}),
            "Corruption seed": _dig(config, "evaluation", "corruption_seed"),
            "Reference": record.reference or "none",
        },
        "Model and sparsity": {
            "Model": model.name,
            "Parameters": f"{count(model.parameters)}, of which {count(model.prunable)} prunable"
            if model.parameters
            else "not counted: the network is an exported file",
            "Method": run.title,
            **({} if run.method in ("dense", "given") else cost_tables.topology_values(record)),
            **cost_tables.structure_values(record),
        },
        "Cost, theoretical": cost_tables.cost_values(record),
        "Training": {
            **_picked(config, "training", "epochs", "batch_size"),
            "Optimizer": _listed(_dig(config, "training", "optimizer")),
            "Schedule": _listed(_dig(config, "training", "schedule")),
            "Training seed": _dig(config, "training", "seed"),
            **{f"Time to {what}": duration(seconds) for what, seconds in record.seconds.items()},
        },
        "Machine": {
            "Device": engine.device,
            "Precision": engine.precision,
            "Processes": engine.processes,
            "Predictions": "SHA-256 as written"
            if run.sealed
            else "no digest (an older run): damage would go unnoticed",
            "Corruption code": record.corruptions_fingerprint or "not written down yet",
            "Versions": ", ".join(f"{package} {version}" for package, version in record.versions.items()),
            "Finished": (record.finished or "")[:19].replace("T", " "),
        },
    }
    if run.method == "given":  # weights of somebody's, evaluated as they are: no training was done here
        groups["Model and sparsity"].pop("Method")
        groups["Model and sparsity"] |= {
            "Weights": _dig(config, "model", "weights"),
            "Zeros": cost_tables.zeros(record.topology),
        }
        for group in groups.values():
            for name in _OF_TRAINING & group.keys():
                del group[name]
        kept = ("Time to evaluate", "Time to analyse")
        groups["Evaluation"] |= {name: value for name, value in groups.pop("Training").items() if name in kept}
    return [
        (group, [(name, str(value)) for name, value in facts.items() if value not in (None, "")])
        for group, facts in groups.items()
        if facts
    ]


def shared_protocol(runs: Sequence[Run], severities: Sequence[int]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was done in all of these runs, at these severities; where they differ, each value, at most four."""
    whole = [{group: dict(facts) for group, facts in protocol(run, severities)} for run in runs]
    found = []
    for group, facts in whole[0].items():
        if group == "Cost, theoretical":
            continue
        rows = []
        for name in facts:
            values = list(dict.fromkeys(each.get(group, {}).get(name, "none") for each in whole))
            if name not in _OWN and len(values) <= 4:
                rows.append((name, "; ".join(values)))
        found.append((group, rows))
    return found


def _clip(data: Mapping[str, Any]) -> str:
    size = f"{data['size']} × {data['size']} px" if "size" in data else ""
    frames = f"{data['frames']} frames, every {data['stride']}" if {"frames", "stride"} <= data.keys() else ""
    return ", ".join(part for part in (frames, str(data.get("sampling") or ""), size) if part)


def _dig(config: Mapping[str, Any], *keys: str) -> Any:
    value: Any = config
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _listed(settings: Mapping[str, Any] | None) -> str:
    return ", ".join(str(value) if key == "name" else f"{key} {value}" for key, value in (settings or {}).items())


def _suite(name: str, fingerprint: str) -> str:
    """The suite, with its version where that is known: the one that the run was evaluated with, not the one of now.

    >>> _suite("video_c", "numpy 2.4.6, video_c 2, x86_64"), _suite("core_10", "video_c 2")
    ('video_c, version 2', 'core_10')
    """
    found = re.search(r"\bvideo_c (\d+)", fingerprint)
    return f"{name}, version {found[1]}" if found and name.startswith("video_c") else name


def _picked(config: Mapping[str, Any], block: str, *keys: str) -> dict[str, Any]:
    return {key.replace("_", " ").capitalize(): _dig(config, block, key) for key in keys}
