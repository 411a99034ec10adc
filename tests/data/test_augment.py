"""One draw per clip, a function of the seed alone; mirrors only where a mirror keeps the label."""

import albumentations
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from vidsparse.config import AugmentConfig
from vidsparse.data.augment import Augment
from vidsparse.data.crops import center_crop, crops
from vidsparse.tasks import VOID


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


def composed(config: AugmentConfig, size: int) -> albumentations.Compose:
    """What training used before it drew for itself: the bytes that every run since the first was trained on."""
    crop = [albumentations.RandomResizedCrop((size, size), scale=tuple(config.scale), ratio=(3 / 4, 4 / 3))]
    if config.pad is not None:
        crop = [albumentations.Pad(config.pad, fill_mask=VOID), albumentations.RandomCrop(size, size)]
    flip = [albumentations.HorizontalFlip(p=0.5)] if config.flip else []
    by = config.color
    color = [albumentations.ColorJitter(by, by, by, by / 4, p=0.8)] if by else []
    return albumentations.Compose([*crop, *flip, *color])


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
def test_every_byte_is_that_of_albumentations_own_pipeline(config, frames, shape, seed):
    rng = np.random.default_rng(seed)
    clip, masks = rng.integers(0, 256, (frames, *shape, 3), np.uint8), rng.integers(0, 256, (frames, *shape), np.uint8)
    clip.flags.writeable = masks.flags.writeable = False  # pictures are kept: nothing may be written into them
    pipeline, augment = composed(config, 32), Augment(config, 32)
    pipeline.set_random_seed(seed)
    expected = pipeline(images=clip, masks=masks)
    pipeline.set_random_seed(seed)
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
