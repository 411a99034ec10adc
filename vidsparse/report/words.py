"""What a report says in words: verdict, protocol, warnings and definitions."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vidsparse.data.load import say_untrained
from vidsparse.evaluation.metrics import accuracy_matrix, clean_rows, undecodable
from vidsparse.evaluation.summary import undecided_words
from vidsparse.provenance import say_joined
from vidsparse.report.sections import class_boards, cost_tables
from vidsparse.report.tables import Run
from vidsparse.run_dir.record import DataRecord
from vidsparse.tasks import Task
from vidsparse.utils.errors import plural

FEW_UPDATES = 5
_OWN = ("Time to train", "Time to evaluate", "Time to analyse", "Finished", "Reference", "Non-zero weights")
_OF_TRAINING = {"Weights explored", "Present from the start", "FLOPs of the training", "Optimizer state"}
WIDE = 0.05  # half-width of the clean accuracy's interval from which the page warns

DEFINITIONS = (
    (
        "Clean accuracy",
        "A_clean = right / clips",
        "Top-1, one prediction a video (mean over its views). A clip that cannot be decoded counts as wrong. "
        "Interval: Wilson score, 95 %, at the effective number of clips: those of one recording are not independent.",
        "Wilson 1927, “Probable Inference, the Law of Succession, and Statistical Inference”",
    ),
    (
        "Robustness accuracy",
        "R = 1 / (|C| |S|) · Σ_c Σ_s A(c, s)",
        "Mean accuracy over all corruptions c and severities s; called mPC elsewhere. "
        "Interval: bootstrap over recordings, 95 %, each clip with its share of cells answered right.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, section 4",
    ),
    (
        "Retention",
        "R / A_clean",
        "Share of the clean accuracy that survives corruption; called rPC elsewhere.",
        "“Benchmarking Robustness in Object Detection”, arXiv 1907.07484",
    ),
    (
        "Gain and relative gain",
        "A_a − A_d,   (A_a − A_d) / A_d",
        "Of a run (a) over the dense reference (d), in points and as a share of the reference, for a corruption and "
        "severity or of the robustness accuracies. Interval: normal, 95 %, over paired clips. A corruption is won "
        "where its mean over severities is higher.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, footnote 2",
    ),
    (
        "Sparsity and density",
        "density = non-zero / total = 1 − sparsity",
        "Counted over the weights that the method may prune; norms and biases stay dense.",
        "“Rigging the Lottery”, arXiv 1911.11134",
    ),
    *cost_tables.DEFINITIONS,
)


def definitions(task: Task) -> tuple[tuple[str, str, str, str], ...]:
    """How the numbers of a page are defined: (name, formula, meaning, source)."""
    return (*class_boards.DEFINITIONS, *DEFINITIONS[4:]) if task.masks else DEFINITIONS


def percent(share: float) -> str:
    """0.413 as "41.3"; an undefined number as a dash."""
    return "–" if math.isnan(share) else f"{100 * share:.1f}"


def signed(share: float) -> str:
    """0.021 as "+2.1", with a true minus sign; what rounds to zero without a sign; an undefined number as a dash."""
    if math.isnan(share) or not round(100 * share, 1):
        return "–" if math.isnan(share) else "0.0"
    return f"{100 * share:+.1f}".replace("-", "−")


def count(number: float) -> str:
    """12345 as "12,345"."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """3725 as "1 h 2 min", 95 as "1 min 35 s"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def verdict(run: Run, numbers: Mapping[str, float]) -> str:
    """The result in one sentence, in the words of the run's task; `numbers` is `summary`, with a reference or without.

    A network whose clean accuracy is not above chance is told so first, and no success is made of what it keeps.
    """
    say, said = run.task.say, {"opening": _opening(run), "clean": percent(numbers["clean"])}
    if not numbers["corruptions"]:
        text = "{opening} reaches {clean} % clean accuracy; no corruption was evaluated."
        return say(_at_chance(run, numbers) + text, **said, **_chance_values(run, numbers))
    if "gain" in numbers:
        return say(
            _at_chance(run, numbers) + "{rest}", **_chance_values(run, numbers), rest=_against_dense(run, numbers)
        )
    said |= {"robust": percent(numbers["robust"]), "cells": _cells(numbers), "kept": percent(numbers["retention"])}
    said |= {"low": percent(numbers["retention_low"]), "high": percent(numbers["retention_high"])}
    between = "" if math.isnan(numbers["retention_low"]) else " (95 % interval {low} to {high})"
    kept = "" if is_at_chance(run, numbers) else f": {{kept}} % of the clean accuracy survives{between}"
    text = "{opening} reaches {clean} % clean and {robust} % robustness accuracy over {cells}" + kept + "."
    return say(_at_chance(run, numbers) + text, **said, **_chance_values(run, numbers))


