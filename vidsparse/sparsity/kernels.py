"""Passes over millions of scores that NumPy makes slowly; compiled, so imported where they are first used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptions.jit import kernel

Floats = NDArray[np.floating[Any]]  # of 32 or 64 bit
Float = np.floating[Any]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@kernel("int64(float32[::1], boolean[::1], boolean, float32, float32, float32[::1])",
        "int64(float64[::1], boolean[::1], boolean, float64, float64, float64[::1])")  # fmt: skip
def gather(values: Floats, among: Bools, wanted: bool, lowest: Float, bound: Float, found: Floats) -> int:
    """Write the values where `among` is `wanted` and that are at least `bound` side by side; returns how many.

    Less than `lowest`, and NaN, is taken for `lowest`. `found` (n + 1,) has room for one more than there are values.
    Without a branch in the loop, which would be guessed wrong too often.
    """
    count = 0
    for place in range(values.size):
        value = values[place] if values[place] >= lowest else lowest
        found[count] = value
        count += (among[place] == wanted) & (value >= bound)
    return count


@kernel("void(boolean[:, ::1], int64[::1])")
def count_rows(mask: Bools, counts: Ints) -> None:
    """How many are true in each row."""
    for row in range(mask.shape[0]):
        total = 0
        for column in range(mask.shape[1]):
            total += mask[row, column]
        counts[row] = total
