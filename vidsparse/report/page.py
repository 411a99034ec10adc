"""The pages: one for a run, one that compares runs. Each is a single HTML file that needs no network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.summary import summary
from vidsparse.report import own_metrics, result_file, words
from vidsparse.report.arms import Arm, control, leaderboard, make_arms, mean_board
from vidsparse.report.figures import mask_overlays
from vidsparse.report.figures.example_frames import strips
from vidsparse.report.figures.looks import Looks, looks_of
from vidsparse.report.figures.palette import DARK, LIGHT
from vidsparse.report.latex import paper_table, save_table, save_tables
from vidsparse.report.run_numbers import measure
from vidsparse.report.sections import (
    analyses,
    comparison_sections,
    cost_tables,
    disagreements,
    figure_sets,
    low_frequency_account,
    protocol_card,
    robust_latency,
    run_warnings,
)
from vidsparse.report.sections.figure_sets import Exhibit
from vidsparse.report.tables import Run, load_reference, load_run, showing
from vidsparse.tasks import Definition, Task
from vidsparse.training.cost import operations
from vidsparse.utils import files
from vidsparse.utils.errors import RunFolderError, plural

FILES = {
    "config.yaml": "the resolved config: run it again to repeat this",
    "run.json": "record of the run: data, model, versions, times",
    "predictions.parquet": "every prediction, one row a clip, view and corruption: all numbers here come from it",
    "metrics.csv": "training, one row a logged step",
    "topology.csv": "one row a topology update",
    "layers.csv": "non-zero weights of each layer",
    "structure.csv": "how unequally channels keep their weights, one row a layer and topology update",
    "frames.npz": "the frames shown above",
    "overlays.npz": "one test clip with its masks and predictions, under each corruption",
    "gallery.parquet": "small pictures of some test clips, for comparisons",
    "analysis/": "attenuation, Fourier map, spectra, kernel maps and saliency, as tables and arrays",
    "results.json": "the headline numbers, for leaderboards and registries",
    "figures/": "figures as PNG and, vectors for a paper, PDF",
    "tables/": "the numbers behind every figure and table as CSV and LaTeX",
}


def write_report(run: Path, reference: Path | None = None) -> Path:
    """Make run/report.html, run/figures/*.png and run/tables/*.csv from the tables of the run folder.

    `reference` is the dense run's folder; without one, the sibling that run.json names, if it still exists.
    Raises RunFolderError for an unfinished run, MismatchedTables where the two hold different clips or corruptions.
    """
    ours = load_run(run)
    dense = load_reference(ours, reference)
    numbers = measure(ours, dense)
    _make_folders(run)
    save_tables(numbers.tables(ours.words.score), run / "tables")
    if (own := own_metrics.of_run(ours)) is not None:
        save_table(own, run / "tables" / "own_metrics")
    if len(probes := metrics.probe_accuracy(ours.predictions)):
        save_table(probes.to_frame("accuracy"), run / "tables" / "motion_probe")
    shown_as = (run, ours.on_sample_data, ours.words.score, ours.figure_formats)
    with showing(run / "analysis"):
        analysed = figure_sets.publish_all(_analyses(ours, dense), *shown_as)
    look = looks_of({ours.label: ours.method})[ours.label]
    result_file.write(run, [result_file.of_run(ours, numbers)])
    results = figure_sets.results(numbers, ours.record.chance, ours.words, look)
    trained = figure_sets.training_and_sparsity(ours.training, ours.topology, ours.layers, ours.words.right)
    return _render(
        "page.html.j2",
        run / "report.html",
        run=ours,
        reference=dense,
        numbers=numbers.summary,
        board=numbers.board,
        look=look,
        headline=words.headline(ours, numbers.summary, dense),
        verdict=words.verdict(ours, numbers.summary, dense),
        at_chance=words.is_at_chance(ours, numbers.summary),
        dense_at_chance=dense is not None and words.reference_at_chance(numbers.summary, dense),
        calibration=(calibration := words.calibration(numbers.summary, ours.words)),
        protocol=protocol_card.protocol(ours, numbers.severities),
        warnings=run_warnings.warnings(ours, numbers.summary),
        **_pictures(ours),
        own=None if own is None else own_metrics.by_corruption(own),
        probes=probes,
        classes=numbers.classes,
        results=figure_sets.publish_all(results, *shown_as),
        training=figure_sets.publish_all(trained, *shown_as),
        analysis=analysed,
        definitions=[*_definitions(ours.task, bool(analysed)), *(words.CALIBRATION if calibration else ())],
        files=[(name, what) for name, what in FILES.items() if (run / name).exists()],
    )


def write_comparison(runs: Sequence[Path], out: Path) -> Path:
    """Make out/report.html, out/figures and out/tables, comparing finished runs: arms over seeds, against controls.

    Raises RunFolderError for an unfinished run or one given twice, MismatchedTables where runs hold different clips or
    corruptions.
    """
    twice = [str(path) for path, count in Counter(path.resolve() for path in runs).items() if count > 1]
    if twice:
        raise RunFolderError(f"{twice[0]} is given twice; a comparison takes every run once")
    loaded = [load_run(path) for path in runs]
    for other in loaded[1:]:
        metrics.check_comparable(other.predictions, loaded[0].predictions)
    arms = make_arms(loaded)
    leaders, looks = leaderboard(arms), looks_of({arm.label: arm.first.method for arm in arms})
    _make_folders(out)
    boards, task_words = {arm.label: mean_board(arm) for arm in arms}, loaded[0].words
    save_table(leaders, out / "tables" / "leaderboard", index=False, paper=paper_table(leaders))
    save_table(pd.concat(boards, names=["arm"]), out / "tables" / f"{task_words.score}_matrix")
    if (own := own_metrics.of_arms({arm.label: [*arm.runs.values()] for arm in arms})) is not None:
        save_table(own, out / "tables" / "own_metrics")
    result_file.write(out, result_file.of_arms(arms, leaders, boards))
    severities = [int(column) for column in map(str, next(iter(boards.values()))) if column.isdigit()]
    shown = [
        *comparison_sections.of_arms(arms, leaders, loaded[0].record.chance, task_words, looks),
        *robust_latency.of_arms(out, arms, leaders, looks),
    ]
    found = {arm.label: _run_warnings(arm) for arm in arms}
    shown_as = (out, loaded[0].on_sample_data, task_words.score, loaded[0].figure_formats)
    return _render(
        "comparison.html.j2",
        out / "report.html",
        run=loaded[0],
        runs=loaded,
        arms=arms,
        reference=next((arm for arm in arms if arm.first.method == "dense"), None),
        leaders=leaders,
        boards=boards,
        looks=looks,
        headline=comparison_sections.headline(leaders),
        own=own,
        verdict=comparison_sections.overall_verdict(leaders),
        sentences=comparison_sections.sentences(leaders, task_words),
        power=comparison_sections.power(arms)["note"],
        at_chance=list(leaders.loc[leaders["at_chance"], "arm"]),
        protocol=protocol_card.shared_protocol(loaded, severities),
        warnings=_shared_first(found, comparison_sections.cautions(arms)),
        results=figure_sets.publish_all(shown, *shown_as),
        parted=figure_sets.publish_all(_parting(arms, leaders, looks), *shown_as),
        analysis=(analysed := figure_sets.publish_all(_compared(arms, leaders, looks), *shown_as)),
        account=(account := figure_sets.publish_all(_account(arms, leaders, looks), *shown_as)),
        definitions=[
            *_definitions(loaded[0].task, bool(analysed)),
            *(words.CALIBRATION if leaders["ece_clean"].notna().any() else ()),
            *(low_frequency_account.DEFINITIONS if account else ()),
        ],
    )


def _definitions(task: Task, analysed: bool) -> list[Definition]:
    """How the numbers of the page are defined; of the analyses, those that the task has."""
    found = analyses.DEFINITIONS if analysed else ()
    shared = (*words.SPARSITY, *cost_tables.DEFINITIONS)
    of_analyses = (each for each in found if task.one_answer or each[0] in analyses.OF_WEIGHTS)
    return [*task.definitions, *shared, *of_analyses]


def _pictures(run: Run) -> dict[str, Any]:
    """What the network was shown and, where it answers pixel by pixel, what it said."""
    with showing(run.path / ("overlays.npz" if run.task.masks else "frames.npz")):
        if not run.task.masks:
            return {"strips": strips(run.frames, run.path / "figures"), "legend": [], "lead": None}
        pictures = mask_overlays.strips(run.overlays, run.path / "figures")
        legend = mask_overlays.legend(run.record.data.classes, run.overlays)
        return {"strips": pictures, "legend": legend, "lead": mask_overlays.LEAD}


def _analyses(run: Run, dense: Run | None) -> list[Exhibit]:
    """Exhibits of one run, beside its dense reference where there is one."""
    beside = {"dense": [dense]} if dense else {}
    label = "dense" if run.method == "dense" else run.label
    looks = looks_of({**dict.fromkeys(beside, "dense"), label: run.method})
    return analyses.of_analyses({**beside, label: [run]}, "dense", run.record.chance, looks)


def _compared(arms: Sequence[Arm], leaders: pd.DataFrame, looks: Looks) -> list[Exhibit]:
    """Exhibits of all arms: dense, then the most robust dynamic one (maps show these two), then the others."""
    dense = next((arm for arm in arms if arm.first.method == "dense"), None)
    ranked = sorted(arms, key=lambda arm: (arm is not dense, not arm.dynamic, list(leaders["arm"]).index(arm.label)))
    subjects = {arm.label: list(arm.runs.values()) for arm in ranked}
    return analyses.of_analyses(subjects, dense.label if dense else None, arms[0].first.record.chance, looks)


def _account(arms: Sequence[Arm], leaders: pd.DataFrame, looks: Looks) -> list[Exhibit]:
    """Tests of the low-frequency account, the most robust arms first; of networks with one answer a clip."""
    if not arms[0].first.task.one_answer:
        return []
    order = list(leaders["arm"])
    ranked = sorted(arms, key=lambda arm: (not arm.dynamic, order.index(arm.label)))
    return low_frequency_account.of_account(ranked, looks, arms[0].first.words)


def _parting(arms: Sequence[Arm], leaders: pd.DataFrame, looks: Looks) -> list[Exhibit]:
    """Where the most robust arm that has a dense control, a dynamic one if there is any, and that control part."""
    if not arms[0].first.task.one_answer:
        return []
    ranked = sorted(arms, key=lambda arm: (not arm.dynamic, list(leaders["arm"]).index(arm.label)))
    pairs = ((arm, dense) for arm in ranked if arm.first.method != "dense" and (dense := control(arm, arms, "dense")))
    return next((disagreements.where_they_part(arm, dense, looks) for arm, dense in pairs), [])


def _run_warnings(arm: Arm) -> list[str]:
    found = [run_warnings.warnings(run, summary(run.predictions)) for run in arm.runs.values()]
    return list(dict.fromkeys(sentence for each in found for sentence in each))


def _shared_first(warnings: Mapping[str, list[str]], of_all: Sequence[str]) -> dict[str, list[str]]:
    first, *others = warnings.values()
    shared = [sentence for sentence in first if all(sentence in other for other in others)]
    own = {label: [each for each in found if each not in shared] for label, found in warnings.items()}
    return {"All runs": [*of_all, *shared], **own}


def _make_folders(out: Path) -> None:
    for name in ("figures", "tables"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for old in (path for pattern in ("saliency_*", "clips_*") for path in (out / "figures").glob(pattern)):
        old.unlink()  # pictures of the data, which report.frames may since have forbidden


def _most(boards: Sequence[pd.DataFrame]) -> float:
    """What the deepest colour of these matrices stands for: at least a quarter, so that guesses stay pale."""
    return max(0.25, *(float(board.drop(columns="gain", errors="ignore").max().max()) for board in boards))


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
        "plural": plural,
        "most": _most,
        "isna": pd.isna,
        "operations": lambda number: "–" if pd.isna(number) else operations(number),
    }
    room.globals |= {"light": LIGHT, "dark": DARK, "words": values["run"].words}
    files.write(path, room.get_template(template).render(**values))
    return path
