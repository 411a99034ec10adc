"""Train one model: the loop as the papers write it, and what a run that may be killed needs around it."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vidsparse.config import TrainingConfig
from vidsparse.config.identity import digest
from vidsparse.data.loader import Steps, TrainingClips, batches, center_clip, center_masks, make_loader, to_input
from vidsparse.run_dir.folder import RunFolder
from vidsparse.run_dir.record import RearrangedRecord
from vidsparse.sparsity.measure.flops import Flops
from vidsparse.sparsity.topology import Topology
from vidsparse.training.consistency import answered, as_batch
from vidsparse.training.engine import Checkpoints, Engine
from vidsparse.training.rearranging import Rearranging, rearrange
from vidsparse.training.recipe import (
    draw_mix,
    learning_rate,
    objective_of,
    precise_bn_batches,
    reestimate_batchnorm,
)
from vidsparse.training.session import Session
from vidsparse.training.topology_plan import rearrange_step
from vidsparse.training.tracker import Tracker
from vidsparse.utils.errors import ClipDecodeError, RunFolderError, VidsparseError
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.progress import say


class Diverged(VidsparseError):
    """The loss is no longer a number."""


def plan_steps(recipe: TrainingConfig, clips: int, rank: int = 0, world: int = 1) -> Steps:
    """Which of so many clips each optimizer step sees, for the whole training."""
    steps = Steps(clips, recipe.batch_size, recipe.seed, rank, world)
    steps.stop = steps.per_epoch * recipe.epochs
    return steps


def train(session: Session, model: nn.Module, sparse: Topology, flops: Flops | None = None) -> None:
    """Train `model` in place, from the newest checkpoint of the run folder if there is one.

    Writes metrics.csv, topology.csv and a checkpoint each epoch and each `engine.checkpoint_every` steps. Every clip,
    learning rate and dropout mask is a function of the step alone, so a run that was killed continues to the same end.

    Raises:
        Diverged: the loss is not finite; the message names step, learning rate and the last good checkpoint.
        KeyboardInterrupt: somebody asked to stop; the step is done and saved.
        NotRearranged: so many steps were left out that `sparse.rearrange` was never carried out.
    """
    config, clips, engine, folder = session.config, session.clips, session.engine, session.folder
    recipe, every = config.training, config.engine.checkpoint_every
    steps = plan_steps(recipe, len(clips.train), engine.rank, engine.world)
    checkpoints = Checkpoints(folder.path / "checkpoints")
    wrapped, stepper = engine.setup(model, sparse.optimizer)
    with engine.first_alone():  # it puts aside what cannot be read
        saved = _restore(checkpoints, engine, model, sparse, digest(dict(folder.record.identity)))
        checkpoints.prune()
    steps.start = int(saved.get("step", 0))
    loader = make_loader(
        TrainingClips(clips, recipe.seed, recipe.augmix, folder.record.draws),
        engine.workers,
        batch_sampler=steps,
        pin_memory=engine.on_gpu,
    )
    model.train()
    rearranging = Rearranging.going_on(rearrange_step(config.sparse, sparse.method, steps.stop), saved)
    tracker = Tracker(folder, config.logging, steps.stop, steps.start)
    with Stop() as stop, folder.timed("train") as keep_seconds, tracker as log:
        for step, (pixels, labels, places) in enumerate(log.timed(batches(loader)), start=steps.start):
            rate = learning_rate(recipe.optimizer.lr, recipe.schedule, step, steps.per_epoch, steps.stop)
            for group in sparse.optimizer.param_groups:
                group["lr"] = rate
            if rearranging.due(sparse):
                _rearrange(session, sparse, step)
                rearranging.done = True
            draws = (recipe.seed * 1_000_003 + step) * engine.world + engine.rank
            torch.manual_seed(draws)  # dropout: nothing random survives a step
            optimize(session, wrapped, stepper, (pixels, labels), step, log)

            done, epoch_ends = step + 1, (step + 1) % steps.per_epoch == 0
            stopping = engine.any(stop.wanted)
            saving = epoch_ends or stopping or (every is not None and done % every == 0)
            _count_substitutes(folder, places)
            log.note_update(done, sparse, flops)
            if epoch_ends:
                log.note_structure(done, sparse.masks)
            if (saving or log.due(done, epoch_ends)) and engine.any(not _finite(log, model, saving)):
                raise Diverged(_diverged(done, rate, checkpoints))
            if log.due(done, epoch_ends):
                log.pool(engine.sum)
                accuracy = validate(session, model) if epoch_ends and clips.validation else None
                log.write(done, step // steps.per_epoch + 1, rate, 1 - sparse.nonzero / sparse.total, accuracy)
            if saving:
                if unreadable := engine.union(folder.record.unreadable_places):
                    folder.write(replace(folder.record, unreadable_places=tuple(unreadable)))
                if engine.rank == 0:
                    state = _state(done, engine, sparse) | {"run": digest(dict(folder.record.identity))}
                    checkpoints.save(done, model.state_dict(), state | rearranging.state())
                keep_seconds()
            if stopping:
                raise KeyboardInterrupt
    rearranging.check(sparse)


def optimize(
    session: Session,
    model: Any,
    optimizer: Any,
    batch: tuple[Tensor, Tensor],
    step: int = 0,
    log: Tracker | None = None,
) -> None:
    """One optimizer step on a batch of uint8 clips (B, T, S, S, 3) and their labels, in `training.accumulate` parts.

    Labels are class ids (B,) or, where the task has a label a pixel, masks uint8 (B, T, S, S).

    Clips may be views (B, 3, T, S, S, 3), see `consistency.answered`. How clips are mixed (mixup, CutMix) is drawn from
    the seed and `step`, for the whole batch.
    """
    (pixels, labels), engine, config = batch, session.engine, session.config
    recipe = config.training
    objective = objective_of(config.task, recipe.loss)
    mix = draw_mix(recipe.mixup, pixels.shape, (recipe.seed, step))
    size = -(-len(pixels) // recipe.accumulate)
    parts = [slice(start, start + size) for start in range(0, len(pixels), size)]
    for number, rows in enumerate(parts, start=1):
        part = mix.clips(pixels, rows, engine.device)
        with engine.waiting(model, more=number < len(parts)):
            outputs, apart = answered(
                part, lambda clips: model(to_input(clips, config.data.normalize)), recipe.augmix.jsd
            )
            loss = mix.loss(outputs, labels, rows, recipe.label_smoothing, objective) + apart
            engine.backward(loss * (len(part) / len(pixels)))
        if log:
            log.add(loss, objective.right(outputs, labels[rows]), len(part))
    if recipe.clip_norm is not None:
        engine.clip(model, optimizer, recipe.clip_norm)
    optimizer.step()
    optimizer.zero_grad()


def finish(session: Session, model: nn.Module) -> None:
    """After the last step: re-estimate batch-norm statistics where the training was short; evaluation mode."""
    recipe, clips, engine = session.config.training, session.clips, session.engine
    steps = plan_steps(recipe, len(clips.train))
    count = precise_bn_batches(recipe.precise_bn, steps.stop, steps.per_epoch)
    model.eval()
    if not count:
        return
    steps.start, steps.stop = steps.stop, steps.stop + count
    draws = session.folder.record.draws
    loader = make_loader(TrainingClips(clips, recipe.seed, recipe.augmix, draws), engine.workers, batch_sampler=steps)
    inputs = (
        to_input(as_batch(pixels).to(engine.device), session.config.data.normalize) for pixels, _, _ in batches(loader)
    )
    with engine.autocast():
        reestimate_batchnorm(model, inputs)


@torch.no_grad()
def validate(session: Session, model: nn.Module) -> float:
    """The share of the validation split's centre clips answered right; an unreadable clip counts as wrong."""
    model.eval()
    clips, engine = session.clips, session.engine
    objective = objective_of(session.config.task, session.config.training.loss)
    right = 0.0
    for sample in clips.validation[engine.rank :: engine.world]:
        try:
            pixels = torch.from_numpy(center_clip(clips, sample).copy())[None].to(engine.device)
            masks = center_masks(clips, sample)
        except ClipDecodeError:
            continue
        target = torch.tensor([sample.label]) if masks is None else torch.from_numpy(masks.copy())[None]
        with engine.autocast():
            outputs = model(to_input(pixels, session.config.data.normalize))
        right += float(objective.right(outputs, target))
    model.train()
    return engine.sum(right)[0] / len(clips.validation)


