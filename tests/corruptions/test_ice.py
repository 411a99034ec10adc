import itertools

import numpy as np
import pytest

from corruptions import ice


@pytest.mark.parametrize("number", range(ice.TEXTURES))
def test_a_texture_is_cold_light_of_natural_contrast(number: int) -> None:
    texture = ice.texture(number)
    assert texture.shape == (ice.SIDE, ice.SIDE, 3)
    red, green, blue = texture.reshape(-1, 3).mean(axis=0)
    assert 60 < red < green < blue < 230
    assert 20 < texture.std(axis=(0, 1)).min() < texture.std(axis=(0, 1)).max() < 60


@pytest.mark.parametrize("axis", [0, 1])
def test_a_texture_continues_across_its_own_border(axis: int) -> None:
    grey = np.moveaxis(ice.texture(0)[..., 1].astype(float), axis, 0)
    steps = np.abs(np.diff(grey, axis=0)).mean(axis=1)
    assert np.abs(grey[0] - grey[-1]).mean() < steps.mean() + 4 * steps.std()


def test_the_power_falls_with_frequency_as_in_natural_textures() -> None:
    """Slope over two octaves around 20 pixels; the parity set compares the bands with photographs of frost."""
    slopes = []
    for number in range(ice.TEXTURES):
        grey = ice.texture(number)[..., 1].astype(float)
        power = np.abs(np.fft.fft2(grey - grey.mean())) ** 2
        radius = np.hypot(*np.meshgrid(np.fft.fftfreq(ice.SIDE), np.fft.fftfreq(ice.SIDE)))
        edges = np.geomspace(1 / 40, 1 / 10, 5)
        rings = [power[(radius >= low) & (radius < high)].mean() for low, high in itertools.pairwise(edges)]
        slopes.append(np.polyfit(np.log(edges[:-1]), np.log(rings), 1)[0])
    assert -3 < np.mean(slopes) < -1


def test_textures_differ() -> None:
    first, second = (ice.texture(n)[..., 1].astype(float).ravel() for n in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


def test_nobody_can_write_on_the_shared_ice() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ice.texture(0)[0] = 0
