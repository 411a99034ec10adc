"""What lossy storage costs: the distance of the stored frames from the intended ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidsparse.data.reading.frames import Frames

PEAK = 255.0


@dataclass(frozen=True)
class Loss:
    """Mean squared error of what is stored (grey levels squared), and the share of the corruption's strength left.

    `kept` is std(stored - clean) / std(intended - clean); None where nothing was corrupted.
    """

    squared_error: float
    kept: float | None

    @property
    def psnr(self) -> float | None:
        """10 log10(255² / MSE) in dB; None where not a byte differs.

        >>> Loss(1.0, None).psnr
        48.1308
        """
        return round(10 * math.log10(PEAK**2 / self.squared_error), 4) if self.squared_error else None


def measure(stored: Frames, intended: Frames, clean: Frames) -> Loss:
    """The loss of one clip: three uint8 arrays of one shape."""
    error = np.subtract(stored, intended, dtype=np.float32)
    before, after = (np.subtract(each, clean, dtype=np.float32).std(dtype=np.float64) for each in (intended, stored))
    return Loss(float(np.square(error).mean(dtype=np.float64)), round(float(after / before), 4) if before else None)


@dataclass
class LossSum:
    """`measure` of a clip that comes in parts; sums of whole numbers, so that it is exact."""

    count: int = 0
    squared_error: int = 0
    before: tuple[int, int] = (0, 0)  # of intended - clean: their sum, and that of their squares
    after: tuple[int, int] = (0, 0)  # of stored - clean

    def add(self, stored: Frames, intended: Frames, clean: Frames) -> None:
        """Count a part: three uint8 arrays of one shape."""
        self.count += stored.size
        self.squared_error += _sums(stored, intended)[1]
        self.before, self.after = (
            (of[0] + more[0], of[1] + more[1])
            for of, more in ((self.before, _sums(intended, clean)), (self.after, _sums(stored, clean)))
        )

    def loss(self) -> Loss:
        """What `measure` says of the whole."""
        before, after = (math.sqrt(squares * self.count - total**2) for total, squares in (self.before, self.after))
        return Loss(self.squared_error / self.count, round(after / before, 4) if before else None)


def _sums(one: Frames, other: Frames) -> tuple[int, int]:
    """The sum of the differences, and that of their squares."""
    difference = np.subtract(one, other, dtype=np.int32)
    return int(difference.sum(dtype=np.int64)), int(np.square(difference).sum(dtype=np.int64))


def mean_loss(losses: Sequence[Loss]) -> Loss:
    """The loss of several clips of one size together."""
    kept = [loss.kept for loss in losses if loss.kept is not None]
    share = round(sum(kept) / len(kept), 4) if kept else None
    return Loss(sum(loss.squared_error for loss in losses) / len(losses), share)
