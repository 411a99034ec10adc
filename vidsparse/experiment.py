"""One experiment: train, evaluate, report."""

from contextlib import nullcontext
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

from vidsparse.config import AnalysisConfig, Config, LoggingConfig
from vidsparse.config.change import changed
from vidsparse.evaluation.answerable import load_answerable
from vidsparse.plugins.travelling import Luggage
from vidsparse.provenance import find_reference, now, protocol, topology_record
from vidsparse.run_dir.folder import RunFolder
from vidsparse.tasks import TASKS
from vidsparse.training.build import build, digests
from vidsparse.training.cost import cost_as_trained, count_cost, write_layers
from vidsparse.training.topology_plan import Length, topology_plan
from vidsparse.utils import failures, files
from vidsparse.utils.crew import crew
from vidsparse.utils.errors import DamagedFile, first_line, plural
from vidsparse.utils.launch import check_alone, together
from vidsparse.utils.main_module import main_left_alone
from vidsparse.utils.progress import console, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from vidsparse.data.clips import Clips
    from vidsparse.data.corrupted.cells import Cell
    from vidsparse.sparsity.topology import Topology
    from vidsparse.training.session import Session


WARM = 2  # steps of a dry run that are counted, after a cold one


@main_left_alone()
def run(config: Config, fresh: bool = False, command: str = "", wait: bool = False) -> Path:
    """Carry out one experiment, or what is missing of it; returns the run folder.

    `fresh` replaces what the folder holds; `command` is the command line that the report shows. Where another living
    process is at work in the folder it raises locks.Locked, or waits until that one ends (`wait`).
    """
    launched = crew()
    if launched and launched.rank:
        if launched.wanted():
            _take_part(Luggage(), config)
        return config.folder
    with launched.led() if launched else nullcontext():
        return _lead(config, fresh, command, wait)


def _lead(config: Config, fresh: bool, command: str, wait: bool) -> Path:
    """What the first process of an experiment does, which is all of them in most."""
    from vidsparse.data.corrupted.benchmarks import cells_of

    launched = crew()
    if not launched:
        check_alone("set engine.devices to the number of processes, or start it by torchrun")
    clips = load_answerable(config)
    topology_plan(
        config.sparse, Length.of(config.training, len(clips.train))
    )  # a topology that never changes is refused
    cells_of(clips, config.evaluation)  # what a corrupted set does not hold is refused before a folder is claimed
    weights = digests(config)
    folder = RunFolder(config.folder)
    with folder.owned(wait):
        folder.claim(config, clips.fingerprint, fresh, weights)
        damaged = folder.finished and folder.remove_damaged(config.training.epochs > 0)
        if not folder.finished or damaged or _asked_for_more(config.analysis, folder):
            folder.write(protocol(config, clips, command, folder.record))
            alone = together(config.engine.processes, _take_part, Luggage(), config)
            with launched.at_work() if launched else alone:
                _work(config, clips, folder)
            folder.write(replace(folder.record, finished=now()))
            _conclude(config.logging, folder)
        show(folder)
    return folder.path


def _take_part(luggage: Luggage, config: Config) -> None:
    """What each further process of an experiment does, once it has the plug-ins."""
    _work(config, load_answerable(config), RunFolder.existing(config.folder))


def _work(config: Config, clips: "Clips", folder: RunFolder) -> None:
    """Train and evaluate, as one of the processes that do."""
    session, model, sparse = build(config, clips, folder)
    _fit(session, model, sparse)
    _evaluate(session, model)
    _analyse(session, model)


