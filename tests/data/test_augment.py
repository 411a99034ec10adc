"""One draw per clip, a function of the seed alone; mirrors only where a mirror keeps the label."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from helpers.transforms import composed, seeded
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


def seen(config: AugmentConfig) -> np.ndarray:
    """How far in, how far down, and whether mirrored and re-coloured, of a thousand draws: (1000, 4)."""
    tall = np.repeat(np.tile(np.arange(64, dtype=np.uint8), (64, 1)).T[None, :, :, None], 3, axis=3)
    wide, plain = np.swapaxes(tall, 1, 2), Augment(replace(config, color=0.0), 32)
    coloured, found = Augment(config, 32), []
    for seed in range(1000):
        across, down = (plain(each, 0, seed)[0, :, :, 0].astype(int) for each in (wide, tall))
        step = across[16, 20] - across[16, 10]
        jittered = (coloured(wide, 0, seed)[0, :, :, 0] != across).any()
        found.append((abs(step), down[16, 16], step < 0, jittered))
    return np.array(found, float)


@pytest.mark.parametrize(
    "config", [AugmentConfig(color=0.5), AugmentConfig(pad=8, color=0.5)], ids=["resized", "padded"]
)
def test_a_mirror_and_colours_are_drawn_whatever_the_crop_is(config):
    """One seed for all three once made nearly all near views mirrored, and none of the far ones."""
    near, down, mirrored, jittered = seen(config).T
    assert mirrored.mean() == pytest.approx(0.5, abs=0.06)
    assert jittered.mean() == pytest.approx(0.8, abs=0.06)
    for one, other in combinations([near, down, mirrored, jittered], 2):
        if one.std() and other.std():
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.15


def test_a_training_that_began_with_one_seed_for_all_goes_on_so(clip):
    config = AugmentConfig(pad=4, color=0.2)
    pipeline = composed(config, 32)
    for seed in range(20):
        pipeline.set_random_seed(seed)
        assert (Augment(config, 32, draws=1)(clip, 0, seed) == pipeline(images=clip)["images"]).all()


@given(
    some.builds(
        AugmentConfig,
        scale=some.sampled_from([[0.5, 1.0], [0.08, 1.0], [1.0, 1.0]]),
        pad=some.sampled_from([None, 0, 1, 4, 40]),
        flip=some.booleans(),
        color=some.sampled_from([0.0, 0.2, 1.0]),
    ),
    some.integers(1, 3),
    some.tuples(some.integers(32, 60), some.integers(32, 60)),
    some.integers(0, 2**31 - 1),
)
def test_every_byte_is_that_of_albumentations_transforms_with_those_seeds(config, frames, shape, seed):
    rng = np.random.default_rng(seed)
    clip, masks = rng.integers(0, 256, (frames, *shape, 3), np.uint8), rng.integers(0, 256, (frames, *shape), np.uint8)
    clip.flags.writeable = masks.flags.writeable = False  # pictures are kept: nothing may be written into them
    pipeline, augment = composed(config, 32), Augment(config, 32)
    seeded(pipeline, seed)
    expected = pipeline(images=clip, masks=masks)
    seeded(pipeline, seed)
    alone = pipeline(images=clip)["images"]
    made = augment.with_masks(clip, masks, 0, seed)
    assert np.array_equal(made[0], expected["images"])
    assert np.array_equal(made[1], expected["masks"])
    assert np.array_equal(augment(clip, 0, seed), alone)
    assert all(each.flags.writeable and each.flags.c_contiguous for each in made)
    assert not np.shares_memory(made[0], clip)
    assert not np.shares_memory(made[1], masks)


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
