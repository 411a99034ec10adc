"""Robustness over measured latency: of comparisons whose networks were timed by `vidsparse latency`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from vidsparse.export import LATENCY
from vidsparse.report.arms import Arm
from vidsparse.report.figures import panels
from vidsparse.report.figures.looks import Looks
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.tables import Run, read_log, showing
from vidsparse.utils import files
from vidsparse.utils.errors import plural


def of_arms(out: Path, arms: Sequence[Arm], leaders: pd.DataFrame, looks: Looks) -> list[Exhibit]:
    """A figure a number of threads; none where out/latency.csv is not there, or of other weights than these runs'."""
    if not (out / LATENCY).is_file() or leaders["robust"].isna().all():
        return []
    measured, words = read_log(out / LATENCY), arms[0].first.words
    with showing(out / LATENCY):
        rows = [row | {"arm": arm.label} for arm in arms for row in _of_arm(arm, measured)]
        if not rows:
            return []
        timed = pd.DataFrame(rows).merge(leaders, on="arm", suffixes=("", "_nonzero"))
        columns = [name for name in _COLUMNS if name in timed]
    found = []
    for threads, part in timed.groupby("threads"):
        on = plural(int(str(threads)), "thread")
        caption = (
            f"Up and left is better. Median of {part['turns'].min():g} passes of "
            f"{plural(int(part['clips'].min()), 'clip')} in turns on {on} of the machine that measured, in PyTorch, "
            "each network without the channels that it lost; to the right as far as the 95th percentile. Masks alone "
            "make nothing faster."
        )
        draw = partial(panels.robust_against_latency, words=words, looks=looks)
        title = f"{words.robust.capitalize()} against latency, {on}"
        found.append(Exhibit(f"robust_latency_{threads}", title, caption, part[columns], draw))
    return found


_COLUMNS = [
    "arm", "threads", "clips", "turns", "median_ms", "p95_ms", "parameters", "weights_mb", "peak_mb", "robust",
    "robust_low", "robust_high",
]  # fmt: skip

_MEASURED = ["threads", "clips", "turns", "median_ms", "p95_ms", "parameters", "weights_mb", "peak_mb"]


def _of_arm(arm: Arm, measured: pd.DataFrame) -> list[dict[str, object]]:
    """The arm's networks by number of threads: means over those of its runs that were measured."""
    own = pd.DataFrame([{"run": run.name, "weights": _weights(run)} for run in arm.runs.values()])
    rows = measured.merge(own, on=["run", "weights"])
    means = rows[[name for name in _MEASURED if name in rows]].groupby("threads", as_index=False).mean()
    return [{str(key): value for key, value in row.items()} for row in means.to_dict("records")]


def _weights(run: Run) -> str:
    path = run.path / "checkpoints" / "final.safetensors"
    return files.digest(path) if path.is_file() else ""
