"""The drawn scene has what corruptions act on, moves, and is the same each time."""

import numpy as np

from tools.docs.scene import scene


def test_it_has_shape_range_and_is_the_same_each_time():
    frames = scene(3, 64)
    assert (frames.shape, frames.dtype) == ((3, 64, 64, 3), np.uint8)
    assert frames.min() < 40
    assert frames.max() > 230
    np.testing.assert_array_equal(frames, scene(3, 64))


def test_it_holds_saturated_and_grey_colours():
    frame = scene(1, 128)[0].astype(int)
    chroma = frame.max(2) - frame.min(2)
    assert np.quantile(chroma, 0.05) < 20 < 120 < chroma.max()


def test_it_pans_by_a_known_step():
    first, second = scene(2, 100, step=0.02)[:, 70:].astype(int)  # the land, below the balloon
    np.testing.assert_allclose(first[:, 2:], second[:, :-2], atol=1)
