import math

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import flakes, psf
from corruptions.motion import Scene

SHAPE = (60, 84)
LEVEL = (0.1, 0.3, 2, 0.5, 10, 4, 0.8)
WEIGHTS = psf.streak_weights(10, 4)
SCENE = Scene("key", "snow", (0,), "drift", math.inf, 25, 1)


def shown(fallen: float, shape: tuple[int, int] = SHAPE, key: str = "key") -> NDArray[np.float64]:
    scene = Scene(key, "snow", (0,), "drift", math.inf, 25, 1)
    return flakes.falling(scene, flakes.sharp(scene, 0, shape, LEVEL), WEIGHTS)(fallen).astype(float)


@pytest.mark.parametrize("shape", [SHAPE, (16, 16), (31, 17)])
def test_the_mean_of_what_falls_never_changes(shape: tuple[int, int]) -> None:
    means = [shown(fallen, shape).mean() for fallen in (0, 1, 2.5, 17, 61, 300, -4, -200)]
    assert np.ptp(means) < 0.01  # smears are truncated to whole levels
    assert means[0] > 1


def test_away_from_the_border_the_first_frame_is_the_published_layer() -> None:
    standing = flakes.standing(SCENE, 0, flakes.sharp(SCENE, 0, SHAPE, LEVEL), WEIGHTS)
    edge = len(WEIGHTS)
    inside = np.s_[edge:-edge, edge:-edge]
    assert np.array_equal(shown(0)[inside], standing[inside])
    assert not np.array_equal(shown(0), standing)


def test_flakes_fall_downwards_along_their_streaks_by_whole_pixels() -> None:
    degrees = flakes._direction(SCENE, 0)
    down, right = (round(-20 * way(math.radians(degrees))) for way in (math.sin, math.cos))
    assert down > 10
    before, after = shown(0), np.roll(shown(20), -right, axis=1)
    assert np.array_equal(after[down:], before[: SHAPE[0] - down])


def test_what_enters_is_not_what_has_left() -> None:
    first, once_round = shown(0), shown(SHAPE[0] / abs(math.sin(math.radians(flakes._direction(SCENE, 0)))))
    shifted = [np.abs(np.roll(first, aside, axis=1) - once_round).mean() for aside in range(SHAPE[1])]
    assert int(np.argmin(shifted)) != 0
    assert shifted[0] > 5


def test_layers_of_two_videos_differ() -> None:
    assert abs(np.corrcoef(shown(5, key="a").ravel(), shown(5, key="b").ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("low", [0, 1, 16])
def test_a_sheet_that_has_moved_shows_the_one_above_and_comes_round_at_the_side(low: int) -> None:
    above, sheet = np.random.default_rng(3).integers(0, 256, (2, 17, 31), np.uint8)
    for aside in (0, 1, 30):
        out = np.empty((17, 31), np.uint8)
        flakes._shift(above, sheet, low, aside, out)
        assert np.array_equal(out, np.roll(np.concatenate([above[17 - low :], sheet[: 17 - low]]), aside, axis=1))