def floor(run: Run) -> float:
    """What an accuracy must exceed to say anything: chance; for a network that was trained here, one class always."""
    chance = run.record.chance
    if run.task.masks or run.method == "given":
        return chance
    labels = clean_rows(run.predictions)["label"]
    return max(chance, float(labels.value_counts(normalize=True).max())) if len(labels) else chance


def is_at_chance(run: Run, numbers: Mapping[str, float]) -> bool:
    """Whether the interval of the clean accuracy reaches down to what guessing gives."""
    return bool(numbers["clean_low"] <= floor(run))


def _at_chance(run: Run, numbers: Mapping[str, float]) -> str:
    if not is_at_chance(run, numbers):
        return ""
    what = "chance" if floor(run) == run.record.chance else "the commonest class everywhere"
    return f"AT CHANCE: the clean accuracy, {{low_clean}} to {{high_clean}} %, is not above {{floor}} %, {what}. "


def _chance_values(run: Run, numbers: Mapping[str, float]) -> dict[str, str]:
    low, high = percent(numbers["clean_low"]), percent(numbers["clean_high"])
    return {"low_clean": low, "high_clean": high, "floor": percent(floor(run))}


def _against_dense(run: Run, numbers: Mapping[str, float]) -> str:
    relative = "" if math.isnan(numbers["relative_gain"]) else ", {relative} % relative"
    ties = f", ties in {numbers['ties']}" if numbers["ties"] else ""
    return run.task.say(
        "{opening} {comparison} dense training: {gain} points of robustness accuracy ({robust} % against {dense} %"
        + relative
        + "), winning {wins} of {corruptions} corruptions"
        + ties
        + "; {settled}.",
        opening=_opening(run),
        comparison=relation(numbers["gain"], numbers["gain_low"], numbers["gain_high"]),
        gain=signed(numbers["gain"]),
        robust=percent(numbers["robust"]),
        dense=percent(numbers["reference_robust"]),
        relative=signed(numbers["relative_gain"]),
        wins=numbers["wins"],
        corruptions=numbers["corruptions"],
        settled=_resolution(numbers),
    )


def relation(gain: float, low: float, high: float) -> str:
    """How an arm stands to another whose gain and interval these are; nothing is claimed that is not settled."""
    if low <= 0 <= high:
        return "cannot be told from"
    return "is as robust as" if round(gain, 4) == 0 else "is more robust than" if gain > 0 else "is less robust than"


def _resolution(numbers: Mapping[str, float]) -> str:
    low, high = numbers["gain_low"], numbers["gain_high"]
    if math.isnan(low):
        return "one recording gives no interval"
    includes = "includes zero, so this test set does not settle it" if low <= 0 <= high else "excludes zero"
    return f"the 95 % interval over recordings, {signed(low)} to {signed(high)}, {includes}"


def _opening(run: Run) -> str:
    label = run.label[0].upper() + run.label[1:]
    return f"On built-in sample data, {run.label}" if run.on_sample_data else label


def _cells(numbers: Mapping[str, float]) -> str:
    severities = "one severity" if numbers["severities"] == 1 else f"{numbers['severities']} severities"
    return f"{plural(int(numbers['corruptions']), 'corruption')} at {severities}"


