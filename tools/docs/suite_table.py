"""One network under several suites: the table of docs/results.md, from the predictions kept beside it.

    python -m tools.docs.suite_table docs/results/i3d_suites

A file DATA.SUITE.parquet is an evaluation of one network as it is, at one severity.
"""

import sys
from pathlib import Path

import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import gains_by_corruption
from vidsparse.evaluation.summary import summary

_SUITES = ("data, suite", "clips, recordings", "clean %", "corrupted %", "retention %", "least is left by")


def predictions(folder: Path) -> dict[tuple[str, str], pd.DataFrame]:
    """{(data, suite): predictions}."""
    files = sorted(folder.glob("*.*.parquet"))
    return {(data, suite): pd.read_parquet(file) for file in files for data, suite in [file.stem.split(".")]}


def by_suite(tables: dict[tuple[str, str], pd.DataFrame]) -> str:
    """A row a set of clips and suite: accuracy clean and over its corruptions, with 95 % intervals over recordings."""
    lines = [list(_SUITES), ["---"] * len(_SUITES)]
    for (data, suite), table in tables.items():
        found = summary(table)
        worst = metrics.per_corruption(table).nsmallest(3)
        between = [f"{100 * found[key]:.1f} ({100 * found[f'{key}_low']:.1f} to {100 * found[f'{key}_high']:.1f})"
                   for key in ("clean", "robust", "retention")]  # fmt: skip
        least = ", ".join(f"{name} {100 * share:.1f}" for name, share in worst.items())
        lines.append([f"{data}, `{suite}`", f"{found['clips']:.0f}, {found['groups']:.0f}", *between, least])
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


def by_corruption(tables: dict[tuple[str, str], pd.DataFrame], data: str) -> str:
    """A row a corruption of any suite on these clips: what is left, and what that costs, in points."""
    mine = {suite: table for (of, suite), table in tables.items() if of == data}
    lines = [["corruption", "suite", "% left", "loss, points (95 %)"], ["---"] * 4]
    for suite, table in mine.items():
        left, lost = metrics.per_corruption(table), losses(table).set_index("corruption")
        for name, share in left.sort_values().items():
            row = lost.loc[str(name)]
            said = [f"{100 * row[key]:+.1f}".replace("-", "−") for key in ("gain", "low", "high")]
            strong = "**" if row["p_holm"] < 0.05 else ""
            gain = f"{strong}{said[0]}{strong} ({said[1]} to {said[2]})"
            lines.append([str(name), f"`{suite}`", f"{100 * share:.1f}", gain])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Print both tables."""
    tables = predictions(Path(sys.argv[1]))
    sets = list(dict.fromkeys(data for data, _ in tables))
    sys.stdout.write("\n\n".join([by_suite(tables), *(by_corruption(tables, data) for data in sets)]) + "\n")


if __name__ == "__main__":
    main()
