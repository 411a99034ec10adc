"""Plasma maps: fractal clouds on a torus, by the diamond-square algorithm of ImageNet-C's fog (ICLR 2019).

A map of side n is its own neighbour on every side, so that it can be moved any distance without a seam.
"""

import numpy as np
from numpy.typing import NDArray

from corruptions import fields, motion
from corruptions.jit import kernel
from corruptions.motion import Scene

COARSE = 16  # points a side that decide where the banks are; in drift they evolve while the grain stays
_CHANNEL = np.uint64((1 << fields.BITS) - 1)


def plasma(scene: Scene, t: int, side: int, decay: float) -> NDArray[np.float32]:
    """Return the map of frame `t`: float32 (side, side) from 0 to 1; `side` is a power of two.

    The wobble added at each halving of the step is uniform in [-w^2, w^2] with w = 100 / decay^halvings.
    """
    grain = fields.words(motion.still(scene), "grain", t, side * side).reshape(side, side)
    coarse = min(COARSE, side)
    grain[:: side // coarse, :: side // coarse] = fields.words(scene, "bank", t, coarse * coarse).reshape(coarse, -1)
    heights = np.empty((side, side), np.float32)
    _diamond_square(grain, decay, heights)
    low, high = heights.min(), heights.max()
    return np.asarray((heights - low) / (high - low), np.float32)


@kernel("void(uint64[:,::1], float64, float32[:,::1])")
def _diamond_square(words: NDArray[np.uint64], decay: float, heights: NDArray[np.float32]) -> None:
    side = heights.shape[0]
    mask = side - 1
    heights[0, 0] = 0
    step, wobble = side, 100.0
    while step >= 2:
        half = step // 2
        unit = wobble * wobble * 2.0 / np.float64(_CHANNEL)
        for y in range(half, side, step):
            up, down = y - half, (y + half) & mask
            for x in range(half, side, step):
                left, right = x - half, (x + half) & mask
                corners = heights[up, left] + heights[up, right] + heights[down, left] + heights[down, right]
                u = np.float64(words[y, x] & _CHANNEL) * unit - wobble * wobble
                heights[y, x] = corners / 4 + u
        for y in range(0, side, half):
            up, down = (y - half) & mask, (y + half) & mask
            for x in range(half if y % step == 0 else 0, side, step):
                left, right = (x - half) & mask, (x + half) & mask
                edges = heights[up, x] + heights[down, x] + heights[y, left] + heights[y, right]
                u = np.float64(words[y, x] & _CHANNEL) * unit - wobble * wobble
                heights[y, x] = edges / 4 + u
        step = half
        wobble /= decay
