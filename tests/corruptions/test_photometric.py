import colorsys
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt, photometric
from corruptions.motion import Scene
from corruptions.severities import TABLES

Pixels = NDArray[np.uint8]
SEVERITIES = range(1, 6)
SCENE = Scene("key", "brightness", (0,), "static", 1, 25, 1)


def cells(name: str) -> list[tuple[float, ...]]:
    """Every level of every profile."""
    return sorted({level for table in REGISTRY[name].levels.values() for level in table})


def all_pairs(size: tuple[int, int]) -> Pixels:
    """Noise, then noise whose channels repeat, grey, black and white: uint8 (5, *size, 3)."""
    noise = np.random.default_rng(size).integers(0, 256, (5, *size, 3), np.uint8)
    noise[1, ..., 1], noise[2, ..., :] = noise[1, ..., 2], noise[2, ..., :1]
    noise[3] &= np.uint8(1)
    noise[4] |= np.uint8(254)
    return noise


def flats(size: tuple[int, int]) -> Pixels:
    """Frames of one colour, whose mean is a grey level, and one of two: uint8 (6, *size, 3)."""
    colours = np.array([(77, 77, 77), (0, 0, 0), (255, 255, 255), (255, 0, 0), (77, 128, 13), (40, 40, 41)], np.uint8)
    frames = np.tile(colours[:, None, None], (1, *size, 1))
    frames[5, ::2] = 60
    return frames


def bright(pixels: Pixels, c: float) -> Pixels:
    """The formula in double precision: each channel keeps its share of V."""
    x, v = pixels.astype(float), pixels.max(axis=-1, keepdims=True).astype(float)
    share = np.where(v > 0, x / np.maximum(v, 1), 1)
    return np.asarray(share * np.minimum(v / 255 + c, 1) * 255 + 1e-6).astype(np.uint8)


def saturated(pixels: Pixels, factor: float, added: float) -> Pixels:
    """The formula in single precision, pixel by pixel."""
    one, zero, ends, made = np.float32(1), np.float32(0), np.float32(1e-3), pixels.copy()
    for pixel in made.reshape(-1, 3):
        v = np.float32(pixel.max())
        chroma = v - np.float32(pixel.min())
        if v == 0:
            continue
        share = min(max(np.float32(factor) * chroma / v + np.float32(added), zero), one)
        if chroma == 0:
            pixel[1:] = v * (one - share) + ends
        else:
            ratio = v * share / chroma
            pixel[:] = [max(v - ratio * (v - np.float32(x)), zero) + ends for x in pixel]
    return made


@pytest.mark.parametrize("level", [*cells("brightness"), (0.072488,), (0.123848,)])  # the last goes by the table
def test_brightness_is_its_formula_at_every_channel_up_to_every_v(level: tuple[float, ...]) -> None:
    value, x = np.indices((256, 256), np.uint8)
    pairs = np.stack([np.minimum(value, x), value, np.minimum(value, 255 - x)], axis=-1)[None]
    for frames in (pairs, all_pairs((17, 31))):
        made = frames.copy()
        photometric.brightness(made, level, SCENE)
        assert np.array_equal(made, bright(frames, level[0]))


@pytest.mark.parametrize("level", cells("saturate"))
def test_saturate_is_its_formula_in_single_precision(level: tuple[float, ...]) -> None:
    frames = all_pairs((17, 31))
    made = frames.copy()
    photometric.saturate(made, level, SCENE)
    assert np.array_equal(made, saturated(frames, *level))


@pytest.mark.parametrize("level", [*cells("contrast"), (0.0,), (1.7,)])
def test_contrast_is_its_formula_on_frames_of_any_size(level: tuple[float, ...]) -> None:
    for size, frames_of in itertools.product(((16, 16), (17, 31), (64, 45)), (all_pairs, flats)):
        frames = frames_of(size)
        x = frames / 255.0
        mean = frames.astype(np.int64).sum(axis=(1, 2), keepdims=True) / (255 * size[0] * size[1])
        made = frames.copy()
        photometric.contrast(made, level, SCENE)
        assert np.array_equal(made, (np.clip((x - mean) * level[0] + mean, 0, 1) * 255).astype(np.uint8))


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
