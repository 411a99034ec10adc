import itertools
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corruptions import corrupt
from corruptions.motion import Scene, uniform
from corruptions.registry import MODES

Frames = NDArray[np.uint8]


def ramp(n_frames: int, height: int = 48, width: int = 64) -> Frames:
    """Red is the row, green the column."""
    frames = np.zeros((n_frames, height, width, 3), np.uint8)
    frames[..., 0] = np.arange(height)[:, None]
    frames[..., 1] = np.arange(width)
    return frames


@pytest.mark.parametrize(("severity", "degrees"), [(1, 7.5), (2, 15), (3, 30), (4, 45), (5, 90)])
def test_static_rotate_turns_as_pillow_does(clip: Frames, severity: int, degrees: float) -> None:
    made = corrupt(clip, "static_rotate", severity)
    assert np.array_equal(made[3], np.asarray(Image.fromarray(clip[3]).rotate(degrees)))


@pytest.mark.parametrize("mode", MODES)
def test_every_angle_is_a_whole_number_of_degrees_within_the_published_bounds(clip: Frames, mode: str) -> None:
    image = clip[:1]
    turned = {np.asarray(Image.fromarray(image[0]).rotate(degrees)).tobytes() for degrees in range(-7, 8)}
    seen = {corrupt(image, "rotate", 1, str(key), temporal=mode, indices=[20]).tobytes() for key in range(120)}
    assert seen == turned


@pytest.mark.parametrize("mode", MODES)
def test_offsets_are_uniform_from_0_to_8_pixels_a_level(mode: str) -> None:
    source = ramp(1)
    firsts = [corrupt(source, "translate", 2, str(k), temporal=mode, indices=[31])[0, 0, 0] for k in range(800)]
    counts = np.array([[Counter(first[side] for first in firsts)[o] for o in range(16)] for side in (0, 1)])
    assert counts.sum() == 1600
    assert ((counts - 50) ** 2 / 50).sum() < 60  # chi-squared, 30 degrees of freedom, p < 0.001


def test_translate_keeps_the_scene_and_mirrors_beyond_the_border() -> None:
    frames = ramp(1)
    made = corrupt(frames, "translate", 5, "k")[0]
    down, right = made[0, 0, :2].tolist()
    assert np.array_equal(made[: 48 - down, : 64 - right], frames[0, down:, right:])
    assert np.array_equal(made[48 - down :, 0, 0], 46 - np.arange(down))
    assert 0 < down < 40
    assert 0 < right < 40


def test_offsets_scale_with_a_relative_resolution() -> None:
    made = corrupt(
        np.repeat(ramp(1, 112, 112), 60, axis=0), "translate", 5, temporal="independent", resolution="relative"
    )
    assert made[:, 0, 0, :2].max() == 19  # 40 pixels of 224


@pytest.mark.parametrize("name", ["rotate", "translate"])
def test_the_hand_has_inertia_in_drift(clip: Frames, name: str) -> None:
    angles = {mode: [uniform(Scene("k", name, (), mode, 0.4, 25, 1), "angle", t) for t in range(200)] for mode in MODES}
    steps = {mode: np.abs(np.diff(a)).mean() for mode, a in angles.items()}
    assert steps["static"] == 0 < 3 * steps["drift"] < steps["independent"]
    still = np.repeat(clip[:1], 16, axis=0)
    moved = [np.abs(np.diff(corrupt(still, name, 3, "k", temporal=mode).astype(int), axis=0)).mean() for mode in MODES]
    assert moved[0] == 0 < moved[1] < 0.8 * moved[2]


def test_a_harder_shake_moves_the_same_way_further() -> None:
    offsets = [corrupt(ramp(40), "translate", severity, "k")[:, 0, 0, :2].astype(int) for severity in range(1, 6)]
    assert all(np.all(harder >= milder) for milder, harder in itertools.pairwise(offsets))


@pytest.mark.parametrize("name", ["rotate", "static_rotate", "translate"])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_frame_gains_black_corners_at_most(name: str, level: int) -> None:
    made = corrupt(np.full((4, 17, 31, 3), level, np.uint8), name, 5, "k")
    assert set(np.unique(made)) <= {0, level}
    assert (made == level).mean() > 0.5
