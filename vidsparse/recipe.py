"""The parts of a training recipe that are formulas: optimizer, learning rate, batch-norm re-estimation."""

from collections.abc import Iterable
from math import cos, pi

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, AdamW, Optimizer

from vidsparse.config import OptimizerConfig, ScheduleConfig

SHORT = 1000  # optimizer steps; after fewer, running batch-norm statistics lag behind the weights


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    """SGD or AdamW over the trainable parameters; vectors (biases, norms) are not decayed."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trainable if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if config.name == "adamw":
        return AdamW(groups, config.lr, (config.betas[0], config.betas[1]))
    nesterov = config.nesterov and config.momentum > 0
    return SGD(groups, config.lr, config.momentum, nesterov=nesterov)


def learning_rate(peak: float, config: ScheduleConfig, step: int, per_epoch: int, total: int) -> float:
    """The rate of optimizer step `step` (0-based): linear warm-up to `peak`, then as the schedule says.

    >>> cosine = ScheduleConfig(warmup_epochs=1)
    >>> [round(learning_rate(1.0, cosine, step, per_epoch=4, total=12), 3) for step in (0, 3, 4, 8, 11)]
    [0.25, 1.0, 1.0, 0.5, 0.038]
    """
    warmup = round(config.warmup_epochs * per_epoch)
    if step < warmup:
        return peak * (step + 1) / warmup
    if config.name == "multistep":
        passed = sum(step >= milestone * per_epoch for milestone in config.milestones)
        return float(peak * config.gamma**passed)
    if config.name == "constant":
        return peak
    return peak * (1 + cos(pi * (step - warmup) / max(1, total - warmup))) / 2


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
