"""Packed look-ups against double precision; three channels share a word, so no value may spill into its neighbour."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from corruptions import bilinear as gather

Frame = NDArray[np.uint8]


def bilinear(source: Frame, row: float, column: float) -> NDArray[np.float64]:
    """Black outside."""
    top, left = math.floor(row), math.floor(column)
    total = np.zeros(3)
    for i, j in product((top, top + 1), (left, left + 1)):
        if 0 <= i < source.shape[0] and 0 <= j < source.shape[1]:
            total += (1 - abs(row - i)) * (1 - abs(column - j)) * source[i, j]
    return total


def places(shape: tuple[int, int], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows and columns within and up to 3 pixels outside a frame."""
    rng = np.random.default_rng(seed)
    rows, columns = (rng.uniform(-3, side + 2, shape).astype(np.float32) for side in shape)
    return rows, columns


def test_looking_is_bilinear_black_outside_and_truncated(clip: Frame) -> None:
    shape = clip[0].shape[:2]
    rows, columns = places(shape)
    made = np.empty_like(clip[0])
    gather.look(gather.pack(clip[0]), gather.plan(rows, columns, shape), made)
    expected = np.array([bilinear(clip[0], *q) for q in zip(rows.flat, columns.flat, strict=True)]).reshape(made.shape)
    apart = np.abs(made - np.floor(expected))
    assert apart.max() <= 1
    assert (apart > 0).mean() < 0.03
    assert (expected == 0).all(axis=2).mean() > 0.05


def test_light_is_added_before_clipping(clip: Frame) -> None:
    shape = clip[0].shape[:2]
    rows, columns = places(shape, 1)
    light = np.random.default_rng(2).uniform(-0.8, 0.8, shape).astype(np.float32)
    made = np.empty_like(clip[0])
    gather.look_lit(gather.pack(clip[0]), gather.plan(rows, columns, shape), light, made)
    for y, x in product(range(0, shape[0], 3), range(0, shape[1], 3)):
        lit = np.clip(bilinear(clip[0], rows[y, x], columns[y, x]) + 255 * light[y, x], 0, 255)
        assert np.abs(made[y, x] - np.floor(lit)).max() <= 1


def test_looking_straight_on_changes_nothing_even_twice(clip: Frame) -> None:
    shape = clip[0].shape[:2]
    rows, columns = (indices.astype(np.float32) for indices in np.indices(shape))
    packed, made = gather.pack(clip[0]), np.empty_like(clip[0])
    gather.look(packed, gather.plan(rows, columns, shape), made)
    assert np.array_equal(made, clip[0])
    again = gather.looked(packed, gather.plan(rows, columns, shape))
    gather.look(again, gather.plan(rows, columns, shape, 256), made)
    assert np.array_equal(made, clip[0])


@given(st.tuples(*[st.integers(0, 255)] * 3), st.integers(0, 99))
def test_a_flat_frame_stays_flat_under_any_weights(colour: tuple[int, int, int], seed: int) -> None:
    flat = np.tile(np.array(colour, np.uint8), (17, 23, 1))
    rows, columns = places((17, 23), seed)
    rows, columns = rows.clip(0, 16), columns.clip(0, 22)
    made = np.empty_like(flat)
    gather.look(gather.pack(flat), gather.plan(rows, columns, (17, 23)), made)
    assert np.array_equal(made, flat)
    once = gather.looked(gather.pack(flat), gather.plan(rows, columns, (17, 23)))
    gather.look(once, gather.plan(rows, columns, (17, 23), 256), made)
    assert np.array_equal(made, flat)


@given(st.lists(st.floats(0.01, 9), min_size=1, max_size=40))
def test_whole_weights_sum_to_the_unit(shares: list[float]) -> None:
    units = gather.units(np.array(shares))
    assert units.sum() == gather.UNIT
    assert np.abs(units - np.array(shares) / sum(shares) * gather.UNIT).max() <= 1


@pytest.mark.parametrize("side", [16, 33])
def test_zoomed_looks_add_up_to_their_mean(side: int) -> None:
    frame = np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8)
    grids = [np.linspace(low, side - 1 - low, side).astype(np.float32) for low in (0, 2.3, 5.1)]
    places, made = np.stack(grids), np.empty_like(frame)
    gather.unpack(gather.zoomed(gather.pack(frame), places, places, gather.units(np.array([1, 2, 3]))), made)
    looks = [np.array([[bilinear(frame, y, x) for x in grid] for y in grid]) for grid in grids]
    expected = (looks[0] + 2 * looks[1] + 3 * looks[2]) / 6
    assert np.abs(made - np.floor(expected)).max() <= 1
    assert (made != np.floor(expected)).mean() < 0.1
