"""The parts of a training recipe that are formulas: loss, optimizer, learning rate, batch-norm re-estimation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, AdamW, Optimizer

from vidsparse.config import MixupConfig, OptimizerConfig, ScheduleConfig
from vidsparse.models.adapt import Outputs
from vidsparse.recipe_rows import LOSSES, OPTIMIZERS, RATES, function_of
from vidsparse.tasks import TASKS, VOID
from vidsparse.utils.called import called, takes
from vidsparse.utils.errors import ConfigError

AUXILIARY_SHARE = 0.5  # of the loss of an auxiliary head, beside that of the main one, as torchvision trains them
SHORT = 1000  # optimizer steps; after fewer, running batch-norm statistics lag behind the weights


def make_optimizer(model: nn.Module, config: OptimizerConfig, scaled: bool = False) -> Optimizer:
    """The optimizer of this name over the trainable parameters; vectors (biases, norms) are not decayed.

    AdamW is torch's fused kernel, one pass over a weight instead of ten, which differs from the others by rounding. Not
    where gradients are `scaled` (precision 16): they could not be clipped. A state that is loaded from a run without it
    goes on without.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.dim() <= 1], "weight_decay": 0.0},
    ]
    what, make = f"training.optimizer.name={config.name}", function_of(OPTIMIZERS.find(config.name))
    for name in config.settings:
        if not takes(make, name):
            raise ConfigError(f"training.optimizer.settings.{name}: {config.name} has no parameter of this name")
    known = {"lr": config.lr, "momentum": config.momentum, "nesterov": config.nesterov, "betas": tuple(config.betas)}
    offered = {"params": groups, "scaled": scaled, "config": config, **known, **config.settings}
    made = called(what, make, **offered)
    if not isinstance(made, Optimizer):
        raise ConfigError(f"{what}: it gives a {type(made).__name__}, not a torch.optim.Optimizer")
    return made


def make_sgd(params: list[dict[str, Any]], lr: float, momentum: float, nesterov: bool) -> Optimizer:
    """SGD; without momentum there is none of Nesterov's."""
    return SGD(params, lr, momentum, nesterov=nesterov and momentum > 0)


def make_adamw(params: list[dict[str, Any]], lr: float, betas: tuple[float, float], scaled: bool) -> Optimizer:
    """AdamW, torch's fused kernel where it can be, see `make_optimizer`."""
    fused = not scaled and all(p.device.type in ("cpu", "cuda") for group in params for p in group["params"])
    adamw = AdamW(params, lr, (betas[0], betas[1]), fused=fused or None)
    adamw.register_step_pre_hook(_same_layout)
    return adamw


