"""Corruptions on tensors beside those on arrays: every name, level, profile and mode, and what is asked and refused."""

import doctest
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

import corruptions
from corruptions import CorruptionError, UnknownName, UnknownProfile, WrongFrames
from corruptions.registry import MODES, REGISTRY
from corruptions.torch import corrupt, names
from corruptions.torch.kernel_table import KERNELS

from .conftest import make_clip

SIZES = (37, 51), (64, 48), (33, 127)
CASES = [(name, profile) for name in names() for profile in REGISTRY[name].tables]
# How many values may be one level off; all others are equal byte by byte. What is not here is equal everywhere.
OFF = dict.fromkeys(names(), 0.0) | {
    "night": 2e-5,
    "gaussian_blur": 2e-5,
    "defocus_blur": 5e-5,
    "glass_blur": 1e-4,
    "rolling_shutter": 2e-5,  # OpenCV 4, which rounds places to 32nds of a pixel, is further off than this
}


def tensor(clip):
    """An array (T, H, W, C) as a tensor (T, C, H, W) of its own."""
    return torch.from_numpy(np.ascontiguousarray(clip.transpose(0, 3, 1, 2)))


def array(clip):
    return clip.permute(0, 2, 3, 1).numpy()


def clips(height, width):
    """A random clip and a smooth one."""
    rng = np.random.default_rng(height)
    return rng.integers(0, 256, (5, height, width, 3), np.uint8), make_clip(5, height, width)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), CASES)
def test_every_level_and_mode_is_that_of_the_numpy_path(name, profile):
    record, off, count = REGISTRY[name], 0, 0
    for size in SIZES:
        for clip in clips(*size):
            for severity in range(1, 6):
                for mode in record.modes:
                    want = corruptions.corrupt(clip, name, severity, "0/k", profile=profile, temporal=mode)
                    made = corrupt(tensor(clip), name, severity, "0/k", profile=profile, temporal=mode)
                    apart = np.abs(array(made).astype(int) - want)
                    assert apart.max() <= 1, (size, severity, mode)
                    off, count = off + int((apart > 0).sum()), count + apart.size
    assert off <= OFF[name] * count, f"{off / count:.2e} of the values are one level off"


@pytest.mark.parametrize("name", names())
def test_relative_resolution_and_numbers_of_frames_are_those_of_the_numpy_path(name):
    _, clip = clips(64, 48)
    for severity in (2, 5):
        said = {"resolution": "relative", "indices": [30, 3, 4, 100, 7], "fps": 12.5}
        said["profile"] = "cifar_c" if name == "glass_blur" else None  # whose frames are the smaller ones
        want = corruptions.corrupt(clip, name, severity, "0/k", **said)
        apart = np.abs(array(corrupt(tensor(clip), name, severity, "0/k", **said)).astype(int) - want)
        assert apart.max() <= 1
        assert (apart > 0).mean() <= max(10 * OFF[name], 1e-3 if OFF[name] else 0)


@pytest.mark.parametrize("name", names())
def test_a_clip_alone_is_the_clip_in_a_batch_and_its_parts(name):
    batch = torch.stack([tensor(clip) for clip in (*clips(37, 51), *clips(37, 51))])
    keys = ["0/a", "0/b", "0/c", "0/d"]
    for mode in MODES:
        whole = corrupt(batch, name, 3, keys, temporal=mode)
        for clip, key, made in zip(batch, keys, whole, strict=True):
            assert torch.equal(corrupt(clip, name, 3, key, temporal=mode), made)
            part = corrupt(clip[[4, 1]], name, 3, key, temporal=mode, indices=[4, 1])
            assert torch.equal(part, made[[4, 1]])
        turned = corrupt(batch.flip(0), name, 3, keys[::-1], temporal=mode)
        assert torch.equal(turned.flip(0), whole)


