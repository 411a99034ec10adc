"""AugMix: operations as Pillow has them, one draw for all frames, nothing that is tested, and its loss."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from corruptions import REGISTRY, corrupt, suite
from vidsparse import load_config
from vidsparse.config import AugmixConfig, identity
from vidsparse.data import augmix
from vidsparse.data.augmix_operations import OVERLAPS, operations_for
from vidsparse.training.consistency import answered, as_batch, jensen_shannon
from vidsparse.utils.errors import ConfigError

PAPER = AugmixConfig(severity=3.0)


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    ramp = np.linspace(20, 180, 24)[:, None, None] + rng.normal(0, 20, (24, 24, 3))
    return ramp.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "pillow"),
    [
        ("autocontrast", ImageOps.autocontrast),
        ("equalize", ImageOps.equalize),
        ("posterize", lambda image: ImageOps.posterize(image, 4 - 2)),
        ("solarize", lambda image: ImageOps.solarize(image, 256 - 128)),
    ],
)
def test_an_image_under_an_operation_is_what_pillow_makes_of_it(name, pillow, photo):
    ours = augmix.apply(photo[None], name, 0.5)[0].astype(int)
    assert np.abs(ours - np.asarray(pillow(Image.fromarray(photo)))).max() <= (name == "autocontrast")


@pytest.mark.parametrize("name", OVERLAPS)
def test_an_operation_moves_as_it_says(name, photo):
    out = augmix.apply(photo[None], name, 0.5)[0]
    assert (out != photo).any()
    if name == "translate_x":
        assert (out[:, :20] == photo[:, 4:]).all()
    if name == "translate_y":
        assert (augmix.apply(photo[None], name, 0.5, -1.0)[0][4:] == photo[:20]).all()
    if name in ("rotate", "shear_x", "shear_y"):
        back = augmix.apply(out[None], name, 0.5, -1.0)[0].astype(int)
        assert np.abs(back[9:15, 9:15] - photo[9:15, 9:15]).mean() < 15


def test_every_frame_of_a_clip_gets_the_same_draws_and_a_seed_the_same_bytes(photo):
    still = np.repeat(photo[None], 4, axis=0)
    for seed in range(8):
        out = augmix.mixtures(still, PAPER, seed)
        assert (out == out[:1]).all()
        assert (out[:1] == augmix.mixtures(photo[None], PAPER, seed)).all()
    assert len({augmix.mixtures(still, PAPER, seed).tobytes() for seed in range(8)}) == 8


def test_a_picture_that_reads_itself_does_not_flicker(photo):
    moving = np.stack([photo, (photo * 0.5).astype(np.uint8)])
    for name in ("autocontrast", "equalize"):
        both = augmix.apply(moving, name, 0.5)
        same = {int(value): set() for value in np.unique(moving)}
        for value, made in zip(moving[..., 0].ravel(), both[..., 0].ravel(), strict=True):
            same[int(value)].add(int(made))
        assert max(map(len, same.values())) == 1


def test_the_loss_sees_the_clip_and_two_mixtures_and_is_nothing_for_equal_answers(photo):
    views = augmix.mixtures(photo[None], AugmixConfig(severity=3.0, jsd=12.0), 1)
    assert views.shape == (3, 1, 24, 24, 3)
    assert (views[0] == photo).all()
    assert (views[1] != views[2]).any()
    batch = torch.from_numpy(np.stack([views, views[::-1].copy()]))
    assert (as_batch(batch)[:2] == batch[:, 0]).all()
    logits = torch.randn(2, 5)
    assert float(jensen_shannon(logits.expand(3, 2, 5))) == pytest.approx(0, abs=1e-6)
    given, apart = answered(batch, lambda clips: clips.float().mean((1, 2, 3)), 12.0)
    assert (given == batch[:, 0].float().mean((1, 2, 3))).all()
    three = as_batch(batch).float().mean((1, 2, 3)).unflatten(0, (3, 2)).softmax(-1).double()
    middle = three.mean(0)
    expected = sum((p * (p / middle).log()).sum(-1) for p in three.clamp_min(1e-12)) / 3
    assert float(apart) == pytest.approx(12 * float(expected.mean()), rel=1e-3)


@pytest.mark.slow
def test_a_run_trains_on_nothing_that_it_tests_and_says_so_in_its_config():
    plain, mixed = (load_config("ucf101_dense", more) for more in ([], ["training.augmix.severity=3"]))
    assert mixed.training.augmix.operations == operations_for(["rotate", "translate"])
    assert not set(mixed.training.augmix.operations) & {"rotate", "translate_x", "translate_y"}
    assert set(identity(mixed)) - set(identity(plain)) == {"training.augmix.severity", "training.augmix.operations"}
    on = "training.augmix.severity=3"
    everything = load_config("ucf101_dense", [on, "evaluation.suite=imagenet_c_15"]).training.augmix.operations
    assert everything == list(OVERLAPS)
    for wrong, hint in (
        (["training.augmix.operations=[rotate]"], "static_rotate|rotate tests"),
        (["training.augmix.operations=[posterise]"], "posterize"),
        (["training.augmix.operations=[]"], "null"),
        (["training.augmix.jsd=12", "training.mixup.mixup_alpha=1"], "mixup"),
    ):
        with pytest.raises(ConfigError, match=rf"training\.augmix.*({hint})"):
            load_config("ucf101_dense", [on, *wrong])
    with pytest.raises(ConfigError, match=r"training\.augmix\.severity"):
        load_config("segmentation_dense", [on])


def test_posterize_is_not_trained_where_fewer_bits_are_tested():
    on, bits = "training.augmix.severity=3", "evaluation.suite=imagenet_3dcc_nodepth"
    assert "posterize" not in load_config("ucf101_dense", [on, bits]).training.augmix.operations
    with pytest.raises(ConfigError, match="color_quant"):
        load_config("ucf101_dense", [on, bits, "training.augmix.operations=[posterize]"])
    assert "color_quant" in suite("imagenet_3dcc_nodepth")


@pytest.mark.parametrize("name", [name for name in OVERLAPS if name in augmix._LUTS])
def test_every_operation_of_values_that_is_a_corruption_is_known_to_be_one(name, photo):
    """What a corruption of values makes of a picture at one of its levels, an operation makes too: a pair."""
    levels = [np.float64(k) / 20 for k in range(2, 21)]
    ours = {augmix.apply(photo[None], name, level).tobytes() for level in levels}
    same = [other for other, row in REGISTRY.items() if row.support == "frame" and not row.random
            if ours & {corrupt(photo[None], other, severity).tobytes() for severity in range(1, 6)}]  # fmt: skip
    assert set(same) <= set(OVERLAPS[name])


def test_settings_of_augmix_that_is_off_are_refused_and_so_is_one_too_weak_to_draw(tmp_path):
    for key in ("jsd=12", "operations=[solarize]", "width=4"):
        with pytest.raises(ConfigError, match=rf"training\.augmix\.{key.partition('=')[0]}.*severity"):
            load_config("ucf101_dense", [f"training.augmix.{key}"])
    with pytest.raises(ConfigError, match=r"training\.augmix\.severity=0\.05"):
        load_config("ucf101_dense", ["training.augmix.severity=0.05"])
    assert load_config("ucf101_dense", ["training.augmix.severity=0.1"]).training.augmix.severity == 0.1
    file = tmp_path / "mine.yaml"
    file.write_text("base: ucf101_dense.yaml\ntraining: {augmix: {jsd: 12}}\n")
    with pytest.raises(ConfigError, match=r"training\.augmix\.jsd.*severity"):
        load_config(file)
    assert load_config(file, ["training.augmix.severity=3"]).training.augmix.jsd == 12
    assert load_config(file, ["training.augmix.severity=0"]).training.augmix == AugmixConfig()  # a control without
