"""Counting the optimizer steps that were made."""

from collections.abc import Container

from torch import Tensor
from torch.optim import Optimizer


class StepCount:
    """Steps of an optimizer; those that a gradient scaler left out because of an overflow do not count.

    A fused optimizer is called also where the scaled gradients overflowed, and says so on the device (`found_inf`).
    The device is asked only at the steps where it matters and just before, and by who reads `value`.
    """

    def __init__(self, matters: Container[int]) -> None:
        self.planned = 0  # the value, if no step was left out since the device was asked
        self._matters = matters
        self._left_out: Tensor | None = None

    @property
    def value(self) -> int:
        """How many steps were made."""
        if self._left_out is not None:
            self.planned -= int(self._left_out)
            self._left_out = None
        return self.planned

    @value.setter
    def value(self, steps: int) -> None:
        self.planned, self._left_out = steps, None

    def count(self, optimizer: Optimizer) -> bool:
        """Count a step of `optimizer`, called after it; False where it matters and the step was not made."""
        self.planned += 1
        overflow = getattr(optimizer, "found_inf", None)
        if overflow is None:
            return True
        self._left_out = overflow.sum() if self._left_out is None else self._left_out + overflow.sum()
        if self.planned not in self._matters and self.planned + 1 not in self._matters:
            return True
        self.planned = self.value
        return not bool(overflow.any())
