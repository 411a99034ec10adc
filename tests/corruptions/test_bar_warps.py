"""Against the published geometry in double precision and, for rotation and zoom, against SciPy's cubic splines."""

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from corruptions import bar_fields, bar_warps

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]


def test_refraction_bends_a_vertical_ray_by_the_law_of_sines() -> None:
    light = bar_fields.caustics((30, 41), 1.1, 33.0, 1.0)
    rows, columns, added = seen = np.empty((3, *light.shape), np.float32)
    bar_warps.refract(light, 1.0, 40.0, 0.7, seen)
    padded = np.pad(light, 1).astype(float)
    bent = 0
    for y, x in product(range(30), range(41)):
        slope = np.array([padded[y + 2, x + 1] - padded[y, x + 1], padded[y + 1, x + 2] - padded[y + 1, x]])
        normal = np.array([*slope, 1]) / math.hypot(1, *slope)
        ray = np.zeros(3)
        if normal[2] < 0.999:
            bent += 1
            incline = math.acos(normal[2])
            inside = math.asin(math.sin(incline) / 4)
            aside = np.cross(normal, np.cross([0, 0, 1], normal) / math.sin(incline))
            ray = 40 * (math.cos(inside) * normal + math.sin(inside) * aside)
        assert (rows[y, x] - y, columns[y, x] - x) == pytest.approx(tuple(ray[:2]), abs=2e-3)
        assert added[y, x] == pytest.approx(0.7 * (slope[0] - slope[1]), abs=1e-5)
    assert 100 < bent < 1230


def test_ripples_displace_rows_by_rows_and_columns_by_columns() -> None:
    rows, columns = bar_warps.ripples((20, 33), 2.5, [7.0, 11.0], [0.3, 4.0])
    assert np.allclose(rows, (np.arange(20) + 2.5 * np.sin(math.tau * np.arange(20) / 7 + 0.3))[:, None], atol=1e-4)
    assert np.allclose(columns, np.arange(33) + 2.5 * np.sin(math.tau * np.arange(33) / 11 + 4), atol=1e-4)
    assert rows.shape == columns.shape == (20, 33)


def test_twirls_are_those_of_the_formula_and_leave_the_margin_alone() -> None:
    cell, amount, angles = 10, 0.4, np.array([[1.0, -1.2, 0.5], [0.2, -0.4, 1.5]])
    rows, columns = bar_warps.twirls((23, 35), cell, amount, angles)
    for y, x in product(range(23), range(35)):
        expected = (float(y), float(x))
        if y < 20 and x < 30:
            cy, cx = y // 10 * 10 + 5, x // 10 * 10 + 5
            d = math.hypot(y - cy, x - cx) / 5
            if 0 < d <= 1:
                pinch, turn = math.sin(math.pi * d / 2) ** -amount, angles[y // 10, x // 10] * (1 - d) ** 2
                dy, dx = pinch * (y - cy), pinch * (x - cx)
                expected = (
                    cy + dy * math.cos(turn) - dx * math.sin(turn),
                    cx + dy * math.sin(turn) + dx * math.cos(turn),
                )
        assert (rows[y, x], columns[y, x]) == pytest.approx(expected, abs=1e-4)


def test_spinning_is_the_weighted_mean_of_cubic_rotations(clip: Frame) -> None:
    frame = clip[3].copy()
    shares = np.linspace(-1, 1, 21)
    weights = np.exp(-2 * shares**2)
    turns = [ndimage.rotate(frame.astype(np.float32), 6.6 * share, reshape=False) for share in shares]
    expected = sum(weight * turn for weight, turn in zip(weights, turns, strict=True)) / weights.sum()
    apart = np.abs(bar_warps.spin(frame, 6.6) - np.floor(np.clip(expected, 0, 255)))
    assert apart.mean() < 0.7
    assert apart.max() <= 5


@pytest.mark.parametrize("scale", [1.0, 1.05, 1.25, 1.5])
def test_magnifying_is_an_unfiltered_spline_zoom_cropped_to_its_middle(clip: Frame, scale: float) -> None:
    source = clip[0].copy()
    made = bar_warps.magnify(source[..., 1].copy(), scale)
    zoomed = ndimage.zoom(source[..., 1], scale, prefilter=False)
    top, left = ((large - side) // 2 for large, side in zip(zoomed.shape, source.shape[:2], strict=True))
    expected = zoomed[top : top + source.shape[0], left : left + source.shape[1]]
    assert np.abs(made.astype(int) - expected).max() <= 1
