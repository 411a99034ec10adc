"""How the topology changes over training: shapes over progress in [0, 1], and the steps at which it happens."""

from collections.abc import Callable
from math import cos, pi

Shape = Callable[[float], float]


def constant(progress: float) -> float:
    """1 at every progress in [0, 1] (SET, Mocanu et al. 2018)."""
    return 1.0


def cosine(progress: float) -> float:
    """(1 + cos(π·progress)) / 2: from 1 to 0 (RigL, Evci et al. 2020, eq. 1 with α = 1).

    >>> cosine(0.0), round(cosine(1 / 3), 12), cosine(1.0)
    (1.0, 0.75, 0.0)
    """
    return (1 + cos(pi * progress)) / 2


def cubic(progress: float) -> float:
    """(1 - progress)³: from 1 to 0, fast at first (gradual pruning, Zhu and Gupta 2017, eq. 1).

    A density that falls from d_i to d_f is d_f + (d_i - d_f) · cubic.

    >>> [round(0.05 + 0.45 * cubic(step / 50000), 7) for step in (0, 1000, 12500, 25000, 50000)]
    [0.5, 0.4735364, 0.2398438, 0.10625, 0.05]
    """
    return (1 - min(1.0, progress)) ** 3


def update_steps(total_steps: int, every: int, stop: float) -> range:
    """The optimizer steps after which the topology changes: multiples of `every` before `stop · total_steps`.

    >>> list(update_steps(100, every=25, stop=0.75)), list(update_steps(100, every=25, stop=1.0))
    ([25, 50], [25, 50, 75])
    """
    return range(every, max(every, end_step(total_steps, stop)), every)


def end_step(total_steps: int, stop: float) -> int:
    """T_end: no update happens at or after this step."""
    return round(stop * total_steps)


def cosine_to_a_hundredth(progress: float) -> float:
    """From 1 to 0.01 by half a cosine: a drop fraction that falls from 0.5 to 0.005 (ITOP, Liu et al. 2021).

    >>> cosine_to_a_hundredth(0.0), round(cosine_to_a_hundredth(1.0), 12)
    (1.0, 0.01)
    """
    return 0.01 + 0.99 * cosine(progress)


def halved(progress: float) -> float:
    """1 in the first three quarters, then 1/2 (MEST, Yuan et al. 2021: the mutation ratio decays in late training)."""
    return 1.0 if progress < 0.75 else 0.5