def _same_layout(optimizer: Optimizer, *_: Any) -> None:
    """Lay gradients and state out in memory as their parameters are, which torch's fused kernels take for granted.

    On the CPU torch 2.13 pairs wrong numbers without a word where they are not: state of a run with other
    `engine.channels_last`, or gradients that somebody replaced.
    """
    for group in optimizer.param_groups:
        for weight in group["params"] if group.get("fused") else ():
            if weight.grad is not None and _steps(weight.grad) != _steps(weight):
                weight.grad = torch.empty_like(weight).copy_(weight.grad)
            for name, value in optimizer.state.get(weight, {}).items():
                if isinstance(value, Tensor) and value.shape == weight.shape and _steps(value) != _steps(weight):
                    optimizer.state[weight][name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _steps(value: Tensor) -> list[int]:
    """How far apart neighbours lie in memory, along each dimension that has any."""
    return [stride for stride, size in zip(value.stride(), value.shape, strict=True) if size > 1]


def learning_rate(peak: float, config: ScheduleConfig, step: int, per_epoch: int, total: int) -> float:
    """The rate of optimizer step `step` (0-based): linear warm-up to `peak`, then as the schedule says.

    >>> cosine = ScheduleConfig(warmup_epochs=1)
    >>> [round(learning_rate(1.0, cosine, step, per_epoch=4, total=12), 3) for step in (0, 3, 4, 8, 11)]
    [0.25, 1.0, 1.0, 0.5, 0.038]
    """
    warmup = round(config.warmup_epochs * per_epoch)
    if step < warmup:
        return peak * (step + 1) / warmup
    what, rate = f"training.schedule.name={config.name}", function_of(RATES.find(config.name))
    progress = (step - warmup) / max(1, total - warmup)
    share = called(what, rate, progress, config=config, step=step, per_epoch=per_epoch)
    if not isfinite(share) or share < 0:
        raise ConfigError(f"{what}: at progress {progress:g} it gives {share}, and a share of the peak is at least 0")
    return float(peak * share)


def cosine_rate(progress: float) -> float:
    """(1 + cos(π · progress)) / 2: from 1 to 0."""
    return (1 + cos(pi * progress)) / 2


def constant_rate(progress: float) -> float:
    """1 all the time."""
    return 1.0


def multistep_rate(progress: float, config: ScheduleConfig, step: int, per_epoch: int) -> float:
    """gamma to the power of the milestones (epochs) that are passed."""
    return float(config.gamma ** sum(step >= milestone * per_epoch for milestone in config.milestones))


@dataclass(frozen=True)
class Objective:
    """What a task's answers are held against its labels by.

    `loss` of (outputs, labels, smoothing) is a scalar; `right` of (outputs, labels) how many of the clips are answered
    right, a part of a clip counted as such.
    """

    loss: Callable[[Any, Tensor, float], Tensor]
    right: Callable[[Any, Tensor], Tensor]


def class_loss(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy () of logits (B, classes), mean over the clips."""
    return F.cross_entropy(logits, labels.to(logits.device, non_blocking=True), label_smoothing=smoothing)


def class_right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many of the clips are answered right."""
    return (logits.argmax(1) == labels.to(logits.device)).sum()


def pixel_loss(outputs: Outputs, masks: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy () of logits (B, classes, T, H, W), mean over the pixels of masks (B, T, H, W) that are not VOID.

    0 where all are. An auxiliary head adds its own with half the weight (Zhao et al. 2017; torchvision's references).
    """
    maps = (outputs,) if isinstance(outputs, Tensor) else outputs
    target = masks.to(maps[0].device, non_blocking=True).long()
    labelled = (target != VOID).sum().clamp_min(1)
    losses = [
        F.cross_entropy(logits, target, reduction="sum", ignore_index=VOID, label_smoothing=smoothing) / labelled
        for logits in maps
    ]
    return losses[0] + AUXILIARY_SHARE * sum(losses[1:], start=torch.zeros_like(losses[0]))


def pixel_right(outputs: Outputs, masks: Tensor) -> Tensor:
    """The shares of labelled pixels that are answered right (pixel accuracies), summed over the clips."""
    logits = outputs if isinstance(outputs, Tensor) else outputs[0]
    masks = masks.to(logits.device)
    labelled = masks != VOID
    right = (logits.argmax(1) == masks) & labelled
    return (right.flatten(1).sum(1) / labelled.flatten(1).sum(1).clamp_min(1)).sum()


def objective_of(task: str, loss: str | None) -> Objective:
    """That of a task, with the loss of this name in the place of its own."""
    own: Objective = TASKS[task].objective
    if loss is None:
        return own
    what, rule = f"training.loss={loss}", function_of(LOSSES.find(loss))
    smooths = [name for name in ("smoothing", "label_smoothing") if takes(rule, name)]

    def chosen(outputs: Any, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        if smoothing and not smooths:
            raise ConfigError(f"training.label_smoothing={smoothing:g}: {loss} takes none; set it to 0")
        first = outputs if isinstance(outputs, Tensor) else outputs[0]
        given = dict.fromkeys(smooths, smoothing)
        made = called(what, rule, outputs, labels.to(first.device, non_blocking=True), **given)
        if not isinstance(made, Tensor) or made.dim():
            raise ConfigError(f"{what}: it gives {type(made).__name__}, not one number, a mean over the batch")
        return made

    return Objective(chosen, own.right)


CLASSES = Objective(class_loss, class_right)
PIXELS = Objective(pixel_loss, pixel_right)


@dataclass(frozen=True)
class Mix:
    """How the clips of one batch are mixed with others of it: a partner for each, and what share is its own.

    `box` None is mixup (Zhang et al. 2018): every pixel is share · own + (1 - share) · partner. With a box (top,
    bottom, left, right, in pixels) it is CutMix (Yun et al. 2019): the box shows the partner, in every frame.
    """

    partner: Tensor
    share: float = 1.0
    box: tuple[int, int, int, int] | None = None

    def clips(self, pixels: Tensor, rows: slice, device: torch.device) -> Tensor:
        """Clips (b, T, H, W, 3) of these rows of a uint8 batch, mixed, on the device; float where they are blended."""
        own = pixels[rows].to(device, non_blocking=True)
        if self.share == 1:
            return own
        other = pixels[self.partner[rows]].to(device, non_blocking=True)
        if self.box is None:
            return own * self.share + other * (1 - self.share)
        top, bottom, left, right = self.box
        own = own.clone()  # the batch stays as it is: other parts look for partners in it
        own[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
        return own

    def loss(
        self,
        outputs: Any,
        labels: Tensor,
        rows: slice,
        smoothing: float,
        objective: Objective = CLASSES,
    ) -> Tensor:
        """The loss () of the outputs for these rows: share · that of the own label + (1 - share) · the partner's."""
        own = objective.loss(outputs, labels[rows], smoothing)
        if self.share == 1:
            return own
        return self.share * own + (1 - self.share) * objective.loss(outputs, labels[self.partner[rows]], smoothing)


def draw_mix(config: MixupConfig, shape: Sequence[int], key: tuple[int, int]) -> Mix:
    """The mix of a batch of this shape (B, T, H, W, 3), a function of `key` (seed, step) alone.

    The share of CutMix is what the box leaves of the own clip, so that targets follow the pixels.
    """
    rng = np.random.default_rng((*key, 0x313))
    alphas = [alpha for alpha in (config.mixup_alpha, config.cutmix_alpha) if alpha]
    if not alphas or rng.random() >= config.prob:
        return Mix(torch.arange(shape[0]))
    cut = bool(config.cutmix_alpha) and (len(alphas) == 1 or rng.random() < 0.5)
    alpha = config.cutmix_alpha if cut else config.mixup_alpha
    share = rng.beta(alpha, alpha)
    partner = torch.from_numpy(rng.permutation(shape[0]))
    if not cut:
        return Mix(partner, share)
    height, width = shape[2], shape[3]
    half = sqrt(1 - share) / 2
    y, x = rng.integers(height), rng.integers(width)
    top, bottom = max(0, round(y - half * height)), min(height, round(y + half * height))
    left, right = max(0, round(x - half * width)), min(width, round(x + half * width))
    return Mix(partner, 1 - (bottom - top) * (right - left) / (height * width), (top, bottom, left, right))


def precise_bn_batches(setting: int | str, total_steps: int, per_epoch: int) -> int:
    """How many batches re-estimate batch-norm statistics: as set; auto is one short epoch after a short training."""
    if isinstance(setting, int):
        return setting
    return min(32, per_epoch) if total_steps < SHORT else 0


@torch.no_grad()
def reestimate_batchnorm(model: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Replace running batch-norm statistics by their mean over `inputs` under the present weights.

    Precise BN (Wu and Johnson 2021, Rethinking "Batch" in BatchNorm, section 3). Everything else is in
    evaluation mode, and the model is left in that mode.
    """
    model.eval()
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative average
        norm.train()
    if norms:
        for batch in inputs:
            model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
