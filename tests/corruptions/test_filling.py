"""Corruptions that fill new frames from those given: the same bytes as in place, and what they are given stays."""

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import REGISTRY, apply, corrupt, names

Frames = NDArray[np.uint8]
FILLING = [name for name in names() if getattr(apply._function(REGISTRY[name]), "fills", False)]


def test_those_whose_copy_was_a_good_part_of_their_time_are_among_them() -> None:
    assert {"brightness", "contrast", "jpeg_compression", "pixelate", "rain"} <= set(FILLING)


@pytest.mark.parametrize("name", FILLING)
def test_frames_that_are_edited_in_place_become_the_same(clip: Frames, name: str) -> None:
    record = REGISTRY[name]
    edited = clip[:3].copy()
    scene = apply._scene(record, "k", 25, record.default, tuple(range(3)))
    apply._function(record)(edited, record.levels[record.home][2], scene)
    assert np.array_equal(edited, corrupt(clip[:3], name, 3, "k"))


@pytest.mark.parametrize("name", FILLING)
def test_any_layout_in_memory_and_any_order_of_frames(clip: Frames, name: str) -> None:
    window = clip[::2, 3:40, 5:51]
    aside = np.ascontiguousarray(window.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    before = aside.copy()
    made = corrupt(np.ascontiguousarray(window), name, 3, "k")
    assert np.array_equal(corrupt(window, name, 3, "k"), made)
    assert np.array_equal(corrupt(aside, name, 3, "k", outputs=[2, 0]), made[[2, 0]])
    assert np.array_equal(aside, before)
