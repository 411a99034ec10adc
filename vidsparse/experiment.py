"""One experiment: train, evaluate, report."""

from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.config.change import changed
from vidsparse.data.sampling import batches_per_epoch
from vidsparse.evaluation.answerable import load_answerable
from vidsparse.facts import (
    describe_sparse,
    describe_weights,
    find_reference,
    now,
    protocol,
    write_topology,
)
from vidsparse.runfolder import RunFolder
from vidsparse.tasks import TASKS
from vidsparse.training.cost import count_cost, write_accounts
from vidsparse.training.topology_plan import check_updates, settings_in_steps, topology_plan
from vidsparse.utils import failures, files
from vidsparse.utils.errors import DamagedFile, first_line, plural
from vidsparse.utils.launch import check_alone, together
from vidsparse.utils.progress import console, say, warn

if TYPE_CHECKING:
    from torch import nn

    from vidsparse.data.clips import Clips
    from vidsparse.sparsity.topology import Topology
    from vidsparse.training.engine import Engine


WARM = 2  # steps of a dry run that are counted, after a cold one


def run(config: Config, fresh: bool = False, command: str = "", wait: bool = False) -> Path:
    """Carry out one experiment, or what is missing of it; returns the run folder.

    `fresh` replaces what the folder holds; `command` is the command line that the report shows. Where another living
    process is at work in the folder it raises locks.Locked, or waits until that one ends (`wait`).
    """
    from vidsparse.data.corrupted.benchmarks import cells_of

    check_alone("set engine.devices to the number of processes")
    folder = RunFolder(config.folder)
    clips = load_answerable(config)
    check_updates(config, _steps_per_epoch(config, clips))
    cells_of(clips, config.evaluation)  # what a corrupted set does not hold is refused before a folder is claimed
    weights = _digests(config)
    with folder.owned(wait):
        folder.claim(config, clips.fingerprint, fresh, weights)
        damaged = folder.finished and folder.remove_damaged(config.training.epochs > 0)
        if not folder.finished or damaged or _asked_for_more(config, folder):
            folder.update(**protocol(config, clips, command))
            with together(config.engine.processes, _take_part, config):
                _work(config, clips, folder)
            folder.update(finished=now())
        show(config, folder)
    return folder.path


def _take_part(config: Config) -> None:
    """What each further process of an experiment does."""
    _work(config, load_answerable(config), RunFolder.existing(config.folder))


def _work(config: Config, clips: "Clips", folder: RunFolder) -> None:
    """Train and evaluate, as one of the processes that do."""
    engine, model, sparse = _build(config, clips, folder)
    if warning := check_updates(config, _steps_per_epoch(config, clips)):
        warn(warning)
    _fit(config, clips, engine, model, sparse, folder)
    _evaluate(config, clips, engine, model, folder)
    _analyse(config, clips, engine, model, folder)


def _steps_per_epoch(config: Config, clips: "Clips") -> int:
    """Optimizer steps of one epoch."""
    return batches_per_epoch(len(clips.train), config.training.batch_size)


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

    config = changed(config, {"engine.devices": 1})
    with TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch) / config.name)
        clips = load_answerable(config)
        steps = plan_steps(config, clips)
        engine, model, sparse = _build(config, clips, folder)
        if warning := check_updates(config, steps.per_epoch):
            warn(warning)
        ended = [monotonic()]
        wrapped, stepper = engine.setup(model, sparse.optimizer)
        loader = make_loader(TrainingClips(clips, config.training.seed), 0, batch_sampler=steps)
        for pixels, labels, _ in islice(loader, 1 + WARM):
            optimize(config, engine, wrapped, stepper, pixels, labels)
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


