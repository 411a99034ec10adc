import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corruptions.motion import NORMAL, Scene, knots, layers, still, uniform
from corruptions.registry import Mode

DRIFT = Scene("key", "motion_blur", (0,), "drift", tau=0.5, fps=20, scale=1)  # knots every 10 frames


@given(st.integers(0, 10**7), st.floats(0.01, 10), st.floats(1, 240))
def test_weights_keep_the_variance_and_two_draws_suffice(t: int, tau: float, fps: float) -> None:
    used = knots(replace(DRIFT, tau=tau, fps=fps), t)
    assert 1 <= len(used) <= 2
    assert math.isclose(sum(weight**2 for _, weight in used), 1)


def test_static_asks_for_one_draw_and_independent_for_one_a_frame() -> None:
    assert {knots(replace(DRIFT, mode="static"), t) for t in range(9)} == {((0, 1.0),)}
    assert [knots(replace(DRIFT, mode="independent"), t) for t in (0, 5)] == [((0, 1.0),), ((5, 1.0),)]


def test_the_modes_agree_at_frame_0() -> None:
    assert len({uniform(replace(DRIFT, mode=mode), "angle", 0) for mode in get_args(Mode)}) == 1


@pytest.mark.parametrize("t", [0, 3, 5, 999])
def test_drift_is_uniform_at_every_frame(t: int) -> None:
    values = [uniform(replace(DRIFT, key=str(key)), "angle", t) for key in range(4000)]
    counts = np.histogram(values, 20, (0, 1))[0]
    assert ((counts - 200) ** 2 / 200).sum() < 45  # chi-squared, 19 degrees of freedom, p < 0.001


@pytest.mark.parametrize("lag", [1, 5, 10])
def test_drift_forgets_as_its_docstring_says(lag: int) -> None:
    z = np.array([NORMAL.inv_cdf(uniform(DRIFT, "angle", t)) for t in range(20_000)])
    d = lag / 10
    expected = (1 - d / 2) * math.cos(math.pi * d / 2) + math.sin(math.pi * d / 2) / math.pi
    assert abs(np.corrcoef(z[:-lag], z[lag:])[0, 1] - expected) < 0.05


def test_drift_never_jumps() -> None:
    z = np.array([NORMAL.inv_cdf(uniform(DRIFT, "angle", t)) for t in range(2000)])
    assert np.abs(np.diff(z)).max() < 0.16 * 5  # pi/2 of the knots' amplitude, spread over 10 frames


def test_a_standing_scene_shares_one_layer() -> None:
    moving = replace(DRIFT, times=(3, 4, 5))
    assert list(layers(moving, float)) == [3, 4, 5]
    assert list(layers(replace(moving, mode="static"), float)) == [0, 0, 0]
    assert still(moving).mode == "static"
    assert still(replace(moving, mode="independent")).mode == "independent"
