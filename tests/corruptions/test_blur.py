import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt
from corruptions.blur import scatter, smear, soften, steps, streak
from corruptions.psf import disk, scaled_disk, scaled_sigma, scaled_streak, streak_weights
from corruptions.registry import Mode
from corruptions.severities import TABLES

FLAT = np.full((1, 40, 40, 3), 77, np.uint8)


def second_moment(weights: NDArray[np.float32]) -> float:
    places = np.arange(len(weights)) - len(weights) // 2
    return float(weights.sum(axis=1) @ places**2.0 / weights.sum())


@pytest.mark.parametrize("scale", [0.25, 0.4, 0.5, 0.999, 1.001, 2.3, 4.8])
@pytest.mark.parametrize(("profile", "severity"), [("imagenet_c", s) for s in range(1, 6)] + [("cifar_c", 2)])
def test_scaled_disks_spread_light_as_far_as_the_scale_says(profile: str, severity: int, scale: float) -> None:
    level = TABLES[profile, "defocus_blur"][severity - 1]
    made = scaled_disk(*level, scale)
    assert made.sum() == pytest.approx(1, abs=1e-4)
    assert second_moment(made) == pytest.approx(scale**2 * second_moment(disk(*level)), rel=0.1, abs=0.02)


@pytest.mark.parametrize("scale", [0.25, 0.4, 0.5, 0.999, 1.001, 2.3, 4.8])
def test_scaled_streaks_move_light_as_far_as_the_scale_says(scale: float) -> None:
    for level in TABLES["imagenet_c", "motion_blur"]:
        published, made = streak_weights(*level), scaled_streak(*level, scale)
        wanted = scale**2 * (published @ np.arange(len(published)) ** 2.0)
        assert made @ np.arange(len(made)) ** 2.0 == pytest.approx(wanted, rel=0.08)


def test_a_scaled_gaussian_below_a_pixel_still_blurs() -> None:
    """Sampled at whole pixels, a sigma of 0.25 has a variance of 0.0007 and not of 0.0625."""
    weights = np.asarray(cv2.getGaussianKernel(7, scaled_sigma(1, 0.25)))
    assert second_moment(np.diag(weights[:, 0])) == pytest.approx(0.0625, rel=0.05)
    assert scaled_sigma(1, 1) == 1
    assert scaled_sigma(6, 3) == pytest.approx(18, rel=0.01)


def test_a_small_disk_is_four_neighbours_and_the_centre() -> None:
    assert disk(1, 0.1) == pytest.approx(np.array([[0, 0.2, 0], [0.2, 0.2, 0.2], [0, 0.2, 0]]))


def test_blur_leaves_a_flat_frame_flat() -> None:
    assert np.array_equal(corrupt(FLAT, "defocus_blur", 3), FLAT)
    assert np.array_equal(corrupt(FLAT, "motion_blur", 5), FLAT)
    assert np.array_equal(corrupt(FLAT, "gaussian_blur", 5), FLAT)
    assert np.array_equal(corrupt(FLAT, "glass_blur", 5), FLAT)
    assert np.array_equal(corrupt(FLAT, "zoom_blur", 5), FLAT)


def test_streak_weights_are_half_a_gaussian() -> None:
    weights = streak_weights(10, 3)
    assert len(weights) == 21
    assert weights.sum() == pytest.approx(1)
    assert weights[3] / weights[0] == pytest.approx(np.exp(-0.5))


@pytest.mark.parametrize(("degrees", "down"), [(0, 0), (45, 1), (-45, -1)])
def test_a_point_smears_backwards_along_the_angle(degrees: float, down: int) -> None:
    frame = np.zeros((31, 31, 3), np.uint8)
    frame[15, 15] = 255
    smear(frame, np.array([0.5, 0.3, 0.2], np.float32), degrees)
    streak = [int(frame[15 - down * i, 15 - i, 1]) for i in range(3)]
    assert streak == ([127, 76, 51] if degrees == 0 else [127, 127, 0])  # 0.7 and 1.4 px share a pixel
    assert np.count_nonzero(frame) == 3 * np.count_nonzero(streak)


