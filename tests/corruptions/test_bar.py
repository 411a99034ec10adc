"""What the sixteen corruptions do to frames: their statistics follow from the published formulas."""

import itertools
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt, names
from corruptions.severities import TABLES

Frames = NDArray[np.uint8]
KEYS = [str(key) for key in range(24)]
RANDOM = [name for name in names("bar") if REGISTRY[name].random]
GREY = np.full((1, 64, 64, 3), 128, np.uint8)


def level(name: str, severity: int) -> float:
    """The published share of the largest parameter, in ImageNet-C-bar."""
    return TABLES["imagenet_c_bar", name][severity - 1][0] / 10


def residuals(frames: Frames, name: str, severity: int, keys: list[str] = KEYS) -> NDArray[np.float64]:
    return np.stack([corrupt(frames, name, severity, key).astype(float) - frames for key in keys])


@pytest.mark.parametrize(("profile", "name"), [cell for cell in TABLES if cell[0].endswith("_bar")])
def test_the_mean_distortion_grows_with_severity_within_sane_bounds(clip: Frames, profile: str, name: str) -> None:
    errors = [
        np.mean([(corrupt(clip[:1], name, s, key, profile=profile).astype(float) - clip[:1]) ** 2 for key in KEYS])
        for s in range(1, 6)
    ]
    psnr = 10 * np.log10(255**2 / np.array(errors))
    assert np.all(np.diff(psnr) < 0)
    assert 13 < psnr[0] < 40
    assert 6 < psnr[4] < 25


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_waves_have_the_amplitude_of_the_formula(severity: int) -> None:
    sine = residuals(GREY, "single_frequency_greyscale", severity)
    assert sine.std() == pytest.approx(196 * level("single_frequency_greyscale", severity) / 2**0.5, rel=0.08)
    assert np.ptp(sine, axis=-1).max() == 0
    teeth = residuals(GREY, "cocentric_sine_waves", severity)
    assert teeth.std() == pytest.approx(128 * level("cocentric_sine_waves", severity) / 12**0.5, rel=0.08)
    assert abs(teeth.mean() + 0.5) < 0.07 * teeth.std()  # truncation takes half a level


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_brownish_noise_has_its_deviation_in_each_channel_alone(severity: int) -> None:
    noise = residuals(GREY, "brownish_noise", severity)[:, 0]
    deviation = 64 * level("brownish_noise", severity)
    assert np.allclose(noise.std(axis=(1, 2)), deviation, rtol=0.06)
    assert abs(np.mean([np.corrcoef(each.reshape(-1, 3).T)[0, 1] for each in noise])) < 0.3
    assert noise.mean(axis=(1, 2)).std() > 0.3 * deviation  # the tint of the published noise


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_covered_shares_are_those_of_the_formula(severity: int) -> None:
    white = np.full((1, 96, 128, 3), 255, np.uint8)
    black = np.mean(residuals(white, "blue_noise_sample", severity) == -255)
    assert black == pytest.approx(NormalDist().cdf(3 * level("blue_noise_sample", severity) - 2.5), rel=0.08)
    tiles = np.mean(residuals(white, "checkerboard_cutout", severity, [str(key) for key in range(80)]) == -127)
    assert tiles == pytest.approx(level("checkerboard_cutout", severity) / 2, rel=0.12)


def test_blends_have_their_shares_of_the_frame() -> None:
    for name, kept in (("plasma_noise", 1 - 64 * level("plasma_noise", 4) / 255), ("perlin_noise", 1 - 0.38)):
        dark, light = (corrupt(GREY - 60 + shift, name, 4, "k").astype(float) for shift in (0, 100))
        inside = (dark > 0) & (light < 255)
        assert inside.mean() > 0.5
        assert (light - dark)[inside].mean() == pytest.approx(100 * kept, abs=0.6)
    perlin = residuals(np.zeros_like(GREY), "perlin_noise", 4)[:, 0]
    assert np.all(perlin[:, 0, 0] == int(127.5 * 0.38))
    assert perlin.min() >= int(127.5 * 0.38)
    assert perlin.max() <= int(255 * 0.38)


def test_stars_only_brighten_and_inverse_ones_spare_their_middle(clip: Frames) -> None:
    for name in ("sparkles", "inverse_sparkles"):
        for weak, strong in itertools.pairwise(residuals(clip[:1], name, severity)[..., 0] for severity in range(1, 6)):
            assert weak.min() >= 0
            assert strong.mean() > weak.mean()
    spared = residuals(clip[:1], "inverse_sparkles", 5)[:, 0].mean(axis=(0, 3))
    assert spared[24, 28] < 0.5 * spared[0, 0]