def _rearrange(session: Session, sparse: Topology, step: int) -> None:
    """The links of the settled topology drawn anew, or set to 0."""
    how = session.config.sparse.rearrange
    assert how is not None
    done = rearrange(sparse, how)
    record = RearrangedRecord(how=how, step=step, links=done.links, at_zero=done.at_zero)
    session.folder.write(replace(session.folder.record, rearranged=record))
    say(f"sparse     {how} before step {step + 1}: {done.at_zero:,} of {done.links:,} links begin anew at 0")


def _state(step: int, engine: Engine, sparse: Topology) -> dict[str, object]:
    optimizer = sparse.optimizer.state_dict()
    return {"step": step, "optimizer": optimizer, "sparse": sparse.state_dict(), "scaler": engine.scaler_state()}


def _restore(checkpoints: Checkpoints, engine: Engine, model: nn.Module, sparse: Topology, run: str) -> dict[str, Any]:
    """Load the newest checkpoint that can be read; returns what it says beside the weights, nothing without one.

    `run` is the digest of what the run is; RunFolderError where a checkpoint names another (those of before name none).
    """
    saved = checkpoints.load()
    if saved is None:
        return {}
    weights, state = saved
    if state.get("run", run) != run:
        raise RunFolderError(
            f"{checkpoints.newest()} is of a run with other settings or data; take it out of this folder, or begin "
            "from its weights with training.init=.../model.safetensors under another name="
        )
    model.load_state_dict(weights)
    sparse.optimizer.load_state_dict(state["optimizer"])
    sparse.load_state_dict(state["sparse"])
    engine.load_scaler_state(state["scaler"])
    return state


def _count_substitutes(folder: RunFolder, places: Tensor) -> None:
    """Remember which training clips could not be read and were replaced by others."""
    known = set(folder.record.unreadable_places)
    new = {-1 - int(place) for place in places if place < 0} - known
    if new:
        folder.write(replace(folder.record, unreadable_places=tuple(sorted(known | new))))


def _finite(log: Tracker, model: nn.Module, saving: bool) -> bool:
    """Whether every loss since the last line was a number and, before they are saved, every weight is."""
    weights = model.parameters() if saving else ()
    return math.isfinite(log.mean_loss()) and all(bool(weight.isfinite().all()) for weight in weights)


def _diverged(step: int, rate: float, checkpoints: Checkpoints) -> str:
    last = checkpoints.newest()
    where = f"the last good checkpoint is {last}" if last else "there is no checkpoint yet"
    at = f"by step {step}, learning rate {rate:.3g}"
    return f"the loss is not a finite number ({at}); {where}; try a lower training.optimizer.lr"
