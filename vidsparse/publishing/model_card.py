"""The card of a published network, README.md of its folder: what it is, what it scores, how it is fed and loaded."""

from collections.abc import Mapping
from typing import Any

from vidsparse.models.model_rows import NORMALIZE, TIMM, model_spec
from vidsparse.report.tables import Run
from vidsparse.utils.errors import ConfigError, plural


def card(run: Run, entry: Mapping[str, Any], licence: str, present: int) -> str:
    """The text of README.md. `entry` is that of results.json, `present` how many parameters are there (not masked)."""
    score, sparse = entry["score"], present < entry["parameters"]
    tags = [_kind(run), "corruption-robustness", *(["sparse-training"] if sparse else [])]
    head = ["---", f"license: {licence}", "library_name: vidsparse", f"tags: [{', '.join(tags)}]", "---"]
    at_chance = f"\n**At chance**: its clean {score} is not above guessing.\n" if entry["at_chance"] else ""
    sample = "\nTrained on generated sample clips: it shows that the pipeline works and knows nothing of real videos.\n"
    links = "the others are masked and zero" if sparse else "nothing is masked"
    rows = [f"| {name.replace('_', ' ')} | {_share(value)} |" for name, value in entry["corruptions"].items()]
    masks = f"the masks of {entry['parameters'] - present:,} absent parameters are in masks.safetensors, eight a byte"
    return "\n".join(
        [
            *head,
            f"\n# {run.record.model.name}, {run.label}\n",
            f"Trained with vidsparse on {run.data}; {present:,} of {entry['parameters']:,} parameters are there, "
            f"{links}.",
            at_chance + (sample if run.on_sample_data else ""),
            "## Results\n",
            f"{score.capitalize() if score.islower() else score} in %, {entry['data']['test_samples']} test "
            f"{run.words.clips}, {_suite(entry['protocol'])}, 95 % intervals over {run.words.recordings}. Every digit: "
            "results.json.\n",
            f"| | {score} |\n|---|---|",
            f"| clean | {_interval(entry['clean'])} |",
            f"| corrupted, mean | {_interval(entry['robust'])} |",
            *rows,
            "\n## How to load it\n",
            "```python\nimport vidsparse\n\nmodel = vidsparse.from_pretrained(FOLDER)\n```\n",
            *_own_code(str(run.config["model"]["name"])),
            *_feeding(run),
            f"\nThe config is config.yaml{'; ' + masks if sparse else ''}.\n",
            f"## Licence\n\n{licence}, for the weights. The data keep their own terms.\n",
        ]
    )


def _kind(run: Run) -> str:
    what = "image" if run.config["data"]["frames"] == 1 else "video"
    return f"{what}-{'segmentation' if run.task.masks else 'classification'}"


def _suite(protocol: Mapping[str, Any]) -> str:
    used, levels = protocol.get("corruptions") or [], protocol.get("severities") or []
    said = f"suite {protocol['suite']}" + (f", version {v}" if (v := protocol.get("suite_version")) else "")
    said += f", {plural(len(used), 'corruption')}" if used else ""
    return said + (f", severities {', '.join(map(str, levels))}" if levels else "")


def _own_code(name: str) -> list[str]:
    if ":" not in name:
        return []
    return [f"The network is built by code of its author's, `{name}`, which is not in this folder: give the network "
            "itself (`model=`), or say `trust_code=True` where you have that code and trust it.\n"]  # fmt: skip


def _feeding(run: Run) -> list[str]:
    """What goes in and what comes out, one line each."""
    data = run.config["data"]
    frames, size, side = data["frames"], data["size"], data["short_side"]
    used = NORMALIZE.get(str(data["normalize"]))
    by = f", mean {_listed(used.mean)}, standard deviation {_listed(used.std)}" if used else ""
    classes, maps = len(run.record.data.classes), ", T, H, W" if run.task.masks else ""
    clip = (
        "one frame, T = 1: an image"
        if frames == 1
        else f"{frames} frames, {_places(data, run.config['evaluation'].get('sampling'))}"
    )
    image = "\n- A network for images: its logits are the mean of those of the frames." if _averages(run) else ""
    return [
        f"- Input: float (B, 3, {frames}, {size}, {size}), RGB, 0 to 1, normalised channel by channel as "
        f"`{data['normalize']}`{by}.",
        f"- Clip: {clip}; the short side resized to {side} px, then the central {size} px.",
        f"- Output: logits (B, {classes}{maps}), named in vidsparse.json.{image}",
    ]


def _places(data: Mapping[str, Any], sampling: str | None) -> str:
    if (sampling or data["sampling"]) == "uniform":
        return "spread evenly over the whole video (`sampling: uniform`)"
    stride = data["stride"]
    return f"{'all' if stride == 1 else f'one of every {stride}'}, from one stretch of the video (`sampling: dense`)"


def _averages(run: Run) -> bool:
    """Whether a network for images answers a clip of several frames with one answer."""
    name = str(run.config["model"]["name"])
    try:
        image = name.startswith(TIMM) or (":" not in name and model_spec(name).family == "image")
    except ConfigError:  # a row of somebody's plug-in that is not here
        return False
    return image and run.config["data"]["frames"] > 1 and not run.task.masks


def _listed(numbers: tuple[float, ...]) -> str:
    return f"({', '.join(f'{number:g}' for number in numbers)})"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _interval(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "–"
    between = "" if found["low"] is None else f" ({_share(found['low'])} to {_share(found['high'])})"
    return _share(found["value"]) + between