@pytest.mark.parametrize("name", ["gaussian_noise"])
def test_each_clip_of_a_batch_may_have_its_own_numbers(name):
    batch = torch.stack([tensor(clip) for clip in clips(37, 51)])
    made = corrupt(batch, name, 3, ["0/a", "0/b"], indices=[[0, 1, 2, 3, 4], [9, 8, 7, 6, 5]])
    assert torch.equal(made[1], corrupt(batch[1], name, 3, "0/b", indices=[9, 8, 7, 6, 5]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_floats_go_in_and_out_by_the_nearest_level(dtype):
    (clip, _), before = clips(37, 51), torch.get_default_dtype()
    given = (tensor(clip).double() / 255).to(dtype)
    kept = given.clone()
    made = corrupt(given, "gaussian_noise", 2, "0/k")
    levels = (given.double() * 255).round().to(torch.uint8)
    want = corrupt(levels, "gaussian_noise", 2, "0/k")
    assert made.dtype == dtype
    assert torch.equal(made, (want.double() / 255).to(dtype))
    assert torch.equal(given, kept)
    assert torch.get_default_dtype() == before
    if dtype != torch.bfloat16:  # which holds fewer than 256 levels
        assert torch.equal(levels, tensor(clip))
        assert torch.equal((made.double() * 255).round().to(torch.uint8), want)


@pytest.mark.parametrize(
    ("layout", "sides"),
    [("TCHW", (0, 1, 2, 3)), ("CTHW", (1, 0, 2, 3)), ("THWC", (0, 2, 3, 1))],
)
def test_layouts_are_read_and_given_back(layout, sides):
    clip = tensor(clips(37, 51)[0])
    want = corrupt(clip, "gaussian_noise", 4, "0/k")
    for said in (layout, None):
        made = corrupt(clip.permute(sides), "gaussian_noise", 4, "0/k", layout=said)
        assert torch.equal(made, want.permute(sides))
        assert made.is_contiguous()
    many = corrupt(clip.permute(sides)[None], "gaussian_noise", 4, ["0/k"])
    assert torch.equal(many, want.permute(sides)[None])


def test_images_are_clips_of_one_frame():
    images = tensor(clips(37, 51)[0])
    made = corrupt(images, "gaussian_noise", 4, [f"0/{n}" for n in range(5)])
    assert torch.equal(made[3], corrupt(images[3], "gaussian_noise", 4, "0/3"))
    assert torch.equal(made[3], corrupt(images[3:4], "gaussian_noise", 4, "0/3")[0])


def test_a_tv_tensor_stays_one():
    video = tv_tensors.Video(tensor(clips(37, 51)[0]))
    for severity in (0, 3):
        made = corrupt(video, "gaussian_noise", severity, "0/k")
        assert type(made) is tv_tensors.Video
    assert torch.equal(made.as_subclass(torch.Tensor), corrupt(torch.Tensor(video).byte(), "gaussian_noise", 3, "0/k"))


def test_severity_0_is_the_identity_and_no_clips_are_no_clips():
    clip = tensor(clips(37, 51)[0])
    clean = corrupt(clip, "gaussian_noise", 0, "0/k")
    assert torch.equal(clean, clip)
    assert clean.data_ptr() != clip.data_ptr()
    assert corrupt(clip[:0][None][:0], "gaussian_noise", 3, []).shape == (0, 0, 3, 37, 51)
    assert corrupt(clip[:0], "gaussian_noise", 3, "0/k").shape == (0, 3, 37, 51)


GOOD = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"name": "fog"}, CorruptionError, "gaussian_noise.*corruptions.corrupt"),
        ({"name": "glass_blur", "resolution": "relative"}, CorruptionError, "absolute"),
        ({"name": "h264_crf"}, CorruptionError, "corruptions.Corrupt"),
        ({"name": "gausian_noise"}, UnknownName, "gaussian_noise"),
        ({"profile": "kinetics_c"}, UnknownProfile, "imagenet_c"),
        ({"severity": 6}, CorruptionError, "severity"),
        ({"temporal": "still"}, UnknownName, "static"),
        ({"keys": ["a", "b", "c"]}, CorruptionError, "2 clips with 3 keys"),
        ({"keys": 7}, CorruptionError, "key"),
        ({"clips": GOOD[None]}, CorruptionError, "1 clips with 1 key"),
        ({"clips": GOOD.numpy()}, WrongFrames, "tensor"),
        ({"clips": GOOD.int()}, WrongFrames, "int32"),
        ({"clips": GOOD.float() + 2}, WrongFrames, "floats from 2 to 2"),
        ({"clips": GOOD.float() * torch.nan}, WrongFrames, "nan"),
        ({"clips": GOOD.float().requires_grad_()}, WrongFrames, "detach"),
        ({"clips": GOOD.to("meta")}, WrongFrames, "dense"),
        ({"clips": GOOD[..., :8]}, WrongFrames, "16"),
        ({"indices": [0]}, WrongFrames, "number each frame once"),
        ({"indices": [[0, 1], [0, 1]]}, WrongFrames, "2 clips, for 1"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(given, error, said):
    settings = {"clips": GOOD, "name": "gaussian_noise", "severity": 3, "keys": "0/k", **given}
    with pytest.raises(error, match=said):
        corrupt(settings.pop("clips"), settings.pop("name"), settings.pop("severity"), **settings)


def test_a_corruption_of_somebodys_own_under_a_name_of_ours_is_not_taken_for_it():
    from dataclasses import replace

    own = replace(REGISTRY["gaussian_noise"], function=lambda frames, level, scene: frames)
    with pytest.raises(CorruptionError, match="is not made on tensors"):
        corrupt(GOOD, own, 3, "0/k")


def test_the_example_of_the_page_does_what_it_says():
    page = Path(__file__).parents[2] / "docs" / "anywhere.md"
    done = doctest.testfile(str(page), module_relative=False)
    assert done.attempted > 4
    assert done.failed == 0


def test_names_are_those_of_the_registry_in_its_order():
    assert list(names()) == [name for name in corruptions.names() if name in KERNELS]
    assert set(KERNELS) <= set(corruptions.names())
    assert all(REGISTRY[name].support == "frame" for name in names())