def _build(config: Config, clips: "Clips", folder: RunFolder) -> "tuple[Engine, nn.Module, Topology]":
    """The model with its masks, on its device."""
    import torch

    from vidsparse.sparsity.layer_selection import CHOICES
    from vidsparse.sparsity.topology import sparsify
    from vidsparse.training.engine import Engine
    from vidsparse.training.recipe import make_optimizer

    engine = Engine(config.engine)
    torch.manual_seed(config.training.seed)
    model = engine.place(_create(config, clips, folder))
    per_epoch = _steps_per_epoch(config, clips)
    settings = settings_in_steps(config, per_epoch) | {key: getattr(config.sparse, key) for key in CHOICES}
    sparse = sparsify(
        model,
        make_optimizer(model, config.training.optimizer, scaled=engine.precision == "16"),
        config.sparse.method,
        config.sparse.sparsity,
        per_epoch * config.training.epochs,
        config.sparse.distribution,
        config.training.seed,
        init=config.sparse.init,
        rescale_init=config.sparse.rescale_init,
        **settings,
    )
    parameters = sum(p.numel() for p in model.parameters())
    where = f"{engine.device}, precision {engine.precision}"
    say(f"model      {config.model.name}, {parameters / 1e6:.1f} M parameters on {where}")
    say(f"sparse     {describe_sparse(sparse)}")
    folder.update(
        model={"name": config.model.name, "parameters": parameters, "prunable": sparse.total},
        engine={"device": str(engine.device), "precision": engine.precision, "processes": engine.world},
        topology=topology_plan(config, per_epoch).facts() if sparse.method.dynamic else {},
    )
    return engine, model, sparse


def _create(config: Config, clips: "Clips", folder: RunFolder) -> "nn.Module":
    """The model with the weights that it begins with; what is known of those is said and recorded."""
    from vidsparse.models.weights.find import native_input
    from vidsparse.models.weights.pretrained import evaluated, initialize, known_head
    from vidsparse.models.zoo import create_model, model_spec

    name, classes, data = config.model.name, clips.dataset.classes, config.data
    if config.model.weights and not config.training.epochs:
        given = (config.model.weights, config.model.labels, config.model.answers)
        model, facts = evaluated(name, classes, data.frames, data.size, *given)
        names = facts.pop("names")
        if not classes:
            folder.update(data={**folder.facts["data"], "classes": names})
        if facts["answers"] > len(classes):
            folder.update(chance=1 / facts["answers"])
        own = native_input(model_spec(name), config.model.weights).normalize
        if own not in ("", data.normalize):
            warn(f"data.normalize={data.normalize}, but {name} was trained with {own}; data.normalize=auto takes that")
    else:
        model = create_model(name, len(classes), data.frames, data.size, config.model.weights)
        facts = {"sha256": _digests(config)["model.weights"]} if config.model.weights else {}
        if config.model.weights and "weights" not in folder.facts:  # one that was begun before goes on as it began
            known_head(classes, name, config.model.weights, config.model.labels)
    if config.training.init:
        facts = initialize(model, name, data.frames, data.size, config.training.init)
    if facts:
        folder.update(weights=facts)
        for sentence in describe_weights(facts, data.normalize):
            say(f"weights    {sentence}")
    return model


def _digests(config: Config) -> dict[str, str]:
    """{config key: digest} of the weights that a run begins with, and of its own photographs of frost."""
    from corruptions.panes import digest_in_use
    from vidsparse.data.corrupted.corruptor import frost_of
    from vidsparse.models.weights.find import find_weights
    from vidsparse.models.zoo import model_spec

    given = {"model.weights": config.model.weights, "training.init": config.training.init}
    spec = model_spec(config.model.name)
    with frost_of(config.evaluation):
        frost = {"evaluation.frost_textures": name} if (name := digest_in_use()) else {}
    return {key: find_weights(spec, reference, key).sha256 for key, reference in given.items() if reference} | frost


def _fit(
    config: Config, clips: "Clips", engine: "Engine", model: "nn.Module", sparse: "Topology", folder: RunFolder
) -> None:
    """Leave `model` as it will be evaluated: trained, or loaded where it was trained before."""
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from vidsparse.training.engine import save_weights
    from vidsparse.training.loop import finish, train
    from vidsparse.training.tracker import LOGS

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
    flops = count_cost(config, model, sparse, folder)
    if config.training.epochs:
        train(config, clips, engine, model, sparse, folder, flops)
        with folder.timed("train"):
            finish(config, clips, engine, model)
    if engine.rank == 0:
        for name in LOGS if config.training.epochs else ():
            files.seal(folder.path / name)
        write_topology(sparse, folder, trained=config.training.epochs > 0)
        write_accounts(model, sparse, flops, folder)
        save_weights(final, model.state_dict())