def dry_run(config: Config) -> None:
    """Build everything, make three optimizer steps, evaluate two batches; keep nothing, tell the time of the whole.

    The first step and the first batch warm up (kernels, caches, memory) and are not counted. One process does it,
    whatever `engine.devices`.
    """
    import torch

    from vidsparse.data.corrupted.batches import CorruptedUnits
    from vidsparse.data.corrupted.benchmarks import cells_of
    from vidsparse.data.loader import TrainingClips, make_loader, to_input
    from vidsparse.training.loop import optimize, plan_steps

    check_alone("try it in one process")
    config = changed(config, {"engine.devices": 1})
    with TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch) / config.name)
        clips = load_answerable(config)
        steps = plan_steps(config.training, len(clips.train))
        session, model, sparse = build(config, clips, folder)
        engine = session.engine
        ended = [monotonic()]
        wrapped, stepper = engine.setup(model, sparse.optimizer)
        loader = make_loader(TrainingClips(clips, config.training.seed, config.training.augmix), 0, batch_sampler=steps)
        for pixels, labels, _ in islice(loader, 1 + WARM):
            optimize(session, wrapped, stepper, (pixels, labels))
            ended.append(monotonic())
        step = _warm(ended)
        cells, few = cells_of(clips, config.evaluation), min(2, len(clips.test))
        ended = [monotonic()]
        for _ in range(2):  # every cell of a few clips: corruptions differ by a factor of a hundred
            for batch in CorruptedUnits(clips, config.evaluation, cells, [(0, range(few))]):
                with engine.autocast(), torch.no_grad():
                    model.eval()(to_input(batch.clips.to(engine.device), config.data.normalize))
            ended.append(monotonic())
        evaluation = _warm(ended) / max(1, few) * len(clips.test)
    training = step * steps.stop
    said = f"a step took {step:.2f} s, {steps.stop} steps {_hours(training)}" if steps.stop else "nothing is trained"
    say(
        f"dry run    all is well; {said}, evaluation of {plural(len(clips.test), 'clip')} in {len(cells)} conditions "
        f"{_hours(evaluation)}: about {_hours(training + evaluation)} in all, by {WARM} warm steps and {few} clips"
    )


def _warm(ended: "list[float]") -> float:
    """Seconds of a piece of work, without the first, which is cold, where there are others; 0 where none was."""
    spent = [after - before for before, after in pairwise(ended)]
    warm = spent[1:] or spent
    return sum(warm) / len(warm) if warm else 0.0


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _fit(session: "Session", model: "nn.Module", sparse: "Topology") -> None:
    """Leave `model` as it will be evaluated: trained, or loaded where it was trained before."""
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from vidsparse.training.consistency import views_of
    from vidsparse.training.engine import save_weights
    from vidsparse.training.loop import finish, train
    from vidsparse.training.tracker import LOGS

    config, clips, engine, folder = session.config, session.clips, session.engine, session.folder
    final = folder.path / "checkpoints" / "final.safetensors"
    with engine.first_alone():
        trained = final.exists()
        if trained:
            try:
                files.check(final)
                load_model(model, final)
            except (OSError, SafetensorError, RuntimeError, DamagedFile) as error:
                failures.check(error, final)
                warn(f"{final} cannot be read ({first_line(error)}); making it again from the last checkpoint")
                files.remove(final)
                trained = False
    if trained:
        sparse.close()  # these weights have the masks of the finished training, not the first ones
        return
    batch = min(config.training.batch_size, len(clips.train)) * views_of(config.training.augmix.jsd)
    flops, cost = count_cost(config.data, batch, model, sparse)
    folder.write(replace(folder.record, cost=cost))
    if config.training.epochs:
        train(session, model, sparse, flops)
        with folder.timed("train"):
            finish(session, model)
    if engine.rank == 0:
        for name in LOGS if config.training.epochs else ():
            files.seal(folder.path / name)
        topology = topology_record(sparse, trained=config.training.epochs > 0)
        layers = write_layers(folder.path, model, sparse, flops)
        if flops and cost:
            cost = cost_as_trained(folder.path, cost, sparse, flops)
        folder.write(replace(folder.record, topology=topology, layers=layers, cost=cost))
        save_weights(final, model.state_dict())


def _evaluate(session: "Session", model: "nn.Module") -> None:
    import corruptions
    from vidsparse.data.corrupted.benchmarks import cells_of
    from vidsparse.data.corrupted.corruptor import frost_of
    from vidsparse.evaluation.evaluate import evaluate
    from vidsparse.evaluation.gallery import save_gallery, save_strip
    from vidsparse.evaluation.save_overlays import save_overlays

    config, clips, engine, folder = session.config, session.clips, session.engine, session.folder
    cells = cells_of(clips, config.evaluation)
    with folder.timed("evaluate"):
        if clips.stored is None:
            corruptions.compile_kernels(tuple({cell.corruption for cell in cells if cell.severity}))
        evaluate(session, cells, model)
        if engine.rank == 0:
            save_strip(clips, config.evaluation, cells, folder.path / "frames.npz")
            save_gallery(clips, config.evaluation, cells, folder.path / "gallery.parquet")
            if TASKS[config.task].masks:
                save_overlays(session, cells, model)
                _tell_pixels(folder)
    with frost_of(config.evaluation):
        folder.write(replace(folder.record, corruptions_fingerprint=fingerprint_of(cells)))
    if engine.rank == 0:
        _tell_undecidable(folder)


