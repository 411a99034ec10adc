"""Views of one clip that should be answered alike: how a batch of them goes through a network, and their divergence."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

_LEAST = 1e-7  # of a probability, before its logarithm


def jensen_shannon(logits: Tensor) -> Tensor:
    """The Jensen-Shannon divergence () of the answers to V views, logits (V, B, classes), mean over the clips.

    1/V Σ KL(p_v ‖ M) with M the mean of the p_v, natural logarithm: 0 to log V. Hendrycks et al. 2020 (AugMix),
    equation 2, with V = 3: the clip and two mixtures.

    >>> round(float(jensen_shannon(Tensor([[[0.0, 99.0]], [[99.0, 0.0]]]))), 4)
    0.6931
    """
    answers = logits.float().softmax(-1)
    mean = answers.mean(0).clamp_min(_LEAST).log()
    own = answers.clamp_min(_LEAST).log()
    return (answers * (own - mean)).sum(-1).mean()


def as_batch(pixels: Tensor) -> Tensor:
    """Clips (B, T, S, S, 3) as they are; views (B, V, T, S, S, 3) as (V · B, T, S, S, 3), first views first."""
    return pixels.transpose(0, 1).flatten(0, 1) if pixels.dim() == 6 else pixels


def answered(pixels: Tensor, answer: Callable[[Tensor], Any], weight: float) -> tuple[Any, Tensor | float]:
    """The answers to clips, and what their loss has added to it: `weight` · divergence of views, 0 without views.

    With views (B, V, T, S, S, 3) the answers are those to the first, the clips themselves.
    """
    outputs = answer(as_batch(pixels))
    if pixels.dim() != 6:
        return outputs, 0.0
    logits = outputs.unflatten(0, (pixels.shape[1], -1))
    return logits[0], weight * jensen_shannon(logits)


def views_of(jsd: float) -> int:
    """How often a step sees each clip."""
    return 3 if jsd else 1
