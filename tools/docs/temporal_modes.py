"""What temporal consistency does to a video network: the table, differences.csv and the figure of docs/results.md.

    python -m tools.docs.temporal_modes            # from the predictions in docs/results/i3d_temporal

One network answered the same clips under the same corruptions drawn once a video (`static`), moving slowly through it
(`drift`) and anew in each frame (`independent`). Differences are paired by clip, intervals over recordings.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib import pyplot as plt

from vidsparse.evaluation import metrics
from vidsparse.evaluation.comparison import gain_numbers, gains_by_corruption

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "results" / "i3d_temporal"
CONTROL, OTHERS = "static", ("drift", "independent")
_COLOURS = {"drift": "#0072b2", "independent": "#d55e00"}  # told apart by those who see few colours, and in grey


def predictions() -> dict[str, pd.DataFrame]:
    """The predictions of each mode that is there."""
    files = {mode: FOLDER / f"{mode}.parquet" for mode in (CONTROL, *OTHERS)}
    return {mode: pd.read_parquet(file) for mode, file in files.items() if file.is_file()}


def differences(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A row a mode and corruption, and one for their mean: gain over `static`, low, high, p and p_holm."""
    rows = []
    for mode in [each for each in OTHERS if each in tables]:
        ours, theirs = {0: tables[mode]}, {0: tables[CONTROL]}
        rows.append(gains_by_corruption(ours, theirs).assign(mode=mode))
        whole = gain_numbers(ours, theirs)
        mean = {"corruption": "mean", "mode": mode, "gain": whole["gain"], "p": whole["gain_p"]}
        rows.append(pd.DataFrame([{**mean, "low": whole["gain_low"], "high": whole["gain_high"]}]))
    columns = ["mode", "corruption", "gain", "low", "high", "groups_for", "groups_against", "p", "p_holm"]
    return pd.concat(rows, ignore_index=True)[columns].round(4)


def markdown(tables: dict[str, pd.DataFrame]) -> str:
    """The table of docs/results.md: accuracy in % of each mode, differences in points with their 95 % intervals."""
    found = differences(tables).set_index(["mode", "corruption"])
    by_mode = {mode: metrics.per_corruption(table) for mode, table in tables.items()}
    modes = [mode for mode in OTHERS if mode in tables]
    head = ["corruption", *(f"{mode} %" for mode in tables), *(f"{mode} − static, points (95 %)" for mode in modes)]
    lines = [head, ["---"] * len(head)]
    for name in [*by_mode[CONTROL].index, "mean"]:
        shown = [values.mean() if name == "mean" else values[name] for values in by_mode.values()]
        gains = []
        for mode in modes:
            each = found.loc[(mode, name)]
            strong = "**" if name != "mean" and each["p_holm"] < 0.05 else ""
            gains.append(f"{strong}{_points(each['gain'])}{strong} ({_points(each['low'])} to {_points(each['high'])})")
        lines.append([name, *(f"{100 * share:.1f}" for share in shown), *gains])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def draw(found: pd.DataFrame, path: Path) -> None:
    """Differences with their intervals, a row a corruption."""
    names = [name for name in found["corruption"].drop_duplicates() if name != "mean"]
    with mpl.rc_context({"svg.hashsalt": "temporal", "font.size": 11}):
        figure, axes = plt.subplots(figsize=(7, 0.42 * len(names) + 1.2), layout="constrained")
        modes = list(found["mode"].drop_duplicates())
        for place, mode in enumerate(modes):
            part = found[found["mode"] == mode].set_index("corruption").loc[names]
            rows = [at + 0.24 * (place - (len(modes) - 1) / 2) for at in range(len(names))]
            reach = [100 * (part["gain"] - part["low"]), 100 * (part["high"] - part["gain"])]
            axes.errorbar(100 * part["gain"], rows, xerr=reach, fmt="os"[place], color=_COLOURS[mode], label=mode, ms=5)
        axes.axvline(0, color="0.4", lw=1)
        axes.set(yticks=range(len(names)), yticklabels=names, xlabel="accuracy over static, points (95 % interval)")
        axes.invert_yaxis()
        figure.legend(frameon=False, loc="outside upper center", ncols=2)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def main() -> None:
    """Write differences.csv and differences.svg, and print the table."""
    tables = predictions()
    found = differences(tables)
    found.to_csv(FOLDER / "differences.csv", index=False, lineterminator="\n")
    draw(found, FOLDER / "differences.svg")
    sys.stdout.write(markdown(tables) + "\n")


if __name__ == "__main__":
    main()