def fingerprint_of(cells: "Sequence[Cell]") -> str:
    """That of the first corruptions, or of the conditions where one came later or is of somebody's own."""
    import corruptions
    from corruptions.registry import is_first

    used = [(cell.corruption, cell.profile) for cell in cells if cell.severity]
    return corruptions.fingerprint(None if all(is_first(*cell) for cell in used) else used)


def _tell_undecidable(folder: RunFolder) -> None:
    """Say and record how often the network gave no numbers; UndecidableAnswers where it never did."""
    from vidsparse.evaluation.metrics import check_decidable, undecided
    from vidsparse.evaluation.predictions import load
    from vidsparse.evaluation.summary import undecided_words

    table = load(folder.path / "predictions.parquet")
    lost = undecided(table)
    clips, rows = lost["undecidable"], lost["undecidable_rows"]
    folder.write(replace(folder.record, undecidable=clips, undecidable_rows=rows))
    check_decidable(table)
    if lost["undecidable_rows"]:
        warn(undecided_words(lost))


def _tell_pixels(folder: RunFolder) -> None:
    """What only the masks of all test clips tell: the classes they show, and what one class everywhere is worth."""
    from vidsparse.evaluation.label_maps import best_constant, classes_present
    from vidsparse.evaluation.predictions import load

    table = load(folder.path / "predictions.parquet")
    assert folder.record.data is not None
    data = replace(folder.record.data, classes_present=classes_present(table))
    folder.write(replace(folder.record, chance=best_constant(table), data=data))


def _conclude(config: LoggingConfig, folder: RunFolder) -> None:
    """Show the results of a finished run on its dashboards."""
    from vidsparse.evaluation.metrics import per_corruption
    from vidsparse.evaluation.predictions import load
    from vidsparse.evaluation.summary import summary
    from vidsparse.run_dir.dashboards import Dashboards

    if not config.trackers or not (folder.record.data and folder.record.data.labelled):
        return
    table = load(folder.path / "predictions.parquet")
    boards = Dashboards(folder, replace(config, tensorboard=False))
    boards.conclude(summary(table) | {f"corruption/{name}": value for name, value in per_corruption(table).items()})
    boards.close()


def _asked_for_more(config: AnalysisConfig, folder: RunFolder) -> bool:
    """Whether an analysis was switched on that a finished run has not."""
    if True not in (config.spectral, config.saliency):
        return False
    from vidsparse.analysis.analyse import wanted_but_missing

    return wanted_but_missing(config, folder.path)


def _analyse(session: "Session", model: "nn.Module") -> None:
    from vidsparse.analysis.analyse import analyse

    folder, started = session.folder, monotonic()
    analyse(session, model)
    seconds = {**folder.record.seconds, "analyse": monotonic() - started}
    folder.write(replace(folder.record, seconds=seconds))


def show(folder: RunFolder) -> None:
    """Write the report, from tables alone, and print its table."""
    from vidsparse.report.console import console_table
    from vidsparse.report.page import write_report

    if folder.record.data and not folder.record.data.labelled:
        from vidsparse.report.unlabelled import write_named_predictions

        say("labels     nobody knows them for these clips: there is no accuracy and no report")
        say(f"predicted  {write_named_predictions(folder.path)}")
        return
    reference = find_reference(folder.path, folder.record)
    folder.write(replace(folder.record, reference=str(reference) if reference else None))
    page = write_report(folder.path, reference)
    console.print(console_table(folder.path, reference))
    if not files.seal_of(folder.path / "predictions.parquet").exists():
        say("digests    there are none in this folder, an older run: damage to its files would not be noticed")
    if reference is None and folder.record.is_sparse:
        say(f"to compare {folder.record.dense_command}")
    say(f"report     {page}")
