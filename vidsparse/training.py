"""Train one model: the loop as the papers write it, and what a run that may be killed needs around it."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidsparse.config import Config
from vidsparse.data.clips import Clips
from vidsparse.data.loader import Steps, TrainingClips, center_clip, make_loader, to_input
from vidsparse.engine import Checkpoints, Engine
from vidsparse.errors import ClipDecodeError, VidsparseError
from vidsparse.recipe import learning_rate, precise_bn_batches, reestimate_batchnorm
from vidsparse.runfolder import RunFolder
from vidsparse.sparsity.topology import Topology
from vidsparse.tracking import Tracker


class Diverged(VidsparseError):
    """The loss is no longer a number."""


def plan_steps(config: Config, clips: Clips, rank: int = 0, world: int = 1) -> Steps:
    """Which clips each optimizer step sees, for the whole training."""
    recipe = config.training
    steps = Steps(len(clips.train), recipe.batch_size, recipe.seed, rank, world)
    steps.stop = steps.per_epoch * recipe.epochs
    return steps


def train(config: Config, clips: Clips, engine: Engine, model: nn.Module, sparse: Topology, folder: RunFolder) -> None:
    """Train `model` in place, from the newest checkpoint of the run folder if there is one.

    Writes metrics.csv, topology.csv and a checkpoint each epoch. Every clip, learning rate and dropout mask is a
    function of the step alone, so a run that was killed continues to the same end.

    Raises:
        Diverged: the loss is not finite; the message names step, learning rate and the last good checkpoint.
    """
    recipe, optimizer = config.training, sparse.optimizer
    steps = plan_steps(config, clips, engine.rank, engine.world)
    checkpoints = Checkpoints(folder.path / "checkpoints")
    steps.start = _restore(checkpoints, model, sparse)
    loader = make_loader(TrainingClips(clips, recipe.seed), engine.workers, batch_sampler=steps)
    wrapped, stepper = engine.setup(model, optimizer)
    model.train()
    with Tracker(folder.path, config.logging, steps.stop, steps.start) as log:
        for step, (pixels, labels, places) in enumerate(log.timed(loader), start=steps.start):
            rate = learning_rate(recipe.optimizer.lr, recipe.schedule, step, steps.per_epoch, steps.stop)
            for group in optimizer.param_groups:
                group["lr"] = rate
            torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout: nothing random survives a step
            parts = list(zip(pixels.chunk(recipe.accumulate), labels.chunk(recipe.accumulate), strict=True))
            for i, (part, label) in enumerate(parts, start=1):
                label = label.to(engine.device)
                with engine.waiting(wrapped, more=i < len(parts)):
                    logits = wrapped(to_input(part.to(engine.device), config.data.normalize))
                    loss = F.cross_entropy(logits, label, label_smoothing=recipe.label_smoothing)
                    engine.backward(loss * (len(part) / len(pixels)))
                log.add(loss, logits, label)
            if recipe.clip_norm is not None:
                engine.clip(wrapped, stepper, recipe.clip_norm)
            stepper.step()
            stepper.zero_grad()

            done, epoch_ends = step + 1, (step + 1) % steps.per_epoch == 0
            _count_substitutes(folder, places)
            log.note_update(done, sparse.last_update)
            if log.due(done, epoch_ends):
                if not math.isfinite(log.mean_loss()):
                    raise Diverged(_diverged(done, rate, checkpoints))
                accuracy = validate(config, clips, engine, model) if epoch_ends and clips.validation else None
                log.write(done, step // steps.per_epoch + 1, rate, 1 - sparse.nonzero / sparse.total, accuracy)
            if epoch_ends:
                checkpoints.save(done, model.state_dict(), _state(done, sparse))


def finish(config: Config, clips: Clips, engine: Engine, model: nn.Module) -> None:
    """After the last step: re-estimate batch-norm statistics where the training was short; evaluation mode."""
    steps = plan_steps(config, clips)
    batches = precise_bn_batches(config.training.precise_bn, steps.stop, steps.per_epoch)
    model.eval()
    if not batches:
        return
    steps.start, steps.stop = steps.stop, steps.stop + batches
    loader = make_loader(TrainingClips(clips, config.training.seed), engine.workers, batch_sampler=steps)
    with engine.autocast():
        reestimate_batchnorm(model, (to_input(p.to(engine.device), config.data.normalize) for p, _, _ in loader))


@torch.no_grad()
def validate(config: Config, clips: Clips, engine: Engine, model: nn.Module) -> float:
    """Accuracy on the centre clips of the validation split; an unreadable clip counts as wrong."""
    model.eval()
    right = 0
    for sample in clips.validation:
        try:
            pixels = torch.from_numpy(center_clip(clips, sample).copy())[None].to(engine.device)
        except ClipDecodeError:
            continue
        with engine.autocast():
            right += int(model(to_input(pixels, config.data.normalize)).argmax() == sample.label)
    model.train()
    return right / len(clips.validation)


def _state(step: int, sparse: Topology) -> dict[str, object]:
    return {"step": step, "optimizer": sparse.optimizer.state_dict(), "sparse": sparse.state_dict()}


def _restore(checkpoints: Checkpoints, model: nn.Module, sparse: Topology) -> int:
    """Load the newest checkpoint; returns how many steps are done."""
    saved = checkpoints.load()
    if saved is None:
        return 0
    weights, state = saved
    model.load_state_dict(weights)
    sparse.optimizer.load_state_dict(state["optimizer"])
    sparse.load_state_dict(state["sparse"])
    return int(state["step"])


def _count_substitutes(folder: RunFolder, places: Tensor) -> None:
    """Remember which training clips could not be read and were replaced by others."""
    known = set(folder.facts.get("unreadable_places", ()))
    new = {-1 - int(place) for place in places if place < 0} - known
    if new:
        folder.update(unreadable_places=sorted(known | new))


def _diverged(step: int, rate: float, checkpoints: Checkpoints) -> str:
    last = checkpoints.newest()
    where = f"the last good checkpoint is {last}" if last else "there is no checkpoint yet"
    at = f"step {step}, learning rate {rate:.3g}"
    return f"the loss is not a finite number ({at}); {where}; try a lower training.optimizer.lr"