@pytest.mark.parametrize("name", ["blue_noise_sample", "checkerboard_cutout", "lines", "sparkles"])
def test_a_stronger_cover_lies_over_the_weaker_one(clip: Frames, name: str) -> None:
    bright = np.maximum(clip[:1], 140) if name != "sparkles" else clip[:1]
    for key in KEYS[:6]:
        covers = [np.abs(corrupt(bright, name, s, key).astype(int) - bright) for s in range(1, 6)]
        assert all(np.all(strong >= weak) for weak, strong in itertools.pairwise(covers))


@pytest.mark.parametrize(
    ("name", "grey"),
    [
        ("blue_noise_sample", 0),
        ("checkerboard_cutout", 128),
        ("lines", 128),
        ("sparkles", 255),
        ("inverse_sparkles", 255),
        ("pinch_and_twirl", 90),
        ("transverse_chromatic_abberation", 90),
        ("ripple", 0),
        ("circular_motion_blur", 0),
    ],
)
def test_a_flat_frame_of_the_patterns_own_grey_stays(name: str, grey: int) -> None:
    flat = np.full((1, 40, 57, 3), grey, np.uint8)
    for severity in (1, 5):
        assert np.array_equal(corrupt(flat, name, severity, "k"), flat)


@pytest.mark.parametrize("name", ["ripple", "circular_motion_blur"])
def test_warps_of_a_flat_frame_are_flat_but_for_the_black_that_comes_in(name: str) -> None:
    warped = corrupt(np.full((1, 96, 96, 3), 200, np.uint8), name, 5, "k")
    assert np.all(warped[:, 24:-24, 24:-24] == 200)
    assert warped.min() < 100


def test_caustics_leave_a_flat_frame_about_as_bright() -> None:
    lit = corrupt(np.full((1, 96, 96, 3), 120, np.uint8), "caustic_refraction", 3, "k")[:, 4:-4, 4:-4]
    assert abs(float(np.median(lit)) - 120) <= 3
    assert lit.std() > 3


@pytest.mark.parametrize("name", RANDOM)
def test_static_stays_drift_moves_little_and_independent_jumps(name: str) -> None:
    still = np.repeat(np.random.default_rng(1).integers(40, 216, (1, 40, 40, 3), np.uint8), 16, axis=0)
    changes = {}
    for mode in REGISTRY[name].modes:
        clips = [corrupt(still, name, 5, key, temporal=mode).astype(float) for key in KEYS[:8]]
        changes[mode] = float(np.mean([np.abs(np.diff(made, axis=0)).mean() for made in clips]))
    assert changes["static"] == 0
    assert 0 < changes["drift"] < 0.75 * changes["independent"]


@pytest.mark.parametrize("name", RANDOM)
def test_patterns_never_make_the_frame_flicker_in_static_and_drift(clip: Frames, name: str) -> None:
    still = np.repeat(clip[:1], 16, axis=0)
    for mode in ("static", "drift"):
        means = corrupt(still, name, 3, "k", temporal=mode).mean(axis=(1, 2, 3))
        assert np.diff(means).std() < 0.5


@pytest.mark.parametrize("name", names("bar"))
@pytest.mark.parametrize("shape", [(16, 16), (17, 131), (90, 16)])
def test_any_shape_is_corrupted_all_over(name: str, shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(1, 256, (1, *shape, 3), np.uint8)
    changed = np.mean([(corrupt(frame, name, 5, key) != frame).any(axis=(0, 3)) for key in KEYS], axis=0)
    thirds = [part.mean() for rows in np.array_split(changed, 3) for part in np.array_split(rows, 3, axis=1)]
    assert min(thirds) > 0.02


def test_relative_resolution_scales_what_is_in_pixels() -> None:
    white = np.full((1, 128, 128, 3), 255, np.uint8)
    small = np.mean([255.0 - corrupt(white[:, :32, :32], "lines", 3, key) for key in KEYS])
    relative = np.mean([255.0 - corrupt(white, "lines", 3, key, resolution="relative") for key in KEYS])
    absolute = np.mean([255.0 - corrupt(white, "lines", 3, key) for key in KEYS])
    assert relative == pytest.approx(small, rel=0.15)
    assert absolute == pytest.approx(small, rel=0.15)
    flat = GREY[:, :56, :56]
    milder = corrupt(flat, "caustic_refraction", 3, "k", resolution="relative")[:, 4:-4, 4:-4].std()
    assert milder < 0.8 * corrupt(flat, "caustic_refraction", 3, "k")[:, 4:-4, 4:-4].std()
