from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions.motion import Scene
from corruptions.plasma import plasma

SCENE = Scene("key", "fog", (0,), "drift", tau=2, fps=10, scale=1)


def roughness(heights: NDArray[np.float32]) -> float:
    return float(np.abs(np.diff(heights, axis=0)).mean() / heights.std())


@pytest.mark.parametrize("side", [2, 16, 32, 256])
def test_a_map_fills_zero_to_one(side: int) -> None:
    heights = plasma(SCENE, 0, side, 2)
    assert heights.shape == (side, side)
    assert (heights.min(), heights.max()) == (0, 1)


def test_a_map_has_no_seam_on_its_torus() -> None:
    heights = plasma(SCENE, 0, 128, 3)
    down, right = (np.abs(np.diff(heights, axis=axis)) for axis in (0, 1))
    assert np.abs(heights[0] - heights[-1]).mean() < 2 * down.mean()
    assert np.abs(heights[:, 0] - heights[:, -1]).mean() < 2 * right.mean()


def test_a_faster_decay_is_smoother_and_keeps_the_banks() -> None:
    rough, smooth = plasma(SCENE, 0, 128, 1.4), plasma(SCENE, 0, 128, 3)
    assert roughness(rough) > 1.5 * roughness(smooth)
    assert np.corrcoef(rough.ravel(), smooth.ravel())[0, 1] > 0.5


def test_banks_change_slowly_and_the_grain_stays() -> None:
    first, next_one, later = (plasma(SCENE, t, 128, 1.5) for t in (0, 1, 60))
    assert 0 < np.abs(first - next_one).mean() < 0.05
    assert np.corrcoef(first.ravel(), later.ravel())[0, 1] < 0.9

    def grain(heights: NDArray[np.float32]) -> NDArray[np.float32]:
        across: NDArray[np.float32] = heights[1::2] - (heights[:-1:2] + np.roll(heights, -2, axis=0)[:-1:2]) / 2
        return across

    assert np.corrcoef(grain(first).ravel(), grain(later).ravel())[0, 1] > 0.8


def test_static_is_one_map_and_independent_maps_share_nothing() -> None:
    static, independent = replace(SCENE, mode="static"), replace(SCENE, mode="independent")
    assert np.array_equal(plasma(static, 0, 64, 2), plasma(static, 9, 64, 2))
    pairs = [
        np.corrcoef(plasma(independent, t, 64, 2).ravel(), plasma(independent, t + 1, 64, 2).ravel())[0, 1]
        for t in range(40)
    ]
    assert abs(np.mean(pairs)) < 0.2
