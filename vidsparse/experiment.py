"""One experiment: train, evaluate, report."""

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

from vidsparse import files
from vidsparse.checks import check_updates
from vidsparse.config import Config
from vidsparse.data.sampling import batches_per_epoch
from vidsparse.facts import describe_sparse, find_reference, load_and_tell, now, protocol, write_layers
from vidsparse.progress import console, say, warn
from vidsparse.runfolder import RunFolder

if TYPE_CHECKING:
    from torch import nn

    from vidsparse.data.clips import Clips
    from vidsparse.engine import Engine
    from vidsparse.sparsity.topology import Topology


def run(config: Config, fresh: bool = False, command: str = "") -> Path:
    """Carry out one experiment, or what is missing of it; returns the run folder.

    `fresh` replaces what the folder holds; `command` is the command line that the report shows.
    """
    folder = RunFolder(config.folder)
    clips = load_and_tell(config, config.training.epochs > 0)
    total_steps = batches_per_epoch(len(clips.train), config.training.batch_size) * config.training.epochs
    warning = check_updates(config, total_steps)
    folder.claim(config, clips.fingerprint, fresh)
    if not folder.finished:
        folder.update(**protocol(config, clips, command))
        engine, model, sparse = _build(config, clips, total_steps, folder)
        if warning:
            warn(warning)
        _fit(config, clips, engine, model, sparse, folder)
        _evaluate(config, clips, engine, model, folder)
        folder.update(finished=now())
    show(config, folder)
    return folder.path


def dry_run(config: Config) -> None:
    """Build everything, make one optimizer step, evaluate one batch of the last cell; keep nothing, tell the time."""
    from vidsparse.data.benchmarks import cells_of
    from vidsparse.data.corrupted import CorruptedUnits
    from vidsparse.data.loader import TrainingClips, make_loader, to_input
    from vidsparse.training import optimize, plan_steps

    with TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch) / config.name)
        clips = load_and_tell(config, config.training.epochs > 0)
        steps = plan_steps(config, clips)
        engine, model, sparse = _build(config, clips, steps.stop, folder)
        if warning := check_updates(config, steps.stop):
            warn(warning)
        began = monotonic()
        wrapped, stepper = engine.setup(model, sparse.optimizer)
        loader = make_loader(TrainingClips(clips, config.training.seed), 0, batch_sampler=steps)
        for pixels, labels, _ in islice(loader, 1):
            optimize(config, engine, wrapped, stepper, pixels, labels)
        step = monotonic() - began
        cells, units = cells_of(clips, config.evaluation), [(0, range(min(2, len(clips.test))))]
        batch = next(iter(CorruptedUnits(clips, config.evaluation, cells[-1:], units)))
        with engine.autocast():
            model.eval()(to_input(batch.clips.to(engine.device), config.data.normalize))
    whole = f"{steps.stop} steps are {step * steps.stop / 3600:.1f} h"
    say(f"dry run    all is well; a step took {step:.1f} s, at that rate {whole}")


def _build(config: Config, clips: "Clips", total_steps: int, folder: RunFolder) -> "tuple[Engine, nn.Module, Topology]":
    """The model with its masks, on its device."""
    import torch

    from vidsparse.engine import Engine
    from vidsparse.models.zoo import create_model
    from vidsparse.recipe import make_optimizer
    from vidsparse.sparsity.methods import SETTINGS
    from vidsparse.sparsity.topology import sparsify

    engine = Engine(config.engine)
    torch.manual_seed(config.training.seed)
    classes = len(clips.dataset.classes)
    model = create_model(config.model.name, classes, config.data.frames, config.data.size, config.model.weights)
    model = engine.place(model)
    settings = {key: getattr(config.sparse, key) for key in SETTINGS}
    sparse = sparsify(
        model,
        make_optimizer(model, config.training.optimizer),
        config.sparse.method,
        config.sparse.sparsity,
        total_steps,
        config.sparse.distribution,
        config.training.seed,
        **settings,
    )
    parameters = sum(p.numel() for p in model.parameters())
    where = f"{engine.device}, precision {engine.precision}"
    say(f"model      {config.model.name}, {parameters / 1e6:.1f} M parameters on {where}")
    say(f"sparse     {describe_sparse(sparse)}")
    folder.update(
        model={"name": config.model.name, "parameters": parameters, "prunable": sparse.total},
        engine={"device": str(engine.device), "precision": engine.precision, "processes": engine.world},
    )
    return engine, model, sparse


def _fit(
    config: Config, clips: "Clips", engine: "Engine", model: "nn.Module", sparse: "Topology", folder: RunFolder
) -> None:
    """Leave `model` as it will be evaluated: trained, or loaded where it was trained before."""
    from safetensors import SafetensorError
    from safetensors.torch import load_model

    from vidsparse.engine import save_weights
    from vidsparse.training import finish, train

    final = folder.path / "checkpoints" / "final.safetensors"
    if final.exists():
        try:
            load_model(model, final)
            return
        except (OSError, SafetensorError) as error:
            warn(f"{final} cannot be read ({error}); making it again from the last checkpoint")
            files.remove(final)
    started = monotonic()
    try:
        if config.training.epochs:
            train(config, clips, engine, model, sparse, folder)
            finish(config, clips, engine, model)
    finally:
        before = folder.facts.get("seconds", {}).get("train", 0)
        folder.update(seconds={"train": before + monotonic() - started})
    write_layers(sparse, folder, trained=config.training.epochs > 0)
    save_weights(final, model.state_dict())


def _evaluate(config: Config, clips: "Clips", engine: "Engine", model: "nn.Module", folder: RunFolder) -> None:
    import corruptions
    from vidsparse.data.benchmarks import cells_of
    from vidsparse.evaluation.evaluate import evaluate, save_strip

    started = monotonic()
    cells = cells_of(clips, config.evaluation)
    if clips.stored is None:
        corruptions.compile_kernels(tuple({cell.corruption for cell in cells if cell.severity}))
    evaluate(config, clips, cells, engine, model, folder.path)
    save_strip(config, clips, cells, folder.path / "frames.npz")
    seconds = folder.facts["seconds"] | {"evaluate": monotonic() - started}
    folder.update(seconds=seconds, corruptions_fingerprint=corruptions.fingerprint())


def show(config: Config, folder: RunFolder) -> None:
    """Write the report, from tables alone, and print its table."""
    from vidsparse.report.console import console_table
    from vidsparse.report.page import write_report

    if not folder.facts["data"].get("labelled", True):
        from vidsparse.report.named import write_named_predictions

        say("labels     nobody knows them for these clips: there is no accuracy and no report")
        say(f"predicted  {write_named_predictions(folder.path)}")
        return
    reference = find_reference(folder)
    folder.update(reference=str(reference) if reference else None)
    page = write_report(folder.path, reference)
    console.print(console_table(folder.path, reference))
    if reference is None and config.sparse.method != "dense":
        say(f"to compare {folder.facts['dense_command']}")
    say(f"report     {page}")
