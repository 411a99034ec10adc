import math
from dataclasses import replace

import numpy as np
import pytest

from corruptions.bar_draws import along, held, normals, span, turn, uniforms
from corruptions.motion import Scene
from corruptions.registry import MODES, Mode

SCENE = Scene("k", "test", (0,), "drift", 2.0, 10.0, 1.0)


def scene(mode: Mode, key: object = "k") -> Scene:
    return replace(SCENE, mode=mode, key=str(key))


@pytest.mark.parametrize("mode", MODES)
def test_every_parameter_has_one_distribution_at_every_frame(mode: Mode) -> None:
    for t in (0, 7, 1003):
        lots = [scene(mode, key) for key in range(400)]
        for sample, low, high in (
            ([span(lot, "s", t, 2, 5) for lot in lots], 2, 5),
            ([turn(lot, "s", t) for lot in lots], 0, math.tau),
            (uniforms(lots[0], "s", t, 400).ravel(), 0, 1),
        ):
            ranks = (np.sort(sample) - low) / (high - low)
            steps = (np.arange(ranks.size) + 0.5) / ranks.size
            assert np.abs(ranks - steps).max() < 1.95 / math.sqrt(ranks.size)  # Kolmogorov-Smirnov, 0.1 %
        z = normals(lots[0], "z", t, 2000)
        assert abs(z.mean()) < 0.1
        assert abs(z.std() - 1) < 0.08


def test_an_angle_turns_by_a_radian_in_tau_seconds() -> None:
    start = turn(SCENE, "a", 0)
    assert (turn(SCENE, "a", 20) - start) % math.tau == pytest.approx(1)
    assert (turn(replace(SCENE, fps=20.0), "a", 40) - start) % math.tau == pytest.approx(1)
    assert turn(scene("static"), "a", 20) == start
    assert turn(scene("independent"), "a", 0) == start
    assert turn(scene("independent"), "a", 20) != start


def test_held_draws_stay_in_drift_and_only_there() -> None:
    assert held(scene("drift")).mode == "static"
    assert held(scene("static")).mode == "static"
    assert held(scene("independent")).mode == "independent"


def test_a_pattern_is_made_once_where_nothing_moves() -> None:
    frames = np.zeros((3, 2, 2, 3), np.uint8)
    for mode in MODES:
        asked: list[int] = []

        def make(t: int, asked: list[int] = asked) -> int:
            asked.append(t)
            return t

        patterns = [pattern for _, pattern in along(frames, replace(scene(mode), times=(4, 2, 9)), make)]
        assert asked == ([4] if mode == "static" else [4, 2, 9])
        assert patterns == ([4, 4, 4] if mode == "static" else [4, 2, 9])
