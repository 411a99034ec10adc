"""Exhibits: each figure of a page with its caption and the numbers behind it, under one name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.text import Text

from vidsparse.evaluation import metrics
from vidsparse.report.figures import charts
from vidsparse.report.latex import save_table
from vidsparse.report.sections import cost_tables
from vidsparse.report.tables import Run, binned, severity_table
from vidsparse.tasks import TASKS, Task

SAMPLE = "built-in sample data"
_OURS = ["accuracy", "val_accuracy"]  # columns that are words of ours


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


def publish(exhibit: Exhibit, folder: Path, on_sample_data: bool, task: Task = TASKS["classification"]) -> Shown:
    """Draw the exhibit once, write its files under `folder`, and return what the page needs; in the words of `task`."""
    with charts.style():
        figure = exhibit.draw(exhibit.table)
        named = _named(exhibit.table)
        for text in figure.findobj(Text) if task.words else ():
            if text.get_text().replace("_", " ") not in named:
                text.set_text(task.say(text.get_text()))
        figure = charts.finish(figure, note=SAMPLE if on_sample_data else "")
    svg = charts.inline_svg(figure, exhibit.name)
    charts.save(figure, folder / "figures" / f"{exhibit.name}.png")
    said = dict(task.words)
    table = exhibit.table.rename(columns=lambda name: said.get(name, name))
    save_table(table, folder / "tables" / exhibit.name)
    caption = exhibit.caption + (" Built-in sample data." if on_sample_data else "")
    return Shown(exhibit.name, task.say(exhibit.title), task.say(caption), Markup(svg))


def _named(table: pd.DataFrame) -> set[str]:
    """What the table calls its rows, columns and entries: names of runs, layers and classes, which stay as they are."""
    texts = [*table.index, *table.columns.difference(_OURS), *table.loc[:, _worded(table)].to_numpy().ravel()]
    return {text.replace("_", " ") for text in texts if isinstance(text, str)}


def _worded(table: pd.DataFrame) -> list[bool]:
    return [not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]


def results(run: Run, reference: Run | None) -> list[Exhibit]:
    """Figures of the accuracies; none for a run without corruption."""
    accuracies = metrics.per_corruption(run.predictions)
    if accuracies.empty:
        return []
    chance = run.record.chance
    bars = accuracies.to_frame("accuracy")
    curves = severity_table(run.predictions)
    dense = None
    if reference is not None:
        bars["reference"] = metrics.per_corruption(reference.predictions)
        dense = "mean, dense"
        curves[dense] = severity_table(reference.predictions)["mean"]
    clean = metrics.clean_accuracy(run.predictions)
    found = [
        Exhibit(
            "per_corruption",
            "Accuracy under each corruption",
            "A bar far left of the dashed line is a corruption that hurts; one near the dotted line leaves no more "
            f"than guessing.{' Diamonds: the dense reference.' if reference else ''}",
            bars,
            partial(charts.corruption_bars, clean=clean, chance=chance),
        ),
        Exhibit(
            "severity_curves",
            "Accuracy as corruption grows",
            "The steeper the bold line falls, the less robust the model; grey lines are the single corruptions.",
            curves,
            partial(charts.severity_curves, bold=["mean"], dense=dense, chance=chance),
        ),
    ]
    return found if reference is None else [*found, gains({run.label: run}, reference)]


def gains(runs: Mapping[str, Run], reference: Run) -> Exhibit:
    """Gain in accuracy over the dense reference per corruption, one column a run."""
    dense = metrics.per_corruption(reference.predictions)
    table = pd.DataFrame({label: metrics.per_corruption(run.predictions) - dense for label, run in runs.items()})
    return Exhibit(
        "gain",
        "Gain over dense training",
        "Bars right of zero are corruptions under which the run beats dense training, in points of accuracy, mean over "
        "severities.",
        table,
        charts.gain_bars,
    )


def training(run: Run) -> Sequence[Exhibit]:
    """Training curves, where metrics.csv holds any."""
    if run.training is None:
        return []
    return [
        Exhibit(
            "training_curves",
            "Training",
            f"Loss should fall and {run.task.right} rise until they flatten; a run that still climbs at its end was "
            "cut short.",
            binned(run.training),
            partial(charts.training_curves, right=run.task.right),
        )
    ]


def sparsity(run: Run) -> list[Exhibit]:
    """Topology updates and density per layer, where there are updates and masks."""
    found = []
    if run.topology is not None:
        caption = "Each mark is one drop-and-grow step. The count shrinks with the drop fraction and ends at the stop."
        draw = charts.topology_updates
        found.append(Exhibit("topology", "Connections changed by the topology updates", caption, run.topology, draw))
    if run.layers is not None and run.layers["nonzero"].sum() < run.layers["total"].sum():
        mean = float(run.layers["nonzero"].sum() / run.layers["total"].sum())
        caption = "Layers from input to output. ERK keeps small layers denser than large ones; uniform keeps all alike."
        draw = partial(charts.layer_densities, mean=mean)
        found.append(Exhibit("layer_density", "Density of each layer", caption, run.layers, draw))
    return [*found, *(Exhibit(*row) for row in cost_tables.rows(run))]
