"""One Markdown page a corruption, and an index of them: pure functions of the registry and of measured costs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corruptions.measured import PSNR
from corruptions.registry import REGISTRY, Corruption
from corruptions.severities import SIDES, TABLES
from corruptions.suites import SUITES
from tools.docs.corruption_gallery import GALLERY, gallery
from tools.docs.formulas import formula
from tools.docs.level_accuracy import ACCURACY, Left, Share, read_left
from tools.docs.pictures import caption, draw, drawn_clip
from vidsparse.utils import json_text
from vidsparse.utils.files import write

Rows = Sequence[Sequence[str]]

INDEX, COST = "README.md", "cost.json"
_MADE = "<!-- made by scripts/docs.py from the registry: change it there -->\n"
_SIDES = ("112", "224")  # pixels at which costs are measured
_SUPPORT = {
    "frame": "Each frame is corrupted on its own.",
    "window": "Each frame is made of its neighbours, those beyond an end of the video being the end.",
    "order": "Frames change places and nothing else; the length is kept. `corruptions.frame_order` gives the map.",
    "video": "The whole video is coded and decoded, so that a fault travels until the next key frame.",
}
_MODES = {
    "static": "static: one draw for the whole video",
    "drift": "drift: it moves and changes, with a time constant of {tau:g} s",
    "independent": "independent: drawn anew for each frame",
}
_FALLING = "drift: it falls along its streaks, in layers of different speed"


@dataclass(frozen=True)
class Costs:
    """Milliseconds of processor time for 16 frames at severity 3, by corruption and side, and by floor and side."""

    date: str = ""
    machine: str = ""
    milliseconds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    floors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def read_costs(folder: Path) -> Costs:
    """Return the costs that the benchmark stored in a folder; none where it has not run."""
    file = folder / COST
    stored: dict[str, Any] = json_text.parsed(file.read_text()) if file.is_file() else {}
    return Costs(**stored)


def write_pages(folder: Path) -> None:
    """Write every page, its picture and the index into a folder; pages of what is no longer there are removed."""
    texts, clip = pages(read_costs(folder), read_left(folder.parent)), drawn_clip()
    for name, text in texts.items():
        write(folder / name, text)
    for record in REGISTRY.values():
        draw(record, clip, folder / f"{record.name}.webp")
    known = {*texts, *(f"{name}.webp" for name in REGISTRY)}
    for file in folder.iterdir():
        if file.suffix in (".md", ".webp") and file.name not in known:
            file.unlink()


def pages(costs: Costs, left: Left) -> dict[str, str]:
    """Return the text of every page by file name."""
    each = {f"{record.name}.md": page(record, costs, left) for record in REGISTRY.values()}
    return {INDEX: index(costs), GALLERY: gallery(_MADE, REGISTRY.values()), **each}


def page(record: Corruption, costs: Costs, left: Left) -> str:
    """Return the page of one corruption."""
    said = formula(record)
    random = "draws random numbers from its key" if record.random else "draws nothing"
    parts = [
        f"{_MADE}# {record.name}",
        f"{said.what} Family {record.family}; {random}.",
        f"![{record.name}: {caption(record)}]({record.name}.webp)",
        f"*A drawn scene, profile {record.home}: {caption(record)}.*",
        f"```\n{said.equation}\n```",
        f"## Severity\n\n{_severities(record)}",
        *_distortion(record, left),
        f"## Time\n\n{_time(record)}",
        f"## Cost\n\n{_cost(record, costs)}",
    ]
    if record.notes:
        parts.append("## Notes\n\n" + "\n".join(f"- {note}" for note in record.notes))
    parts.append(f"## Source\n\n{record.source}. {_suites(record)}")
    return "\n\n".join(parts) + "\n"


def index(costs: Costs) -> str:
    """Return the list of all pages, by family, with times and costs."""
    rows = [
        (
            f"[{record.name}]({record.name}.md)",
            record.family,
            record.home,
            record.default if len(record.modes) > 1 else "",
            *(_number(costs.milliseconds.get(record.name, {}).get(side)) for side in _SIDES),
        )
        for record in REGISTRY.values()
    ]
    head = ("corruption", "family", "home profile", "default in time", *(f"ms at {side} px" for side in _SIDES))
    floors = [(name, *(_number(by_side.get(side)) for side in _SIDES)) for name, by_side in costs.floors.items()]
    parts = [
        f"{_MADE}# The corruptions",
        f"{len(REGISTRY)} corruptions in {len({row.family for row in REGISTRY.values()})} families, "
        f"{len(TABLES)} severity tables and {len(SUITES)} suites. [All as pictures]({GALLERY}), with a search.",
        '```python\ncorruptions.corrupt(frames, "fog", 3, key="0/ucf101/Punch/v_Punch_g01_c01")\n```',
        table(head, rows),
        _measured(costs),
    ]
    if floors:
        parts.append(table(("floor", *(f"ms at {side} px" for side in _SIDES)), floors))
    suites = [
        (suite.name, str(suite.version), str(len(suite.cells)), _list(suite.severities), suite.resolution)
        for suite in SUITES.values()
    ]
    parts.append(f"## Suites\n\n{table(('suite', 'version', 'corruptions', 'severities', 'lengths'), suites)}")
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table.

    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _severities(record: Corruption) -> str:
    parameters = formula(record).parameters
    rows = [
        (f"{profile} ({SIDES[profile]} px)", *(_list(level) for level in TABLES[profile, record.name]))
        for profile in record.tables
    ]
    named = "; ".join(parameters)
    return f"A level is: {named}.\n\n{table(('profile', '1', '2', '3', '4', '5'), rows)}"


def _distortion(record: Corruption, left: Left) -> list[str]:
    """The section on what the levels of our own profiles do to real clips; none for others."""
    if record.name not in PSNR:
        return []
    profile = next(profile for profile in ("video_c", "camera_c") if profile in record.tables)
    rows = [
        (f"{side} px", *(f"{value:.1f}" for value in found))
        for side, found in zip(_SIDES, PSNR[record.name], strict=True)
    ]
    said = (
        f"PSNR in dB of each level of {profile}: mean over nine UCF101 clips in relative resolution "
        "(`python -m tools.corruption_levels`)."
    )
    parts = [f"## Distortion\n\n{said}\n\n{table(('frames', '1', '2', '3', '4', '5'), rows)}"]
    if profile == "video_c" and record.name in left.levels and left.clean:
        levels, of = left.levels[record.name], f"{left.clips} clips of {left.recordings} recordings"
        told = (
            f"Accuracy in % that each level of video_c leaves to I3D of Kinetics-400 as it is, 95 % interval over "
            f"recordings: {of} of three UCF101 classes, 16 frames of 224 px; without corruption {_share(left.clean)} "
            f"([results](../results.md#{ACCURACY}))."
        )
        parts.append(f"{told}\n\n{table(tuple(map(str, levels)), [[_share(each) for each in levels.values()]])}")
    return parts


def _share(found: Share) -> str:
    share, low, high = (100 * value for value in found)
    return f"{share:.0f} ({low:.0f} to {high:.0f})"


def _time(record: Corruption) -> str:
    story = _SUPPORT[record.support]
    if len(record.modes) == 1:
        alike = " Every temporal mode gives the same." if record.support == "frame" else ""
        return story + alike
    modes = {**_MODES, "drift": _FALLING} if math.isinf(record.tau) else _MODES
    lines = [f"- {modes[mode].format(tau=record.tau)}" for mode in record.modes]
    return f"{story} Default: **{record.default}**.\n\n" + "\n".join(lines)


def _cost(record: Corruption, costs: Costs) -> str:
    by_side = costs.milliseconds.get(record.name)
    if not by_side:
        return "Not measured yet: `make bench`."
    decode = costs.floors["decode H.264"]
    rows = [
        (f"{side} px", _number(by_side[side]), f"{by_side[side] / decode[side]:.2f}")
        for side in _SIDES
        if side in by_side
    ]
    return f"{table(('frames', 'ms', 'of decoding them'), rows)}\n\n{_measured(costs)}"


def _measured(costs: Costs) -> str:
    if not costs.date:
        return "Costs are not measured yet: `make bench`."
    what = "Milliseconds of processor time for 16 frames, severity 3, default mode, one thread"
    return f"{what}; {costs.machine}, {costs.date}."


def _suites(record: Corruption) -> str:
    suites = [suite.name for suite in SUITES.values() if record.name in dict(suite.cells)]
    return f"In the suites {_list(suites)}." if suites else "In no suite."


def _list(values: Sequence[object]) -> str:
    return ", ".join(f"{value:g}" if isinstance(value, float | int) else str(value) for value in values)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"
