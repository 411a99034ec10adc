"""What each level of video_c leaves of a network's accuracy, from the predictions kept in docs/results/i3d_levels.

A file DATA.SUITE.parquet there is an evaluation of I3D of Kinetics-400 as it is, at every severity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.groups import clip_groups
from vidsparse.evaluation.statistics import clip_interval
from vidsparse.evaluation.summary import summary

FOLDER, FILE = Path("results", "i3d_levels"), "UCF101.video_c.parquet"
ACCURACY = "what-each-level-of-video_c-leaves"  # the place of docs/results.md that says how they were made
Share = tuple[float, float, float]  # and the bounds of its 95 % interval over recordings


@dataclass(frozen=True)
class Left:
    """Accuracy on clean clips, and on those of each corruption by severity: {name: {severity: share}}."""

    clips: int = 0
    recordings: int = 0
    clean: Share | None = None
    levels: Mapping[str, Mapping[int, Share]] = field(default_factory=dict)


def read_left(docs: Path) -> Left:
    """What is kept in a docs folder; nothing where no predictions are."""
    file = docs / FOLDER / FILE
    return left_by(pd.read_parquet(file)) if file.is_file() else Left()


def left_by(table: pd.DataFrame) -> Left:
    """The accuracies of a table of predictions.

    >>> found = left_by(metrics.example_table())
    >>> found.clips, found.recordings, found.clean[0]
    (2, 2, 1.0)
    >>> {severity: share[0] for severity, share in found.levels["fog"].items()}
    {1: 1.0, 2: 0.5}
    """
    groups, corrupted = clip_groups(table), metrics.corrupted_rows(table)
    levels: dict[str, dict[int, Share]] = {}
    for severity, of_severity in corrupted.astype({"severity": int}).groupby("severity"):
        for name, rows in of_severity.groupby("corruption", sort=False):
            scores = metrics.row_scores(rows).groupby(rows["id"]).mean()
            share = (float(scores.mean()), *clip_interval(scores, groups))
            levels.setdefault(str(name), {})[int(str(severity))] = share
    clean = metrics.clean_scores(table)
    return Left(
        int(metrics.video_level(table)["id"].nunique()),
        int(groups.nunique()),
        (metrics.clean_accuracy(table), *clip_interval(clean, groups)),
        levels,
    )


def by_level(table: pd.DataFrame) -> str:
    """The table of docs/results.md: a row a severity, the mean over its corruptions, what costs least and most."""
    lines = [["severity", "mean % left (95 %)", "most is left by", "least is left by"], ["---"] * 4]
    for severity in sorted(metrics.corrupted_rows(table)["severity"].unique()):
        level = table[table["severity"].isin([0, severity])]
        found, each = summary(level), metrics.per_corruption(level)
        mean = f"{100 * found['robust']:.1f} ({100 * found['robust_low']:.1f} to {100 * found['robust_high']:.1f})"
        lines.append([str(severity), mean, _named(each.nlargest(3)), _named(each.nsmallest(3))])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _named(shares: pd.Series) -> str:
    return ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items())
