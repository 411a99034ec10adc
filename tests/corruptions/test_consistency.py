import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import consistency as lazily_exported
from corruptions import corrupt, motion
from corruptions.apply import Temporal
from corruptions.consistency import Consistency, aligned, consistency, correlation, flow, residual
from corruptions.errors import WrongFrames
from corruptions.motion import Scene
from corruptions.registry import names

Clip = NDArray[np.uint8]


def texture(height: int, width: int, seed: int = 0, sigma: float = 2) -> Clip:
    """Smooth noise with natural contrast: uint8 (height, width, 3)."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.clip(125 + 40 * soft / soft.std(), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pan() -> Clip:
    """A texture that moves one row up and two columns left a frame: uint8 (12, 96, 112, 3)."""
    still = texture(120, 140)
    return np.stack([still[t : t + 96, 2 * t : 2 * t + 112] for t in range(12)])


def report(clip: Clip, name: str, temporal: Temporal, severity: int = 3) -> Consistency:
    return consistency(clip, corrupt(clip, name, severity, "report", temporal=temporal))


def test_the_package_exports_it() -> None:
    assert lazily_exported is consistency


def test_a_clip_is_consistent_with_itself(pan: Clip) -> None:
    found = consistency(pan, pan)
    assert (found.flicker, found.change_ratio, found.warping_error) == (0, 1, 0)
    assert math.isnan(found.residual_correlation)  # nothing is left over, so nothing correlates
    assert math.isnan(found.moved_correlation)


def test_by_hand() -> None:
    """A grey clip that steps by 10, seen with additions of known means and signs."""
    clean = np.repeat(np.array([100, 110, 120, 130], np.uint8), 32 * 32 * 3).reshape(4, 32, 32, 3)
    stripes = np.where(np.arange(32) % 2, 5, -5)[None, :, None]
    corrupted = clean.astype(int)
    for t, (sign, mean) in enumerate([(1, 0), (1, 4), (-1, 0), (-1, 4)]):
        corrupted[t] += sign * stripes + mean
    found = consistency(clean, corrupted.astype(np.uint8))
    assert found.residual_correlation == pytest.approx((1 - 1 + 1) / 3)
    assert found.flicker == pytest.approx(np.std([4, -4, 4]))
    # steps of 14, then of 16 or 4 where the stripes swap, then of 14: over 10 each
    assert found.change_ratio == pytest.approx((14 + (16 + 4) / 2 + 14) / 30)


def test_residual_is_the_weighted_difference_with_its_sign() -> None:
    clean, corrupted = np.full((2, 2, 3), 50, np.uint8), np.full((2, 2, 3), 50, np.uint8)
    corrupted[0, 0] = 40, 70, 60
    assert residual(clean, corrupted)[0, 0] == pytest.approx(-10 * 0.299 + 20 * 0.587 + 10 * 0.114, abs=1e-4)
    assert not residual(clean, corrupted)[1].any()


def test_correlation_is_pearsons() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 20, 30)).astype(np.float32)
    assert correlation(a, a + 2 * b) == pytest.approx(np.corrcoef(a.ravel(), (a + 2 * b).ravel())[0, 1], abs=1e-5)
    assert math.isnan(correlation(a, np.ones_like(a)))


@pytest.mark.parametrize("velocity", [(0, 0), (3, 0), (-2, 5), (0, -7), (1.5, -0.5)])
def test_alignment_undoes_a_known_motion(velocity: tuple[float, float]) -> None:
    down, right = velocity
    field = cv2.GaussianBlur(texture(60, 70).astype(np.float32)[..., 0], (0, 0), 3)
    y, x = np.mgrid[8:48, 9:59].astype(np.float32)
    before = cv2.remap(field, x, y, cv2.INTER_LINEAR)
    after = cv2.remap(field, x - np.float32(right), y - np.float32(down), cv2.INTER_LINEAR)
    assert correlation(*aligned(before, after, velocity)) > 0.999
    if velocity != (0, 0):
        assert correlation(*aligned(before, after, (-down, -right))) < 0.99


def test_a_falling_layer_correlates_once_its_fall_is_undone(pan: Clip) -> None:
    """Plain correlation mislabels what falls fast."""
    flakes = np.random.default_rng(1).integers(0, 60, (300, 112), np.uint8)[..., None]
    corrupted = np.stack([cv2.add(x, np.repeat(flakes[8 * (11 - t) :][:96], 3, 2)) for t, x in enumerate(pan)])
    found = consistency(pan, corrupted, velocity=(8, 0))
    assert abs(found.residual_correlation) < 0.1
    assert found.moved_correlation > 0.9


def test_a_velocity_out_of_the_frame_is_refused(pan: Clip) -> None:
    with pytest.raises(WrongFrames, match="within one frame"):
        consistency(pan, pan, velocity=(96, 0))


def test_flow_follows_a_shift(pan: Clip) -> None:
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in pan]
    for before, after in pairwise(grey[:3]):
        assert flow(before, after)[8:-8, 8:-8].mean((0, 1)) == pytest.approx([-2, -1], abs=0.1)


@pytest.mark.parametrize("shape", [(16, 16), (16, 300), (300, 17), (31, 33)])
def test_any_size_has_a_flow(shape: tuple[int, int]) -> None:
    clip = np.stack([texture(*shape, seed=0)] * 3)
    assert consistency(clip, 255 - clip).warping_error == pytest.approx(0, abs=0.5)


def test_what_moves_with_the_scene_is_explained_and_what_stands_on_the_lens_is_not(pan: Clip) -> None:
    dirt = texture(120, 140, seed=5, sigma=1)
    moving = np.stack([cv2.addWeighted(x, 0.6, dirt[t : t + 96, 2 * t : 2 * t + 112], 0.4, 0) for t, x in enumerate(pan)])
    standing = np.stack([cv2.addWeighted(x, 0.6, dirt[:96, :112], 0.4, 0) for x in pan])
    assert consistency(pan, moving).warping_error < 1
    assert consistency(pan, standing).warping_error > 5


@pytest.mark.parametrize("name", ["gaussian_noise", "shot_noise", "speckle_noise", "impulse_noise"])
def test_bands_of_noise(name: str, pan: Clip) -> None:
    """Reference bands: independent |rho| < 0.1, warping error over 20; static rho > 0.95 but for impulses."""
    independent, static = report(pan, name, "independent"), report(pan, name, "static")
    assert abs(independent.residual_correlation) < 0.1
    assert static.residual_correlation > (0.95 if name != "impulse_noise" else 0.85)
    assert independent.warping_error > 15
    assert static.warping_error < 0.6 * independent.warping_error
    assert static.change_ratio < 1.1 < 2 < independent.change_ratio


@pytest.mark.parametrize("name", ["fog", "frost", "snow"])
@pytest.mark.parametrize("temporal", ["static", "drift"])
def test_bands_of_weather(name: str, temporal: Temporal, pan: Clip) -> None:
    """Static and drifting weather does not flicker, and changes far less than weather drawn for each frame."""
    found, independent = report(pan, name, temporal), report(pan, name, "independent")
    assert found.flicker < 0.5 < independent.flicker
    assert found.warping_error < 0.6 * independent.warping_error
    if name != "snow" or temporal == "static":  # falling flakes are new at every place
        assert found.residual_correlation > 0.95


def test_drifting_fog_travels_with_its_bank(pan: Clip) -> None:
    """The residual that its own velocity brings into line correlates more than the plain one."""
    grey = np.full_like(pan, 120)
    scene = Scene("report", "fog", tuple(range(len(grey))), "static", tau=4, fps=25, scale=1)
    speed, angle = (motion.uniform(scene, stream, 0) for stream in ("speed", "direction"))
    pixels = (0.01 + 0.04 * speed) * grey.shape[2] / 25
    velocity = (-pixels * math.sin(math.tau * angle), -pixels * math.cos(math.tau * angle))
    found = consistency(grey, corrupt(grey, "fog", 3, "report", temporal="drift"), velocity)
    assert found.moved_correlation > found.residual_correlation > 0.95


@pytest.mark.parametrize("name", ["brightness", "contrast", "gaussian_blur", "defocus_blur", "pixelate"])
def test_bands_of_what_draws_nothing(name: str, pan: Clip) -> None:
    assert name in names()
    assert report(pan, name, "default").flicker < 0.5


def test_one_frame_and_still_clips_leave_numbers_undefined(pan: Clip) -> None:
    one = consistency(pan[:1], pan[1:2])
    assert all(math.isnan(getattr(one, field)) for field in Consistency.__slots__)
    still = consistency(pan[[0, 0, 0]], pan[[1, 1, 1]])
    assert math.isnan(still.change_ratio)
    assert still.residual_correlation == pytest.approx(1)


@pytest.mark.parametrize(
    ("clean", "corrupted"),
    [((2, 32, 32, 3), (3, 32, 32, 3)), ((32, 32, 3), (32, 32, 3))],
)
def test_clips_of_two_shapes_are_refused(clean: tuple[int, ...], corrupted: tuple[int, ...]) -> None:
    with pytest.raises(WrongFrames, match="one shape"):
        consistency(np.zeros(clean, np.uint8), np.zeros(corrupted, np.uint8))
    with pytest.raises(WrongFrames, match="float32"):
        consistency(np.zeros((2, 32, 32, 3), np.uint8), np.zeros((2, 32, 32, 3), np.float32))  # type: ignore[arg-type]
