import colorsys

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt
from corruptions.severities import TABLES

SEVERITIES = range(1, 6)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_brightness_is_the_hsv_round_trip_within_one_level(severity: int) -> None:
    (c,) = TABLES["imagenet_c", "brightness"][severity - 1]
    colours = np.random.default_rng(severity).integers(0, 256, (1, 16, 20, 3), np.uint8)
    expected = []
    for colour in colours.reshape(-1, 3) / 255:
        h, s, v = colorsys.rgb_to_hsv(*colour)
        expected.append(colorsys.hsv_to_rgb(h, s, min(v + c, 1)))
    bright = corrupt(colours, "brightness", severity).reshape(-1, 3)
    assert np.abs(bright - np.floor(np.array(expected) * 255)).max() <= 1


def test_brightness_lifts_black_to_grey_and_keeps_white() -> None:
    ends = np.array([0, 255], np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)
    bright = corrupt(ends, "brightness", 2)
    assert np.unique(bright[0]).tolist() == [51]
    assert np.unique(bright[1]).tolist() == [255]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_contrast_is_exactly_the_formula_in_double_precision(clip: NDArray[np.uint8], severity: int) -> None:
    (c,) = TABLES["imagenet_c", "contrast"][severity - 1]
    x = clip / 255.0
    mean = x.mean(axis=(1, 2), keepdims=True)  # of each frame and channel on its own
    expected = (np.clip((x - mean) * c + mean, 0, 1) * 255).astype(np.uint8)
    assert np.array_equal(corrupt(clip, "contrast", severity), expected)


def test_contrast_leaves_a_flat_channel_as_it_is() -> None:
    for height, width in ((16, 16), (17, 301), (112, 112), (224, 224)):
        flat = np.empty((1, height, width, 3), np.uint8)
        for level in range(0, 256, 3):
            flat[:] = level, 255 - level, 255
            assert np.array_equal(corrupt(flat, "contrast", 1), flat)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_saturate_is_the_hsv_round_trip_within_one_level(severity: int) -> None:
    factor, added = TABLES["imagenet_c", "saturate"][severity - 1]
    colours = np.random.default_rng(severity).integers(0, 256, (1, 16, 20, 3), np.uint8)
    colours[0, 0, :, 1] = colours[0, 0, :, 0]
    expected = []
    for colour in colours.reshape(-1, 3) / 255:
        h, s, v = colorsys.rgb_to_hsv(*colour)
        expected.append(colorsys.hsv_to_rgb(h, min(s * factor + added, 1), v))
    made = corrupt(colours, "saturate", severity).reshape(-1, 3)
    assert np.abs(made - np.floor(np.array(expected) * 255)).max() <= 1


def test_saturate_turns_grey_red_only_where_the_table_adds() -> None:
    grey = np.full((1, 16, 16, 3), 128, np.uint8)
    assert np.array_equal(corrupt(grey, "saturate", 3), grey)
    assert corrupt(grey, "saturate", 5)[0, 0, 0].tolist() == [128, 102, 102]
    assert not corrupt(0 * grey, "saturate", 5).any()
