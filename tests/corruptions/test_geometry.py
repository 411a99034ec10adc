import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import bilinear, corrupt, geometry
from corruptions.motion import Scene

SCENE = Scene("key", "elastic_transform", tuple(range(16)), "drift", tau=0.3, fps=25, scale=1)


def test_without_strength_and_reach_nothing_moves(clip: NDArray[np.uint8]) -> None:
    bent = clip.copy()
    geometry.elastic_transform(bent, (32, 0, 0.1, 0), SCENE)
    assert np.abs(bent.astype(int) - clip).max() <= 1


def test_the_corners_stay_while_the_air_boils(clip: NDArray[np.uint8]) -> None:
    still = np.repeat(clip[:1], 16, axis=0)
    turned, boiling = still.copy(), still.copy()
    geometry.elastic_transform(turned, (32, 0, 0, 0.2), SCENE)
    geometry.elastic_transform(boiling, (32, 0.1, 0.03, 0), SCENE)
    assert np.all(turned == turned[0])
    assert not np.array_equal(turned, still)
    assert np.all(np.any(boiling[1:] != boiling[:-1], axis=(1, 2, 3)))


@pytest.mark.parametrize("sigma", [2.4, 20.0])
@pytest.mark.parametrize("t", [0, 4])
def test_the_displacement_has_the_published_spread(sigma: float, t: int) -> None:
    rows, columns = geometry._boil(SCENE, (400, 400), 10, sigma)(t)
    assert 0 <= min(rows.min(), columns.min()) <= max(rows.max(), columns.max()) <= 399
    moved = (np.stack([rows, columns]) - np.indices((400, 400)))[:, 5:-5, 5:-5]  # borders are mirrored
    expected = 10 / np.sqrt(3) / (2 * np.sqrt(np.pi) * sigma)  # a uniform field averaged by the Gaussian
    assert moved.std() == pytest.approx(expected, rel=0.06 if sigma < 10 else 0.35)


def test_what_is_looked_up_outside_is_mirrored_twice() -> None:
    """The affine step mirrors about the last pixel, the displacement about its far edge, as published."""
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    pose = np.array([[1, 0, 7], [0, 1, -60]], np.float64)
    turned = np.empty_like(frame)
    looks = geometry.turned(pose, *np.indices((40, 50), np.float32))
    bilinear.look(bilinear.pack(frame), bilinear.plan(*looks, (40, 50)), turned)
    expected = cv2.warpAffine(frame, pose, (50, 40), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    assert np.array_equal(turned, expected)
    still, rows = np.zeros((40, 50), np.float32), np.empty((40, 50), np.float32)
    geometry._blend(still + 65, still, 1, 0, True, rows)
    assert np.array_equal(rows[:, 0], np.pad(np.arange(40), 100, mode="symmetric")[165:205])


def test_a_wide_blur_on_its_coarse_grid_is_the_blur() -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (160, 200)).astype(np.float32)
    exact = cv2.GaussianBlur(noise, (121, 121), 20, borderType=cv2.BORDER_REFLECT)
    assert np.abs(geometry.soften(noise, 20) - exact).max() < 0.12 * exact.std()
    assert geometry.soften(np.ones((50, 60), np.float32), 70) == pytest.approx(1)


@pytest.mark.parametrize("size", [(16, 16), (301, 19), (19, 301)])
def test_a_blur_wider_than_the_frame_leaves_its_mean(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, size).astype(np.float32)
    assert geometry.soften(noise, 171).mean() == pytest.approx(noise.mean(), abs=0.05)
    frames = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
    assert corrupt(frames, "elastic_transform", 1).shape == frames.shape


def test_elastic_transform_of_a_tall_frame_keeps_its_shape_and_levels() -> None:
    grey = np.full((1, 90, 30, 3), 77, np.uint8)
    assert np.array_equal(corrupt(grey, "elastic_transform", 2), grey)
