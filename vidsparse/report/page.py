"""The pages: one for a run, one that compares runs. Each is a single HTML file that needs no network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from vidsparse import files
from vidsparse.evaluation import metrics
from vidsparse.evaluation.summary import summary
from vidsparse.evaluation.views import view_accuracy
from vidsparse.report import exhibits, words
from vidsparse.report.exhibits import Exhibit
from vidsparse.report.frames import strips
from vidsparse.report.palette import DARK, LIGHT
from vidsparse.report.tables import Run, load_run, scoreboard

FILES = {
    "config.yaml": "the resolved config: run it again to repeat this",
    "run.json": "facts of the run: data, model, versions, times",
    "predictions.parquet": "every prediction, one row a clip, view and corruption: all numbers here come from it",
    "metrics.csv": "training, one row a logged step",
    "topology.csv": "one row a topology update",
    "layers.csv": "non-zero weights of each layer",
    "frames.npz": "the frames shown above",
    "figures/": "every figure as PNG",
    "tables/": "the numbers behind every figure and table as CSV",
}


def write_report(run: Path, reference: Path | None = None) -> Path:
    """Make run/report.html, run/figures/*.png and run/tables/*.csv from the tables of the run folder.

    `reference` is the dense run's folder; without one, the sibling that run.json names, if it still exists.
    Raises RunFolderError for an unfinished run, MismatchedTables where the two hold different clips or corruptions.
    """
    ours = load_run(run)
    dense = _reference(ours, reference)
    board = scoreboard(ours.predictions, dense.predictions if dense else None)
    numbers = summary(ours.predictions, dense.predictions if dense else None)
    _make_folders(run)
    board.to_csv(run / "tables" / "accuracy_matrix.csv")
    pd.Series(numbers, name="value").rename_axis("metric").to_csv(run / "tables" / "summary.csv")
    if ours.predictions["view"].nunique() > 1:
        view_accuracy(ours.predictions).to_csv(run / "tables" / "views.csv")
    if dense:
        gains = metrics.relative_gain(ours.predictions, dense.predictions)
        gains.to_csv(run / "tables" / "relative_gain.csv")
    return _render(
        "page.html.j2",
        run / "report.html",
        run=ours,
        reference=dense,
        numbers=numbers,
        board=board,
        verdict=words.verdict(ours, numbers),
        protocol=words.protocol(ours),
        warnings=words.warnings(ours, numbers),
        strips=strips(ours.frames, run / "figures"),
        results=_publish(exhibits.results(ours, dense), run, ours),
        training=_publish([*exhibits.training(ours), *exhibits.sparsity(ours)], run, ours),
        files=[(name, what) for name, what in FILES.items() if (run / name).exists()],
    )


def write_comparison(runs: Sequence[Path], out: Path) -> Path:
    """Make out/report.html, out/figures and out/tables, comparing finished runs with the dense one among them, if any.

    Raises RunFolderError for an unfinished run, MismatchedTables where runs hold different clips or corruptions.
    """
    loaded = [load_run(path) for path in runs]
    labels = _labels(loaded)
    dense = next((run for run in loaded if run.method == "dense"), None)
    for other in loaded[1:]:
        metrics.check_comparable(other.predictions, loaded[0].predictions)
    _make_folders(out)
    summaries = {label: _compared(run, dense) for label, run in labels.items()}
    leaders = leaderboard(labels, summaries)
    leaders.to_csv(out / "tables" / "leaderboard.csv", index=False)
    boards = {label: scoreboard(run.predictions) for label, run in labels.items()}
    pd.concat(boards, names=["run"]).to_csv(out / "tables" / "accuracy_matrix.csv")
    dense_label = next((label for label, run in labels.items() if run is dense), None)
    shown = [exhibits.compared_severities(labels, dense_label, float(loaded[0].info["chance"]))]
    sparse = {label: run for label, run in labels.items() if run is not dense}
    if dense and sparse:
        shown.insert(0, exhibits.gains(sparse, dense))
    if not summaries[next(iter(labels))]["corruptions"]:
        shown = []
    return _render(
        "comparison.html.j2",
        out / "report.html",
        run=loaded[0],
        runs=labels,
        reference=dense,
        leaders=leaders,
        boards=boards,
        verdicts=[words.verdict(run, summaries[label]) for label, run in labels.items() if run is not dense],
        warnings=_shared_first({label: words.warnings(run, summaries[label]) for label, run in labels.items()}),
        results=_publish(shown, out, loaded[0]),
    )


def leaderboard(runs: Mapping[str, Run], summaries: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """One row a run, the most robust first; accuracies as shares, seconds for training and evaluation together."""
    rows = [
        {
            "run": label,
            "method": run.method,
            "sparsity": run.info["sparse"]["sparsity"] if run.method != "dense" else 0.0,
            **{key: summaries[label].get(key) for key in ("clean", "robust", "retention", "gain", "relative_gain")},
            "updates": run.info["sparse"]["updates"],
            "changed": run.info["sparse"]["changed"],
            "seconds": sum(run.info["seconds"].values()),
        }
        for label, run in runs.items()
    ]
    table = pd.DataFrame(rows).astype({"gain": float, "relative_gain": float})
    return table.sort_values("robust", ascending=False, kind="stable")


def _reference(run: Run, path: Path | None) -> Run | None:
    if path is None and run.info["reference"]:
        path = Path(run.info["reference"])
        path = path if (path / "predictions.parquet").exists() else None
    return None if path is None else load_run(path)


def _compared(run: Run, dense: Run | None) -> dict[str, float]:
    against = None if dense is None or run is dense else dense.predictions
    return summary(run.predictions, against)


def _labels(runs: Sequence[Run]) -> dict[str, Run]:
    names = [run.name for run in runs]
    return {run.name if names.count(run.name) == 1 else str(run.path): run for run in runs}


def _shared_first(warnings: Mapping[str, list[str]]) -> dict[str, list[str]]:
    first, *others = warnings.values()
    shared = [sentence for sentence in first if all(sentence in other for other in others)]
    own = {label: [each for each in found if each not in shared] for label, found in warnings.items()}
    return {"All runs": shared, **own}


def _make_folders(out: Path) -> None:
    for name in ("figures", "tables"):
        (out / name).mkdir(parents=True, exist_ok=True)


def _publish(shown: Sequence[Exhibit], out: Path, run: Run) -> list[exhibits.Shown]:
    return [exhibits.publish(exhibit, out, run.on_sample_data) for exhibit in shown]


def _render(template: str, path: Path, **values: Any) -> Path:
    room = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    room.filters |= {
        "percent": words.percent,
        "signed": words.signed,
        "count": words.count,
        "duration": words.duration,
        "isna": pd.isna,
    }
    room.globals |= {"light": LIGHT, "dark": DARK, "definitions": words.DEFINITIONS}
    files.write(path, room.get_template(template).render(**values))
    return path
