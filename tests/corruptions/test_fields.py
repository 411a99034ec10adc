from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import counter_rng, fields
from corruptions.motion import Scene
from corruptions.registry import Mode

SCENE = Scene("key", "gaussian_noise", (0,), "independent", tau=0.2, fps=25, scale=1)
PIXELS = 20_000


def channels(scene: Scene, t: int) -> NDArray[np.float64]:
    """Uniform numbers of a frame's field: float64 (PIXELS, 3)."""
    words = fields.words(scene, "", t, PIXELS)
    shifts = np.arange(3, dtype=np.uint64) * np.uint64(fields.BITS)
    whole: NDArray[np.uint64] = (words[:, None] >> shifts) & np.uint64(2**fields.BITS - 1)
    return np.asarray((whole + 0.5) / 2**fields.BITS, np.float64)


def test_the_kernel_draws_the_same_words_as_plain_python() -> None:
    seed = counter_rng.seed("key", "gaussian_noise", "s")
    words = fields.words(SCENE, "s", 11, 50)
    assert words.tolist() == [counter_rng.word(seed, 11, pixel) for pixel in range(50)]


@pytest.mark.parametrize(("mode", "t"), [("static", 9), ("independent", 9), ("drift", 1), ("drift", 7)])
def test_every_channel_is_uniform_and_on_its_own(mode: Mode, t: int) -> None:
    u = channels(replace(SCENE, mode=mode), t)
    for c in range(3):
        counts = np.histogram(u[:, c], 50, (0, 1))[0]
        assert ((counts - 400) ** 2 / 400).sum() < 90  # chi-squared, 49 degrees of freedom, p < 0.001
    assert np.abs(np.corrcoef(u.T) - np.eye(3)).max() < 0.03
    assert abs(np.corrcoef(u[:-1, 0], u[1:, 0])[0, 1]) < 0.03


def test_modes_order_the_memory_of_a_pixel() -> None:
    memory = {
        mode: np.corrcoef(channels(replace(SCENE, mode=mode), 6)[:, 0], channels(replace(SCENE, mode=mode), 7)[:, 0])
        for mode in ("static", "drift", "independent")
    }
    assert memory["static"][0, 1] == pytest.approx(1)
    assert 0.85 < memory["drift"][0, 1] < 0.99
    assert abs(memory["independent"][0, 1]) < 0.03


def test_the_quantiles_are_standard_normal() -> None:
    z = fields.normal_quantiles()
    assert z.shape == (65536,)
    assert np.all(np.diff(z) > 0)
    assert abs(z.mean()) < 1e-6
    assert abs(z.std() - 1) < 1e-4


@pytest.mark.parametrize(("mode", "t"), [("static", 9), ("independent", 9), ("drift", 1), ("drift", 7)])
def test_normals_are_standard_and_independent_of_their_neighbours(mode: Mode, t: int) -> None:
    z = fields.normals(replace(SCENE, mode=mode), "s", t, (100, 200))
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.03
    assert abs(np.corrcoef(z[:, 1:].ravel(), z[:, :-1].ravel())[0, 1]) < 0.03


def test_a_pair_is_uniform_from_minus_one_to_one() -> None:
    first, second = fields.pair(3, 1, (80, 90))
    assert first.shape == (80, 90)
    assert -1 <= first.min() < -0.99 < 0.99 < first.max() <= 1
    assert first.std() == pytest.approx(1 / np.sqrt(3), rel=0.02)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.04