def test_the_border_is_held() -> None:
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[:, -1] = 200
    smear(frame, np.array([0.5, 0.5], np.float32), 0)
    assert frame[3, :, 0].tolist() == [0] * 14 + [100, 200]


@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur", "gaussian_blur"])
def test_relative_lengths_make_a_half_size_clip_look_like_the_halved_result(clip: NDArray[np.uint8], name: str) -> None:
    big = np.stack([cv2.resize(frame, (224, 224), interpolation=cv2.INTER_CUBIC) for frame in clip[:1]])
    small = halve(big)
    target = halve(corrupt(big, name, 3)).astype(float)
    relative = np.abs(corrupt(small, name, 3, resolution="relative") - target).mean()
    absolute = np.abs(corrupt(small, name, 3) - target).mean()
    assert relative < 0.5 * absolute


def test_a_gaussian_is_cut_at_4_sigma_and_truncated() -> None:
    frame = np.zeros((41, 41, 3), np.uint8)
    frame[20, 20] = 255
    soften(frame, 1.5)
    weights = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    assert np.array_equal(frame[14:27, 14:27, 1], (255 * np.outer(weights, weights) + 1e-3).astype(int))


def test_glass_copies_within_the_frame_and_leaves_the_border() -> None:
    height, width, reach = 24, 30, 3
    source = np.arange(height * width, dtype=np.int32).reshape(height, width)
    before = source.copy()
    scatter(source, np.random.default_rng(0).integers(0, 2**63, source.size).astype(np.uint64), np.uint64(2 * reach))
    assert set(np.unique(source)) < set(range(height * width))
    border = np.ones(source.shape, bool)
    border[reach + 1 : height - reach + 1, reach + 1 : width - reach + 1] = False
    assert np.array_equal(source[border], before[border])
    assert np.mean(source[~border] != before[~border]) > 0.9
    assert np.abs(source // width - before // width)[~border].mean() < 2 * reach


def test_drifting_glass_moves_some_pixels_and_standing_glass_none() -> None:
    still = np.repeat(np.random.default_rng(0).integers(0, 256, (1, 40, 40, 3), np.uint8), 2, axis=0)

    def moved(mode: Mode) -> float:
        here, later = corrupt(still, "glass_blur", 3, "k", profile="cifar_c", temporal=mode).astype(int)
        return float(np.abs(here - later).mean())

    assert 0 == moved("static") < moved("drift") < 0.8 * moved("independent")


def test_zoom_keeps_the_centre_and_smears_the_rim() -> None:
    wheel = np.zeros((1, 101, 101, 3), np.uint8)
    wheel[0, 50, 50], wheel[0, 50, 10] = 255, 255
    blurred = corrupt(wheel, "zoom_blur", 4)[0, :, :, 0]
    assert blurred[50, 50] > 60
    assert np.count_nonzero(blurred[49:52, :12]) > 6
    assert not blurred[:40, :45].any()


def test_magnified_steps_are_the_published_ones() -> None:
    assert steps(224, 1.01) == pytest.approx((221 / 223, 1 + 0 * 221 / 223))
    assert steps(224, 1.3) == pytest.approx((172 / 224, 25))


def halve(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([cv2.resize(frame, (112, 112), interpolation=cv2.INTER_AREA) for frame in frames])


@pytest.mark.parametrize("taps", [2, 4, 7, 9])
def test_taps_of_a_streak_are_added_one_by_one(taps: int) -> None:
    draw = np.random.default_rng(taps)
    frame, weights = draw.integers(0, 256, (17, 31, 3), np.uint8), draw.random(taps).astype(np.float32)
    weights /= weights.sum()
    down, right = streak(taps, 30)
    total = np.full(frame.shape, np.float32(1e-3))
    for weight, y, x in zip(weights, down, right, strict=True):
        rows, columns = np.minimum(np.arange(17) + y, 16), np.minimum(np.arange(31) + x, 30)
        total += weight * frame[rows][:, columns].astype(np.float32)
    smear(frame, weights, 30)
    assert np.array_equal(frame, np.minimum(total, 255).astype(np.uint8))
