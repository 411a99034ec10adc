"""The textures against what was measured on random crops of the five published photographs (statistics only)."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import ice

# means of red, green and blue, and the standard deviation of luminance, of 150 crops of 224 px of each photograph
PUBLISHED = (
    (78, 149, 165, 19.0),
    (197, 202, 211, 21.0),
    (197, 202, 211, 21.0),
    (145, 159, 172, 27.1),
    (102, 113, 125, 38.8),
)


def luminance(number: int) -> NDArray[np.float64]:
    return np.asarray(ice.texture(number) @ np.array([0.299, 0.587, 0.114]))


@pytest.mark.parametrize("number", range(ice.TEXTURES))
def test_a_texture_has_the_colour_and_contrast_of_its_photograph(number: int) -> None:
    *means, contrast = PUBLISHED[number]
    texture = ice.texture(number)
    assert texture.shape == (ice.SIDE, ice.SIDE, 3)
    assert texture.mean(axis=(0, 1)) == pytest.approx(means, abs=5)
    assert luminance(number).std() == pytest.approx(contrast, rel=0.1)


def test_the_textures_span_the_published_set_instead_of_looking_like_one_of_it() -> None:
    """Mean levels from 113 to 203, a teal one, and a share of fine detail that differs eightfold in power."""
    levels = [luminance(number).mean() for number in range(ice.TEXTURES)]
    assert min(levels) < 120 < 195 < max(levels)
    red, _, blue = ice.texture(0).mean(axis=(0, 1))
    assert blue > 1.8 * red
    fine = [np.square(np.diff(luminance(number))).mean() for number in range(ice.TEXTURES)]
    assert max(fine) > 4 * min(fine)


@pytest.mark.parametrize("number", range(ice.TEXTURES))
def test_the_spectrum_is_that_of_the_photograph(number: int) -> None:
    kind, grey = ice._KINDS[number], luminance(number)
    amplitude = np.abs(np.fft.fft2(grey - grey.mean())) / ice.SIDE
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(ice.SIDE), np.fft.fftfreq(ice.SIDE)))
    edges = np.sqrt([low * high for low, high in itertools.pairwise(ice._CENTRES)])
    for low, high, wanted in zip(edges[2:], edges[3:], kind.amplitudes[3:-1], strict=False):
        ring = (radius >= low) & (radius < high)
        assert np.sqrt(np.square(amplitude[ring]).mean()) == pytest.approx(wanted, rel=0.2), (low, high)


@pytest.mark.parametrize("number", [0, 1, 3, 4])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_texture_continues_across_its_own_border(number: int, axis: int) -> None:
    grey = np.moveaxis(luminance(number), axis, 0)
    steps = np.abs(np.diff(grey, axis=0)).mean(axis=1)
    assert np.abs(grey[0] - grey[-1]).mean() < steps.mean() + 4 * steps.std()


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(range(5), 2)))
def test_textures_differ(one: int, other: int) -> None:
    first, second = luminance(one).ravel(), luminance(other).ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


def test_nobody_can_write_on_the_shared_ice() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ice.texture(0)[0] = 0
