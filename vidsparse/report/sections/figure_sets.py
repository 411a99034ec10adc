"""Exhibits: each figure of a page with its caption and the numbers behind it, under one name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from vidsparse.report.figures import charts
from vidsparse.report.figures.looks import Look
from vidsparse.report.latex import save_table
from vidsparse.report.run_numbers import DENSE_MEAN, RunNumbers
from vidsparse.report.sections import cost_tables
from vidsparse.tasks import Words

SAMPLE = "built-in sample data"


@dataclass(frozen=True)
class Exhibit:
    """`draw(table)` is shown with `title` and `caption`, written to figures/NAME.png and .pdf, the table to
    tables/NAME.csv and .tex.
    """

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    draw: Callable[[pd.DataFrame], Figure]


@dataclass(frozen=True)
class Shown:
    """An exhibit as the page shows it."""

    name: str
    title: str
    caption: str
    svg: Markup
    files: str


def publish_all(
    shown: Sequence[Exhibit], folder: Path, on_sample_data: bool, score: str, formats: Sequence[str]
) -> list[Shown]:
    """Each of these exhibits that has anything to show, drawn and written, see `publish`."""
    return [publish(each, folder, on_sample_data, score, formats) for each in shown if _has_numbers(each.table)]


def _has_numbers(table: pd.DataFrame) -> bool:
    """Whether a figure of this table shows anything: a row, and a finite number in it."""
    numbers = table.select_dtypes("number").to_numpy(dtype=float)
    return bool(len(table)) and (not numbers.size or bool(np.isfinite(numbers).any()))


def publish(exhibit: Exhibit, folder: Path, on_sample_data: bool, score: str, formats: Sequence[str]) -> Shown:
    """Draw the exhibit once, write its files under `folder`, and return what the page needs.

    A column `accuracy` is written under the name of the task's `score`; the figure in `formats`, "png" and "pdf".
    """
    with charts.style():
        figure = exhibit.draw(exhibit.table)
        figure = charts.finish(figure, note=SAMPLE if on_sample_data else "")
    svg = charts.inline_svg(figure, exhibit.name)
    charts.save(figure, folder / "figures" / exhibit.name, formats)
    save_table(exhibit.table.rename(columns={"accuracy": score}), folder / "tables" / exhibit.name)
    caption = exhibit.caption + (" Built-in sample data." if on_sample_data else "")
    return Shown(exhibit.name, exhibit.title, caption, Markup(svg), _files(exhibit.name, formats))


def _files(name: str, formats: Sequence[str]) -> str:
    """Where a figure and its numbers stand, as the page says it."""
    kinds = " and ".join(f".{kind}" for kind in formats)
    return f"figures/{name}{kinds}, tables/{name}.csv and .tex" if kinds else f"tables/{name}.csv and .tex"


def results(numbers: RunNumbers, chance: float, words: Words, look: Look) -> list[Exhibit]:
    """Figures of the scores; none for a run without corruption."""
    if numbers.bars.empty:
        return []
    dense = numbers.gains is not None
    found = [
        Exhibit(
            "per_corruption",
            f"{words.score_title} under each corruption",
            "A bar far left of the dashed line is a corruption that hurts; one near the dotted line leaves no more "
            f"than {words.guessing}.{' Diamonds: the dense reference.' if dense else ''}",
            numbers.bars,
            partial(charts.corruption_bars, clean=numbers.summary["clean"], chance=chance, words=words, look=look),
        ),
        Exhibit(
            "severity_curves",
            f"{words.score_title} as corruption grows",
            "The steeper the bold line falls, the less robust the model; grey lines are the single corruptions.",
            numbers.curves,
            partial(
                charts.severity_curves,
                looks={"mean": look, DENSE_MEAN: charts.DENSE},
                chance=chance,
                words=words,
            ),
        ),
    ]
    return found if numbers.gains is None else [*found, gains(numbers.gains, words, look)]


def gains(table: pd.DataFrame, words: Words, look: Look) -> Exhibit:
    """Gain over the dense reference: `table` has a row a corruption, one column."""
    return Exhibit(
        "gain",
        "Gain over dense training",
        "Bars right of zero are corruptions under which the run beats dense training, in points of "
        f"{words.score}, mean over severities.",
        table,
        partial(charts.gain_bars, words=words, look=look),
    )


def training_and_sparsity(
    curves: pd.DataFrame | None, topology: pd.DataFrame | None, layers: pd.DataFrame | None, right: str
) -> list[Exhibit]:
    """Figures of metrics.csv, topology.csv and layers.csv, of those that there are."""
    return [*training(curves, right), *sparsity(topology, layers)]


def training(curves: pd.DataFrame | None, right: str) -> Sequence[Exhibit]:
    """Training curves, where metrics.csv holds any; `right` is what its column `accuracy` is called."""
    if curves is None:
        return []
    return [
        Exhibit(
            "training_curves",
            "Training",
            f"Loss should fall and {right} rise until they flatten; a run that still climbs at its end was cut short.",
            charts.binned(curves),
            partial(charts.training_curves, right=right),
        )
    ]


def sparsity(topology: pd.DataFrame | None, layers: pd.DataFrame | None) -> list[Exhibit]:
    """Topology updates and density per layer, where there are updates (topology.csv) and masks (layers.csv)."""
    found = []
    if topology is not None and topology["changed"].any():
        caption = "Each mark is one drop-and-grow step. The count shrinks with the drop fraction and ends at the stop."
        draw = charts.topology_updates
        found.append(Exhibit("topology", "Connections changed by the topology updates", caption, topology, draw))
    if layers is not None and layers["nonzero"].sum() < layers["total"].sum():
        mean = float(layers["nonzero"].sum() / layers["total"].sum())
        caption = "Layers from input to output. ERK keeps small layers denser than large ones; uniform keeps all alike."
        draw = partial(charts.layer_densities, mean=mean)
        found.append(Exhibit("layer_density", "Density of each layer", caption, layers, draw))
    return [*found, *(Exhibit(*row) for row in cost_tables.rows(topology, layers))]
