import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import corruptions
from corruptions import corrupt, motion
from corruptions.apply import Temporal
from corruptions.exceptions import WrongFrames
from corruptions.motion import Scene
from corruptions.temporal import Consistency, aligned, consistency, correlation, flow, residual

Clip = NDArray[np.uint8]
MODES: tuple[Temporal, ...] = ("independent", "drift", "static")


def texture(height: int, width: int, seed: int = 0, sigma: float = 8) -> Clip:
    """Smooth noise of natural contrast; moved by a pixel, it changes as much as a natural video: uint8 (H, W, 3)."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.asarray(np.clip(125 + 40 * soft / soft.std(), 0, 255), np.uint8)


@pytest.fixture(scope="module")
def pan() -> Clip:
    """A texture that moves one row up and two columns left a frame, under a white corner that fog's maximum sees."""
    still = texture(120, 140)
    frames = np.stack([still[t : t + 96, 2 * t : 2 * t + 112] for t in range(12)])
    frames[:, :2, :2] = 255
    return frames


def report(clip: Clip, name: str, temporal: Temporal, severity: int = 3) -> Consistency:
    return consistency(clip, corrupt(clip, name, severity, "report", temporal=temporal))


def test_the_package_exports_it() -> None:
    assert corruptions.consistency is corruptions.consistency is consistency


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
    before = np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR), np.float32)
    after = np.asarray(cv2.remap(field, x - np.float32(right), y - np.float32(down), cv2.INTER_LINEAR), np.float32)
    assert correlation(*aligned(before, after, velocity)) > 0.999
    if velocity != (0, 0):
        assert correlation(*aligned(before, after, (-down, -right))) < 0.99


def test_a_falling_layer_correlates_once_its_fall_is_undone(pan: Clip) -> None:
    """Plain correlation mislabels what falls fast."""
    flakes = np.random.default_rng(1).integers(0, 60, (300, 112), np.uint8)[..., None]
    corrupted = np.array(
        [cv2.add(x, np.repeat(flakes[8 * (11 - t) :][:96], 3, 2)) for t, x in enumerate(pan)], np.uint8
    )
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
    dirt = texture(120, 140, seed=5, sigma=2)
    seen = [dirt[t : t + 96, 2 * t : 2 * t + 112] for t in range(len(pan))]
    moving = np.array([cv2.addWeighted(x, 0.6, y, 0.4, 0) for x, y in zip(pan, seen, strict=True)], np.uint8)
    standing = np.array([cv2.addWeighted(x, 0.6, dirt[:96, :112], 0.4, 0) for x in pan], np.uint8)
    assert consistency(pan, moving).warping_error < 1
    assert consistency(pan, standing).warping_error > 5


@pytest.mark.parametrize(
    ("name", "changed"), [("gaussian_noise", 13), ("speckle_noise", 11), ("shot_noise", 13), ("impulse_noise", 7)]
)
def test_bands_of_noise(name: str, changed: float, pan: Clip) -> None:
    """As in the published code: rho about 0 and 1, change x13, x11, x13, x7 and about 1, warping far above 10."""
    independent, drift, static = (report(pan, name, mode) for mode in MODES)
    assert abs(independent.residual_correlation) < 0.1
    assert static.residual_correlation > 0.95
    assert independent.change_ratio == pytest.approx(changed, rel=0.4)
    assert static.change_ratio == pytest.approx(0.95, abs=0.1)
    assert static.change_ratio < drift.change_ratio < 0.5 * independent.change_ratio
    assert min(found.warping_error for found in (independent, drift, static)) > 10


@pytest.mark.parametrize("name", ["fog", "frost"])
def test_bands_of_weather(name: str, pan: Clip) -> None:
    """Drawn anew it flickers by tens of grey levels; standing or drifting it does not, and is explained far better."""
    independent, drift, static = (report(pan, name, mode) for mode in MODES)
    assert independent.flicker > 15
    assert static.flicker < 0.5
    assert drift.flicker < 0.05 * independent.flicker  # a travelling bank speeds up and slows down
    assert max(drift.warping_error, static.warping_error) < 0.5 * independent.warping_error
    assert max(drift.change_ratio, static.change_ratio) < 0.5 * independent.change_ratio
    assert static.residual_correlation > 0.95
    assert independent.residual_correlation < drift.residual_correlation < 1


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
    found = report(pan, name, "default")
    assert found.flicker < 0.15
    assert found.residual_correlation > 0.8


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
        consistency(np.zeros((2, 32, 32, 3), np.uint8), np.zeros((2, 32, 32, 3), np.float32))


def test_what_is_no_array_is_refused(pan: Clip) -> None:
    with pytest.raises(WrongFrames, match="a clip is a list, not a NumPy array"):
        consistency(pan, pan.tolist())
