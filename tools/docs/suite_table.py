"""One network under several suites: the tables of docs/results.md, from the predictions kept beside it.

    python -m tools.docs.suite_table docs/results/i3d_suites docs/results/i3d_probe

A file DATA.SUITE.parquet, or DATA.SUITE.SEVERITY.parquet, is an evaluation of one network as it is, at one severity.
Every corruption of every suite stands in losses.csv, those of SHOWN on the page too.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import gains_by_corruption
from vidsparse.evaluation.summary import summary

SHOWN = ("ucf101_p_16", "video_c")
_SUITES = ("data, suite", "severity", "clips, recordings", "clean %", "corrupted %", "retention %", "least is left by")
Tables = dict[tuple[str, str, int], pd.DataFrame]  # (data, suite, severity)


def predictions(folder: Path) -> Tables:
    """{(data, suite, severity): predictions}; probes, no corruptions elsewhere, are what is asked here."""
    found: Tables = {}
    for file in sorted(folder.glob("*.*.parquet")):
        data, suite, *_ = file.stem.split(".")
        table = pd.read_parquet(file)
        table["profile"] = table["profile"].astype(str).replace(metrics.PROBE, "asked")
        (severity,) = metrics.corrupted_rows(table)["severity"].unique()
        found[data, suite, int(severity)] = table
    return found


def by_suite(tables: Tables) -> str:
    """A row a set of clips and suite: accuracy clean and over its corruptions, with 95 % intervals over recordings."""
    lines = [list(_SUITES), ["---"] * len(_SUITES)]
    for (data, suite, severity), table in tables.items():
        found = summary(table)
        worst = metrics.per_corruption(table).nsmallest(3)
        between = [f"{100 * found[key]:.1f} ({100 * found[f'{key}_low']:.1f} to {100 * found[f'{key}_high']:.1f})"
                   for key in ("clean", "robust", "retention")]  # fmt: skip
        least = ", ".join(f"{name} {100 * share:.1f}" for name, share in worst.items())
        lines.append(
            [f"{data}, `{suite}`", str(severity), f"{found['clips']:.0f}, {found['groups']:.0f}", *between, least]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def losses(table: pd.DataFrame) -> pd.DataFrame:
    """A row a corruption: what it costs (corrupted less clean accuracy of the same clips), with interval and p_holm."""
    corrupted = metrics.corrupted_rows(table)
    clean = metrics.clean_rows(table).drop(columns=["corruption", "profile", "severity"])
    cells = corrupted[["corruption", "profile", "severity"]].drop_duplicates()
    unharmed = clean.merge(cells, how="cross")[corrupted.columns]
    both = pd.concat([metrics.clean_rows(table), unharmed], ignore_index=True)
    whole = pd.concat([metrics.clean_rows(table), corrupted], ignore_index=True)
    columns = ["corruption", "gain", "low", "high", "p", "p_holm"]
    return gains_by_corruption({0: whole}, {0: both})[columns]


def by_corruption(tables: Tables, data: str) -> str:
    """A row a corruption of the suites SHOWN on these clips: what is left, and what that costs, in points."""
    lines = [["corruption", "suite", "% left", "loss, points (95 %)"], ["---"] * 4]
    shown = {key: table for key, table in tables.items() if key[0] == data and key[1] in SHOWN}
    for row in all_losses(shown):
        lines += [[row["corruption"], f"`{row['suite']}`", f"{100 * row['left']:.1f}", points(row)]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def by_probe(tables: Tables) -> str:
    """A row a probe: what is left of the accuracy, and the difference from the clips as they are, in points."""
    lines = [["data", "probe", "% left", "difference, points (95 %)"], ["---"] * 4]
    lines += [[row["data"], row["corruption"], f"{100 * row['left']:.1f}", points(row)] for row in all_losses(tables)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def all_losses(tables: Tables) -> list[dict[str, Any]]:
    """Every corruption of every suite, the worst of each suite first, Holm's correction within the suite."""
    rows: list[dict[str, Any]] = []
    for (data, suite, severity), table in tables.items():
        left, lost = metrics.per_corruption(table), losses(table).set_index("corruption")
        for name, share in left.sort_values(kind="stable").items():
            of = {"data": data, "suite": suite, "severity": severity, "corruption": str(name), "left": float(share)}
            rows.append(of | {str(key): value for key, value in lost.loc[str(name)].items()})
    return rows


def points(row: Mapping[str, Any]) -> str:
    """A difference with its interval, bold where it is beyond Holm's correction."""
    said = [f"{100 * row[key]:+.1f}".replace("-", "−") for key in ("gain", "low", "high")]
    strong = "**" if row["p_holm"] < 0.05 else ""
    return f"{strong}{said[0]}{strong} ({said[1]} to {said[2]})"


def main() -> None:
    """Write losses.csv into each folder, and print the tables."""
    suites, probes = (predictions(Path(folder)) for folder in sys.argv[1:3])
    for folder, tables in zip(sys.argv[1:3], (suites, probes), strict=True):
        pd.DataFrame(all_losses(tables)).round(6).to_csv(Path(folder) / "losses.csv", index=False, lineterminator="\n")
    shown = [by_suite(suites), by_corruption(suites, "UCF101"), by_probe(probes)]
    sys.stdout.write("\n\n".join(shown) + "\n")


if __name__ == "__main__":
    main()