def _evaluate(config: Config, clips: "Clips", engine: "Engine", model: "nn.Module", folder: RunFolder) -> None:
    import corruptions
    from vidsparse.data.corrupted.benchmarks import cells_of
    from vidsparse.data.corrupted.corruptor import frost_of
    from vidsparse.evaluation.evaluate import evaluate
    from vidsparse.evaluation.gallery import save_gallery, save_strip
    from vidsparse.evaluation.save_overlays import save_overlays

    cells = cells_of(clips, config.evaluation)
    with folder.timed("evaluate"):
        if clips.stored is None:
            corruptions.compile_kernels(tuple({cell.corruption for cell in cells if cell.severity}))
        evaluate(config, clips, cells, engine, model, folder.path)
        if engine.rank == 0:
            save_strip(config, clips, cells, folder.path / "frames.npz")
            save_gallery(config, clips, cells, folder.path / "gallery.parquet")
            if TASKS[config.task].masks:
                save_overlays(config, clips, cells, engine, model, folder.path / "overlays.npz")
                _tell_pixels(folder)
    with frost_of(config.evaluation):
        folder.update(corruptions_fingerprint=corruptions.fingerprint())
    if engine.rank == 0:
        _tell_undecidable(folder)


def _tell_undecidable(folder: RunFolder) -> None:
    """Say and record how often the network gave no numbers; UndecidableAnswers where it never did."""
    from vidsparse.evaluation.metrics import check_decidable
    from vidsparse.evaluation.predictions import load
    from vidsparse.evaluation.summary import undecided, undecided_words

    table = load(folder.path / "predictions.parquet")
    folder.update(**(lost := undecided(table)))
    check_decidable(table)
    if lost["undecidable_rows"]:
        warn(undecided_words(lost))


def _tell_pixels(folder: RunFolder) -> None:
    """What only the masks of all test clips tell: the classes they show, and what one class everywhere is worth."""
    from vidsparse.evaluation.label_maps import best_constant, classes_present
    from vidsparse.evaluation.predictions import load

    table = load(folder.path / "predictions.parquet")
    folder.update(chance=best_constant(table), data={**folder.facts["data"], "classes_present": classes_present(table)})


def _asked_for_more(config: Config, folder: RunFolder) -> bool:
    """Whether an analysis was switched on that a finished run has not."""
    if True not in (config.analysis.spectral, config.analysis.saliency):
        return False
    from vidsparse.analysis.analyse import wanted_but_missing

    return wanted_but_missing(config, folder.path)


def _analyse(config: Config, clips: "Clips", engine: "Engine", model: "nn.Module", folder: RunFolder) -> None:
    from vidsparse.analysis.analyse import analyse

    started = monotonic()
    analyse(config, clips, engine, model, folder.path)
    folder.update(seconds=folder.facts["seconds"] | {"analyse": monotonic() - started})


def show(config: Config, folder: RunFolder) -> None:
    """Write the report, from tables alone, and print its table."""
    from vidsparse.report.console import console_table
    from vidsparse.report.page import write_report

    if not folder.facts["data"].get("labelled", True):
        from vidsparse.report.unlabelled import write_named_predictions

        say("labels     nobody knows them for these clips: there is no accuracy and no report")
        say(f"predicted  {write_named_predictions(folder.path)}")
        return
    reference = find_reference(folder)
    folder.update(reference=str(reference) if reference else None)
    page = write_report(folder.path, reference)
    console.print(console_table(folder.path, reference))
    if not files.seal_of(folder.path / "predictions.parquet").exists():
        say("digests    there are none in this folder, an older run: damage to its files would not be noticed")
    if reference is None and config.sparse.method != "dense":
        say(f"to compare {folder.facts['dense_command']}")
    say(f"report     {page}")
