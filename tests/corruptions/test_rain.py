import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt, counter_rng, motion, rain
from corruptions.motion import Scene
from corruptions.rain import SPEEDS, streaks
from corruptions.registry import MODES, Mode

Frames = NDArray[np.uint8]


def heads(mode: Mode, t: int, key: str = "k", count: int = 60, fps: float = 25) -> NDArray[np.int64]:
    return streaks(Scene(key, "rain", (t,), mode, math.inf, fps, 1), t, count, 10, 112, 112)


@pytest.mark.parametrize("mode", MODES)
def test_streaks_are_drawn_one_by_one_by_the_counter(mode: Mode) -> None:
    for t, fps, (height, width) in ((0, 25.0, (112, 112)), (7, 25.0, (37, 90)), (900, 8.0, (16, 64))):
        scene, length = Scene("k", "rain", (t,), mode, math.inf, fps, 1), 10
        slant, rows, expected = int(motion.uniform(scene, "slant", t) * 20) - 10, height - length, []
        down, across = (counter_rng.seed("k", "rain", stream) for stream in ("down", "across"))
        for drop in range(40):
            drawn = t if mode == "independent" else 0
            fallen = round((t / fps if mode == "drift" else 0) * height * SPEEDS[drop % 3])
            lives, row = divmod(int(counter_rng.uniform(down, drawn, drop) * rows) + fallen, rows)
            column = int(counter_rng.uniform(across, drawn + lives, drop) * (width - abs(slant))) - fallen // length
            expected.append([column % (width - abs(slant)) + min(slant, 0), row])
        assert streaks(scene, t, 40, length, height, width).tolist() == expected


@pytest.mark.parametrize("length", [1, 10, 60])
def test_wet_pixels_are_those_of_the_lines_that_opencv_draws(length: int) -> None:
    for number, size in enumerate(((112, 112), (37, 90), (16, 17))):
        scene = Scene(str(number), "rain", (number,), "independent", math.inf, 25, 1)
        heads = streaks(scene, number, 30, length, *size)
        canvas = np.zeros(size, np.uint8)
        lines = np.stack([heads, heads + np.array([-1, length])], axis=1)  # some begin left of the frame or end below
        cv2.polylines(canvas, list(lines.astype(np.int32)), False, 1)
        assert np.array_equal(rain._wet(scene, number, 30, length, size), np.flatnonzero(canvas))


@pytest.mark.parametrize(("severity", "count", "length"), [(1, 65, 10), (3, 65, 60), (4, 100, 60), (5, 125, 80)])
def test_a_frame_has_the_published_number_of_streaks(severity: int, count: int, length: int) -> None:
    made = corrupt(np.zeros((1, 224, 224, 3), np.uint8), "rain", severity, "k")[0, :, :, 0]
    wet = (made > np.median(made)).sum()
    assert 0.85 * count * length < wet <= count * (length + 1)


def test_the_formula_is_the_published_one(clip: Frames) -> None:
    """Written for whole frames, where the package touches the wet pixels only."""
    for severity, dim in ((2, 0.8), (5, 0.5)):
        frame = np.tile(clip[0], (3, 3, 1))
        black = corrupt(np.zeros_like(frame)[None], "rain", severity, "k")[0, :, :, 0]
        mask = np.where(black > np.median(black), 220.0, 0)[..., None]
        wet = frame + (mask * (1 - frame / 255) * (1 - frame.mean() / 255)).astype(np.uint8)
        x = (cv2.blur(wet, (3, 3)) * mask / 255 + frame * (1 - mask / 255)) / 255
        mean = x.mean(axis=(0, 1))
        expected = (np.clip((x - mean) * dim + mean, 0, 1) * 255).astype(int)
        error = np.abs(corrupt(frame[None], "rain", severity, "k")[0].astype(int) - expected)
        assert error.max() <= 1
        assert (error > 0).mean() < 0.001


def test_contrast_falls_as_published(clip: Frames) -> None:
    for severity, dim in ((1, 0.8), (3, 0.7), (4, 0.6), (5, 0.5)):
        made = corrupt(clip[:1, :16, :16], "rain", severity, resolution="absolute")  # 256 pixels: no streak
        source = clip[0, :16, :16].astype(float)
        mean = source.mean(axis=(0, 1))
        assert np.abs(made[0] - ((source - mean) * dim + mean)).max() <= 1


@pytest.mark.parametrize("mode", MODES)
def test_where_streaks_start_is_uniform_whatever_the_mode(mode: Mode) -> None:
    x, y = np.concatenate([heads(mode, 7, str(key)) for key in range(100)]).T
    assert x.min() >= -10
    assert y.min() >= 0
    assert y.max() < 102
    rows = np.histogram(y, 17, (0, 102))[0]
    assert ((rows - 6000 / 17) ** 2 / (6000 / 17)).sum() < 45  # chi-squared, 16 degrees of freedom, p < 0.001
    columns = np.histogram(x, 9, (0, 102))[0]
    assert columns.std() < 0.15 * columns.mean()


def test_drops_fall_along_their_streaks_in_three_layers_and_come_back_elsewhere() -> None:
    before, after = heads("drift", 0, count=300, fps=36.4), heads("drift", 1, count=300, fps=36.4)
    down, left = (after - before)[:, 1], (before - after)[:, 0]
    fell = down > 0
    assert 0.85 < fell.mean() < 0.99
    layers = [down[fell & (np.arange(300) % 3 == layer)] for layer in range(3)]
    assert [layer.mean().round(1) for layer in layers] == pytest.approx([10, 7.5, 5], abs=0.5)
    inside = fell & (np.abs(left) < 50)  # others leave at the side and come in on the other
    assert np.all(np.abs(left - down / 10)[inside] < 1)  # a pixel a streak, whole pixels
    assert set(left[inside]) == {0, 1}
    assert inside.sum() > 0.9 * fell.sum()
    assert np.abs(left[~fell]).mean() > 10


def test_rain_falls_several_frame_heights_a_second_at_any_level_and_size() -> None:
    """6.5 m/s, the terminal speed of a drop of 2 mm, where the frame is 2 to 4 m high."""
    for height in (112, 224):
        for length in (10, 80):
            scene = Scene("k", "rain", (0,), "drift", math.inf, 100, 1)
            before, after = (streaks(scene, t, 300, length, height, height)[:, 1] for t in (0, 1))
            fallen = (after - before)[after > before] * 100 / height
            assert 1.5 < np.median(fallen) < 3.5


def test_drops_fall_by_the_second_and_not_by_the_frame() -> None:
    assert np.array_equal(heads("drift", 6, fps=25), heads("drift", 12, fps=50))


def test_the_frame_mean_does_not_flicker(clip: Frames) -> None:
    still = np.repeat(clip[:1], 16, axis=0)
    for mode in MODES:
        level = corrupt(still, "rain", 3, "k", temporal=mode).mean(axis=(1, 2, 3))
        assert level.std() < 0.5


def test_all_modes_agree_on_an_image() -> None:
    assert len({heads(mode, 0).tobytes() for mode in MODES}) == 1


@pytest.mark.parametrize("size", [(16, 16), (16, 70), (33, 21)])
@pytest.mark.parametrize("severity", [1, 5])
def test_small_and_flat_frames_stay_sane(size: tuple[int, int], severity: int) -> None:
    for level in (0, 128, 255):
        made = corrupt(np.full((2, *size, 3), level, np.uint8), "rain", severity, "k")
        assert abs(float(np.median(made)) - level) <= 20
