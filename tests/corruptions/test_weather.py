import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt, weather
from corruptions.motion import Scene
from corruptions.registry import Mode

Frames = NDArray[np.uint8]
BLACK = np.zeros((16, 96, 128, 3), np.uint8)
WHITE = BLACK + np.uint8(255)


def scene(corruption: str, mode: Mode = "drift", n_frames: int = 16, tau: float = 4) -> Scene:
    return Scene("key", corruption, tuple(range(n_frames)), mode, tau=tau, fps=25, scale=1)


def test_snow_that_stands_is_two_layers_point_symmetric_about_the_centre() -> None:
    layers = corrupt(BLACK[:1], "snow", 3, "k")[0]
    assert 10 < layers.mean() < 200
    assert np.array_equal(layers, layers[::-1, ::-1])


@pytest.mark.parametrize("key", "abc")
def test_snow_falls_along_its_streaks(key: str) -> None:
    """On black each layer moves on at its own speed, by whole points of its plane, and so the sum by one of them."""
    moved = corrupt(BLACK[:2], "snow", 5, key, fps=10).astype(np.float32)[..., 0]
    (right, down), response = cv2.phaseCorrelate(moved[0], moved[1])
    assert response > 0.05
    assert down > 3
    assert abs(right) <= down + 2  # the fall is within 45 degrees of straight down


def test_snow_whitens_what_is_dark_first() -> None:
    assert corrupt(BLACK[:1], "snow", 1)[0].min() == int(0.2 * 127.5)
    assert corrupt(WHITE[:1], "snow", 1)[0].min() == 255


def test_fog_is_the_formula_on_a_flat_frame() -> None:
    foggy = corrupt(WHITE[:1], "fog", 3)[0].astype(float)
    assert foggy.min() >= np.floor(255 / 3.5)
    assert 0.4 < ((foggy / 255 * 3.5 - 1) / 2.5).std() / 0.15 < 2  # a plasma map from 0 to 1
    assert np.array_equal(foggy[..., 0], foggy[..., 2])


def test_fog_on_black_vanishes_as_published_and_stays_where_white_is_one() -> None:
    published, ours = BLACK.copy(), BLACK.copy()
    weather.fog(published, (2.5, 1.7, 256, 0), scene("fog"))
    weather.fog(ours, (2.5, 1.7, 256, 1), scene("fog"))
    assert not published.any()
    assert ours.min(axis=(1, 2, 3)).max() < ours.mean() > 40


def test_fog_banks_drift_without_flicker_and_come_and_go() -> None:
    foggy = np.repeat(np.full((1, 96, 128, 3), 90, np.uint8), 16, axis=0)
    weather.fog(foggy, (2.5, 1.7, 256, 1), scene("fog"))
    change = np.abs(np.diff(foggy[..., 0].astype(int), axis=0))
    assert np.diff(foggy.mean(axis=(1, 2, 3))).std() < 0.5
    assert 0 < change.mean() < 2
    assert change.max() < 16
    later = foggy[:1].copy()
    later[...] = 90
    weather.fog(later, (2.5, 1.7, 256, 1), Scene("key", "fog", (500,), "drift", tau=4, fps=25, scale=1))
    assert abs(np.corrcoef(foggy[0, ..., 0].ravel(), later[0, ..., 0].ravel())[0, 1]) < 0.9


def test_fog_moves_at_most_5_percent_of_the_width_a_second() -> None:
    still = np.full((2, 128, 128, 3), 90, np.uint8)
    weather.fog(still, (2.5, 1.7, 128, 1), Scene("k", "fog", (0, 50), "drift", tau=1e9, fps=25, scale=1))
    (right, down), _ = cv2.phaseCorrelate(*still[..., 0].astype(np.float32))
    assert 2 * 0.01 * 128 - 1 < np.hypot(right, down) < 2 * 0.05 * 128 + 1


def test_frost_sits_on_the_lens() -> None:
    frosted = corrupt(BLACK, "frost", 3, "k")
    assert np.all(frosted == frosted[0])
    assert corrupt(WHITE[:1], "frost", 1, "k").min() == 255


def test_frost_moves_slowly_in_drift_and_is_another_each_frame_in_independent_mode() -> None:
    drifting = corrupt(BLACK, "frost", 3, "k", temporal="drift").astype(float)
    means = corrupt(BLACK, "frost", 3, "k", temporal="independent").mean(axis=(1, 2, 3))
    assert np.abs(np.diff(drifting.mean(axis=(1, 2, 3)))).max() < 1
    assert means.std() > 5


def test_a_frame_larger_than_the_ice_enlarges_it() -> None:
    large = corrupt(np.zeros((1, 540, 600, 3), np.uint8), "frost", 4)[0]
    assert large.std() > 10
    assert len(np.unique(large[:, -1], axis=0)) > 50


def test_mud_is_opaque_brown_and_water_adds_light() -> None:
    mud = corrupt(WHITE[:1], "spatter", 5)[0]
    covered = np.any(mud < 255, axis=-1)
    assert 0.02 < covered.mean() < 0.5
    assert mud[covered].max(axis=0).tolist() <= [0.8 * mud + 0.2 * 255 for mud in (63, 42, 20)]
    assert mud[covered].min(axis=0) == pytest.approx((63, 42, 20), abs=1)
    water = corrupt(BLACK[:1], "spatter", 3)[0]
    assert water.reshape(-1, 3).max(axis=0).tolist() == [int(175 * 0.5), int(238 * 0.5), int(238 * 0.5)]
    assert 0.3 < np.mean(water == 0) < 0.99


@pytest.mark.parametrize("severity", [1, 4])
def test_relative_spatter_covers_as_much_of_a_smaller_frame(severity: int) -> None:
    covered = []
    for side in (448, 112):
        frame = np.full((1, side, side, 3), 100, np.uint8)
        spattered = corrupt(frame, "spatter", severity, "k", resolution="relative")
        covered.append(float(np.mean(spattered != frame)))
    assert 0.5 < covered[0] / covered[1] < 2


@pytest.mark.parametrize("kept", [0.95, 0.7, 0.55])
def test_snow_is_its_formula_in_single_precision(kept: float) -> None:
    draw, f = np.random.default_rng(1), np.float32
    for size in ((16, 16), (17, 31), (48, 45)):
        frame, fallen = draw.integers(0, 256, (*size, 3), np.uint8), draw.uniform(0, 200, size).astype(f)
        fallen[fallen < 90] = 0
        r, g, b = np.moveaxis(frame.astype(f), 2, 0)
        white = (f(0.299) * r + f(0.587) * g + f(0.114) * b) * f(1.5) + f(127.5)
        x, added = frame.astype(f), (fallen + f(1e-3))[..., None]
        expected = f(kept) * x + (f(1) - f(kept)) * np.maximum(x, white[..., None]) + added
        weather._snow_over(frame, fallen, kept)
        assert np.array_equal(frame, np.minimum(expected, 255).astype(np.uint8))


def test_two_layers_are_laid_one_over_the_other_turned_round() -> None:
    draw = np.random.default_rng(2)
    near, far = draw.integers(0, 256, (2, 17, 31), np.uint8)
    held, out = draw.uniform(-300, 300, (17, 31)).astype(np.float32), np.empty((17, 31), np.float32)
    for fade in (0.0, 0.3):
        weather._lay(near, far, fade, held, out)
        both = np.add(near, far[::-1, ::-1], dtype=np.float32)
        assert np.array_equal(out, np.maximum(both + np.float32(fade) * held, 0))
