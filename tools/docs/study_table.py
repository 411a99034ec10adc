"""The table, figure and power of a study in docs/results.md, from the predictions kept in its folder.

    python -m tools.docs.study_table docs/results/i3d_finetune

A file METHOD[_SPARSITY]_seedN.parquet is a run. Gains are over the dense, and over the static, run of the same seed.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from vidsparse.evaluation.comparison import arm_numbers, gain_numbers, gains_by_corruption, power_note
from vidsparse.evaluation.metrics import robustness_accuracy
from vidsparse.evaluation.statistics import detectable_difference, pooled_sd
from vidsparse.sparsity.methods import METHODS

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
Tables = dict[int, pd.DataFrame]
_FILE = re.compile(r"(?P<method>[a-z_]+?)(?:_(?P<percent>[\d.]+))?_seed(?P<seed>\d+)")
_HEAD = (
    "arm", "seeds", "clean %", "robust %", "retention %", "over dense, points (95 %)", "over static, points (95 %)",
    "corruptions won, lost: over dense", "over static", "over dense it sees, points",
)  # fmt: skip
_CONTROLS = {"dense": ("o", "#0072b2"), "static": ("s", "#d55e00")}  # told apart by those who see few colours


def predictions(folder: Path) -> dict[tuple[str, float], Tables]:
    """The predictions of each arm (method, sparsity in percent) by seed, the controls first."""
    found: dict[tuple[str, float], Tables] = {}
    for file in sorted(folder.glob("*_seed*.parquet")):
        if parts := _FILE.fullmatch(file.stem):
            arm = parts["method"], float(parts["percent"] or 0)
            found.setdefault(arm, {})[int(parts["seed"])] = pd.read_parquet(file)
    order = list(METHODS)
    return dict(sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])))


def numbers(arms: dict[tuple[str, float], Tables]) -> pd.DataFrame:
    """A row an arm: its scores as shares, and gains over dense (dense_*) and over static (static_*)."""
    rows = []
    for (method, percent), tables in arms.items():
        row: dict[str, object] = {"method": method, "sparsity": percent / 100, **arm_numbers(tables)}
        for name in _CONTROLS:
            other = arms.get((name, percent if name == "static" else 0.0))
            if other is not None and method not in ("dense", name):
                row |= {f"{name}_{key}": value for key, value in gain_numbers(tables, other).items()}
        rows.append(row)
    return pd.DataFrame(rows).round(6)


def gains(arms: dict[tuple[str, float], Tables]) -> pd.DataFrame:
    """A row an arm and corruption: gain over dense with its interval, p and p_holm."""
    dense = arms["dense", 0.0]
    found = [
        gains_by_corruption(tables, dense).assign(method=method, sparsity=percent / 100)
        for (method, percent), tables in arms.items()
        if method != "dense"
    ]
    columns = ["method", "sparsity", "corruption", "gain", "low", "high", "p", "p_holm"]
    return pd.concat(found, ignore_index=True)[columns].round(6)


def markdown(arms: dict[tuple[str, float], Tables]) -> str:
    """The table of docs/results.md: percent, points, 95 % intervals."""
    lines, gained = [list(_HEAD), ["---"] * len(_HEAD)], paired_gains(arms)
    for arm, row in zip(arms, numbers(arms).to_dict("records"), strict=True):
        shown = [label(row["method"], row["sparsity"], several=_several(arms)), str(row["seeds"])]
        shown += [f"{100 * row[key]:.1f}" for key in ("clean", "robust", "retention")]
        shown += [_gain(row, name) for name in _CONTROLS] + [_won(row, name) for name in _CONTROLS]
        shown += [_sees(gained.get(arm, []))]
        lines.append(shown)
    return "\n".join("| " + " | ".join(line).rstrip() + " |" for line in lines)


def power(arms: dict[tuple[str, float], Tables]) -> str:
    """What differences this study sees, in a sentence."""
    return str(power_note(list(arms.values()))["note"])


def paired_power(arms: dict[tuple[str, float], Tables]) -> str:
    """What gains over dense this study sees, its runs being paired by seed, in a sentence."""
    gained = paired_gains(arms)
    sd, df = pooled_sd(list(gained.values()))
    counts = sorted({len(each) for each in gained.values()}, reverse=True)
    least = [(seeds, detectable_difference(sd, seeds, paired=True)) for seeds in counts]
    seen = " and ".join(f"{100 * points:.1f} points with {seeds} seeds" for seeds, points in least)
    return (
        f"paired by seed it sees gains above {seen} (standard deviation of the differences "
        f"{100 * sd:.2f} points, {df} degrees of freedom)"
    )


def paired_gains(arms: dict[tuple[str, float], Tables]) -> dict[tuple[str, float], list[float]]:
    """Robustness accuracy of each arm minus that of the dense run of the same seed."""
    dense = {seed: robustness_accuracy(table) for seed, table in arms["dense", 0.0].items()}
    return {
        arm: [robustness_accuracy(table) - dense[seed] for seed, table in tables.items() if seed in dense]
        for arm, tables in arms.items()
        if arm[0] != "dense"
    }


def label(method: str, sparsity: float, several: bool) -> str:
    """What an arm is called in the table; with its sparsity where there are several."""
    name = method if method in _CONTROLS else METHODS[method].title
    return f"{name}, {100 * sparsity:g} %" if several and sparsity else name


def draw(table: pd.DataFrame, several: bool, path: Path) -> None:
    """Gains in robustness accuracy over both controls with their intervals, a row an arm."""
    arms = table[table["method"] != "dense"].reset_index(drop=True)
    with mpl.rc_context({"svg.hashsalt": "study", "font.size": 11}):
        figure, axes = plt.subplots(figsize=(7, 0.55 * len(arms) + 1.3), layout="constrained")
        for place, (name, (mark, colour)) in enumerate(_CONTROLS.items()):
            part = arms[arms[f"{name}_gain"].notna()]
            rows = part.index.to_numpy() + 0.22 * (place - 0.5)
            middle, low, high = (100 * part[f"{name}_{key}"] for key in ("gain", "gain_low", "gain_high"))
            reach = np.array([middle - low, high - middle])
            axes.errorbar(middle, rows, xerr=reach, fmt=mark, color=colour, label=f"over {name}", ms=5)
        axes.axvline(0, color="0.4", lw=1)
        names = [label(row["method"], row["sparsity"], several) for row in arms.to_dict("records")]
        axes.set(yticks=range(len(arms)), yticklabels=names, xlabel="robustness accuracy, points (95 % interval)")
        axes.set_ylim(len(arms) - 0.5, -0.5)
        figure.legend(frameon=False, loc="outside upper center", ncols=2)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _several(arms: dict[tuple[str, float], Tables]) -> bool:
    return len({percent for _, percent in arms if percent}) > 1


def _gain(row: Mapping[Any, Any], name: str) -> str:
    found = [row.get(f"{name}_{key}", np.nan) for key in ("gain", "gain_low", "gain_high")]
    if np.isnan(found[0]):
        return ""
    middle, low, high = (f"{100 * value:+.1f}".replace("-", "−") for value in found)
    return f"{middle} ({low} to {high})"


def _won(row: Mapping[Any, Any], name: str) -> str:
    won, lost = row.get(f"{name}_wins", np.nan), row.get(f"{name}_losses", np.nan)
    return "" if np.isnan(won) else f"{won:.0f}, {lost:.0f}"


def _sees(gained: list[float]) -> str:
    """The gain that an arm's own seeds see, by their own standard deviation."""
    return f"{100 * detectable_difference(pooled_sd([gained])[0], len(gained), paired=True):.1f}" if gained[1:] else ""


def main() -> None:
    """Write arms.csv, corruption_gains.csv and gains.svg into the folder, and print table and power."""
    folder = Path(sys.argv[1])
    arms = predictions(folder)
    table = numbers(arms)
    table.to_csv(folder / "arms.csv", index=False, lineterminator="\n")
    gains(arms).to_csv(folder / "corruption_gains.csv", index=False, lineterminator="\n")
    draw(table, _several(arms), folder / "gains.svg")
    sys.stdout.write(f"{power(arms)}; {paired_power(arms)}\n\n{markdown(arms)}\n")


if __name__ == "__main__":
    main()