def protocol(run: Run) -> list[tuple[str, list[tuple[str, str]]]]:
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
            "Classes left out": _some(data.foreign, shown=101),
            "Classes joined": say_joined((record.weights and record.weights.joined) or {}),
            "Chance": f"{percent(record.chance)} %",
            "Clip": _clip(config.get("data") or {}),
            "Fingerprint": data.fingerprint,
        },
        "Evaluation": {
            **_picked(config, "evaluation", "suite"),
            "Severities": ", ".join(map(str, accuracy_matrix(run.predictions).columns)),
            **_picked(config, "evaluation", "views", "canvas", "resolution"),
            "Corruption seed": _dig(config, "evaluation", "corruption_seed"),
            "Reference": record.reference or "none",
        },
        "Model and sparsity": {
            "Model": model.name,
            "Parameters": f"{count(model.parameters)}, of which {count(model.prunable)} prunable",
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
    say = run.task.say
    return [
        (group, [(say(name), str(value)) for name, value in facts.items() if value not in (None, "")])
        for group, facts in groups.items()
        if facts
    ]


def shared_protocol(runs: Sequence[Run]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was done in all of these runs; where they differ, each value that occurs, at most four."""
    whole = [{group: dict(facts) for group, facts in protocol(run)} for run in runs]
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


def _picked(config: Mapping[str, Any], block: str, *keys: str) -> dict[str, Any]:
    return {key.replace("_", " ").capitalize(): _dig(config, block, key) for key in keys}


def warnings(run: Run, numbers: Mapping[str, float]) -> list[str]:
    """What a careful reader should know before believing the numbers, one sentence each."""
    data, topology = run.record.data, run.record.topology
    half = (numbers["clean_high"] - numbers["clean_low"]) / 2
    present, of_all = data.classes_present, len(data.classes)
    substituted, damaged = len(run.record.unreadable_places), data.damaged
    unreadable = sorted(run.predictions.loc[undecodable(run.predictions), "id"].unique())
    found = {
        "These numbers are from built-in sample data: they show that the pipeline works and say nothing about "
        "real videos.": run.on_sample_data,
        "{missing} of the official lists missing: {missing_named}.": data.missing,
        "{untrained}": data.untrained,
        f"Only {present} of {of_all} classes are present: accuracies do not compare with published ones.": present
        < of_all,
        "{substituted} could not be read and gave way to another clip.": substituted,
        "{damaged} damaged, used as far as it decodes: {damaged_named}.": damaged,
        "{unreadable} could not be decoded and counted as wrong: {unreadable_named}.": unreadable,
        undecided_words(numbers): numbers["undecidable_rows"],
        f"The topology was updated only {topology.updates} times, too few to be called dynamic; lower sparse.every or "
        f"train longer.": run.is_dynamic and topology.updates < FEW_UPDATES,
        "No connection ever changed: this run is in effect static.": run.is_dynamic and not topology.changed,
        f"{count(numbers['clips'])} test clips give clean accuracy a 95 % interval of about ±{100 * half:.0f} points; "
        f"smaller differences are not resolved.": half > WIDE,
        "Clean accuracy is not above chance by its 95 % interval: what is lost under corruption means "
        "nothing.": is_at_chance(run, numbers),
        "{note}": run.note,
    }
    values = {
        "missing": plural(data.missing, "video"),
        "missing_named": _named(data),
        "substituted": plural(substituted, "training clip"),
        "damaged": plural(len(damaged), "video"),
        "damaged_named": _some(damaged),
        "unreadable": plural(len(unreadable), "test clip"),
        "unreadable_named": _some(unreadable),
        "note": run.note,
        "untrained": _untrained(data.untrained),
    }
    return [run.task.say(sentence, **values) for sentence, holds in found.items() if holds]


def _untrained(classes: Sequence[str]) -> str:
    sentence = say_untrained(classes)
    return f"{sentence[:1].upper()}{sentence[1:]}: {_some(classes)}."


def _named(data: DataRecord) -> str:
    more = data.missing - len(data.missing_named)
    return _some(data.missing_named, max(more, 0))


def _some(names: Sequence[str], more: int = 0, shown: int = 5) -> str:
    more += max(len(names) - shown, 0)
    return ", ".join(names[:shown]) + (f" and {count(more)} more" if more else "")
