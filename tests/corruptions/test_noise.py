import math

import numpy as np
import pytest

from corruptions import corrupt
from corruptions.noise import photon_tables
from corruptions.severities import TABLES

GREY = np.full((8, 100, 100, 3), 128, np.uint8)
SEVERITIES = range(1, 6)


@pytest.mark.parametrize("severity", [1, 2])
def test_gaussian_noise_has_the_published_deviation(severity: int) -> None:
    (c,) = TABLES["imagenet_c", "gaussian_noise"][severity - 1]
    residual = corrupt(GREY, "gaussian_noise", severity).astype(float) - 128
    assert residual.mean() == pytest.approx(-0.5, abs=0.3)  # truncated, as published
    assert residual.std() == pytest.approx(255 * c, rel=0.01)


def test_speckle_noise_scales_with_the_signal() -> None:
    half = corrupt(GREY // 2, "speckle_noise", 1).astype(float).std()
    assert corrupt(GREY, "speckle_noise", 1).astype(float).std() == pytest.approx(2 * half, rel=0.02)
    assert half == pytest.approx(64 * 0.15, rel=0.02)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise_hits_the_published_share_half_salt_half_pepper(severity: int) -> None:
    (c,) = TABLES["imagenet_c", "impulse_noise"][severity - 1]
    noisy = corrupt(GREY, "impulse_noise", severity)
    for value in (0, 255):
        assert (noisy == value).mean() == pytest.approx(c / 2, abs=4 * math.sqrt(c / GREY.size))
    assert (noisy == 128).mean() == pytest.approx(1 - c, abs=0.004)


@pytest.mark.parametrize("severity", [1, 3])
def test_shot_noise_counts_photons(severity: int) -> None:
    (c,) = TABLES["imagenet_c", "shot_noise"][severity - 1]
    noisy = corrupt(GREY // 2, "shot_noise", severity) / 255
    assert noisy.mean() == pytest.approx(64 / 255, abs=0.01)
    assert noisy.var() == pytest.approx(64 / 255 / c, rel=0.03)


@pytest.mark.parametrize("c", [3.0, 60.0, 500.0])
def test_the_poisson_table_is_the_distribution_function(c: float) -> None:
    cdf, guide, values = photon_tables(c)
    for level in (0, 1, 100, 255):
        mean = level / 255 * c
        term = [math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) if mean else float(k == 0) for k in range(40)]
        assert cdf[level, :20] / 2**21 == pytest.approx(np.cumsum(term)[:20], abs=1e-6)
    assert np.all(np.diff(cdf.astype(np.int64), axis=1) >= 0)
    assert guide.max() < cdf.shape[1]
    assert values[int(c)] == 255


@pytest.mark.parametrize("name", ["shot_noise", "speckle_noise"])
def test_multiplicative_noise_leaves_black_alone(name: str) -> None:
    black = np.zeros((2, 32, 32, 3), np.uint8)
    assert not corrupt(black, name, 5).any()
