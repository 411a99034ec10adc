"""How the topology changes over training: shapes over progress in [0, 1], and the steps at which it happens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi
from typing import Any, overload

from corruptions.open_table import OpenTable
from vidsparse.utils.errors import ConfigError

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


def halved(progress: float) -> float:
    """1 in the first three quarters, then 1/2 (MEST, Yuan et al. 2021: the mutation ratio decays in late training)."""
    return 1.0 if progress < 0.75 else 0.5


def _made(name: str, thing: Any) -> Shape:
    """A row of the table: a function of the progress whose values are shares."""
    values = [thing(progress) for progress in (0.0, 0.5, 1.0)] if callable(thing) else []
    if not values or not all(isinstance(v, int | float) and isfinite(v) and v >= 0 for v in values):
        raise ConfigError(
            f"schedule {name}: it is a function of the progress, 0 to 1, that gives a share, at least 0; at 0, 0.5 and "
            f"1 it gives {values or 'nothing'}"
        )
    shape: Shape = thing
    return shape


SHAPES: OpenTable[Shape] = OpenTable(
    "schedule",
    "vidsparse.sparsity.schedule.SHAPES",
    ConfigError,
    _made,
    {"constant": constant, "cosine": cosine, "halved": halved},
)


@dataclass(frozen=True)
class Windows(Sequence[int]):
    """The `length` steps that end with each of `updates`, ascending, none twice: those with dense gradients.

    >>> list(Windows(range(10, 31, 10), 3)), 19 in Windows(range(10, 31, 10), 3), len(Windows(range(0), 3))
    ([8, 9, 10, 18, 19, 20, 28, 29, 30], True, 0)
    """

    updates: range
    length: int

    def __len__(self) -> int:
        return self._after_first + (len(self.updates) - 1) * self._each if self.updates else 0

    def __contains__(self, step: object) -> bool:
        if not isinstance(step, int) or not self.updates or not 0 < step <= self.updates[-1]:
            return False
        behind = (self.updates[0] - step) % self.updates.step  # steps until the next update
        return behind < self.length and (step > self.updates[0] or self.updates[0] - step < self.length)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> list[int]: ...
    def __getitem__(self, place: int | slice) -> int | list[int]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place %= len(self)
        if place < self._after_first:
            return self.updates[0] - self._after_first + 1 + place
        window, rest = divmod(place - self._after_first, self._each)
        return self.updates[1 + window] - self._each + 1 + rest

    @property
    def _after_first(self) -> int:
        """Steps of the first window, which cannot begin before the first step."""
        return min(self.length, self.updates[0])

    @property
    def _each(self) -> int:
        """Steps of each further window, which cannot begin before the one before it ended."""
        return min(self.length, self.updates.step)


def interval(every: int | None, every_epochs: float | None, steps_per_epoch: int) -> int | None:
    """Optimizer steps between updates, at least 1: `every`, or so many epochs; None where neither is given.

    >>> interval(None, 0.5, 595), interval(100, None, 595), interval(None, 0.001, 20)
    (298, 100, 1)
    """
    return every if every_epochs is None else max(1, round(every_epochs * steps_per_epoch))


def gradient_window(every: int, batch_size: int, steps_per_epoch: int, samples: int = 4096) -> int:
    """Steps that show `samples` samples to growth by gradient: at most those between two updates, and of an epoch.

    A gradient of few samples picks weights almost at random (docs/methods). Evci et al. 2020 use batches of 4,096.

    >>> gradient_window(595, 16, 595), gradient_window(100, 16, 595), gradient_window(100, 8, 20)
    (256, 100, 20)
    """
    return max(1, min(every, steps_per_epoch, -(-samples // batch_size)))
