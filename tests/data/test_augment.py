"""One draw per clip, a function of the seed alone; mirrors only where a mirror keeps the label."""

import numpy as np
import pytest

from vidsparse.config import AugmentConfig
from vidsparse.data.augment import Augment
from vidsparse.data.crops import center_crop, crops


@pytest.fixture(scope="module")
def clip():
    return np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)


def test_the_same_seed_gives_the_same_bytes_whatever_came_before(clip):
    first, second = (Augment(AugmentConfig(), 32) for _ in range(2))
    for other in range(3):
        second(clip, 0, other)
    assert (first(clip, 0, 7) == second(clip, 0, 7)).all()
    assert (first(clip, 0, 7) != first(clip, 0, 8)).any()


def test_every_frame_gets_the_same_draw():
    still = np.repeat(np.random.default_rng(1).integers(0, 256, (1, 40, 40, 3), np.uint8), 5, axis=0)
    for seed in range(10):
        out = Augment(AugmentConfig(), 32)(still, 0, seed)
        assert out.shape == (5, 32, 32, 3)
        assert (out == out[:1]).all()


def test_classes_whose_mirror_is_another_class_are_never_flipped():
    ramp = np.repeat(np.linspace(0, 255, 32, dtype=np.uint8)[None, :, None], 3, axis=2)
    clip = np.broadcast_to(ramp, (2, 32, 32, 3)).copy()
    augment = Augment(AugmentConfig(scale=[1.0, 1.0], color=0.0), 32, unflippable=frozenset({1}))

    def flipped(label: int, seed: int) -> bool:
        out = augment(clip, label, seed)[0, 0, :, 0].astype(int)
        return bool(out[0] > out[-1])

    assert not any(flipped(1, seed) for seed in range(30))
    assert 5 < sum(flipped(0, seed) for seed in range(30)) < 25


@pytest.mark.parametrize(("height", "width"), [(16, 31), (31, 16), (16, 16), (20, 31)])
def test_three_crops_spread_along_the_longer_side_and_one_is_the_centre(height, width):
    rows, columns = np.mgrid[:height, :width]
    clip = np.stack([rows, columns, rows], axis=-1)[None].astype(np.uint8)
    three = crops(clip, 16, 3)
    corners = [tuple(int(v) for v in crop[0, 0, 0, :2]) for crop in three]
    top, left = (height - 16) // 2, (width - 16) // 2
    if height > width:
        assert corners == [(0, left), (round((height - 16) / 2), left), (height - 16, left)]
    else:
        assert corners == [(top, 0), (top, round((width - 16) / 2)), (top, width - 16)]
    assert (center_crop(clip, 16) == three[1]).all()
    assert all(crop.shape == (1, 16, 16, 3) for crop in three)
