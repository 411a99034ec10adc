"""Pictures as other libraries hold them: which layout a shape has, and that pixels come back as they came."""

import numpy as np
import pytest
import torch
from PIL import Image

from corruptions import Corrupt, corrupt
from corruptions.exceptions import CorruptionError, WrongFrames
from corruptions.layouts import LAYOUTS, form_of

CLIP = np.random.default_rng(0).integers(0, 256, (5, 32, 40, 3), np.uint8)
FOG = Corrupt("fog", 3)
WANT = corrupt(CLIP, "fog", 3, "k")


def laid_out(clip: np.ndarray, form: str) -> np.ndarray:
    """A clip (T, H, W, C) in a layout; letters it has not are its first frame, or a batch of one."""
    named = {"T": clip, "": clip[0]}["T" if "T" in form else ""]
    axes = "THWC" if "T" in form else "HWC"
    if "B" in form:
        named, axes = named[None], "B" + axes
    return np.ascontiguousarray(named.transpose([axes.index(letter) for letter in form]))


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64", "float16"])
@pytest.mark.parametrize("form", LAYOUTS)
@pytest.mark.parametrize("holder", [np.asarray, torch.from_numpy])
def test_every_layout_gives_the_bytes_of_corrupt(form, kind, holder):
    key = ["k"] if "B" in form else "k"
    clip, want = (
        laid_out(pixels, form) for pixels in (CLIP, WANT if "T" in form else corrupt(CLIP[:1], "fog", 3, "k"))
    )
    given = holder(clip if kind == "uint8" else (clip / 255).astype(kind))
    before = given.copy() if isinstance(given, np.ndarray) else given.clone()
    made = FOG(given, key=key)
    assert type(made) is type(given)
    assert made.dtype == given.dtype
    assert made.shape == given.shape
    levels = np.asarray(made, np.float64) * (1 if kind == "uint8" else 255)
    np.testing.assert_allclose(levels, want, atol=0.1)  # float16 has 11 bits
    assert (before == given).all()


def test_a_batch_has_a_draw_a_sample_and_each_is_that_of_its_key():
    batch = torch.from_numpy(CLIP).permute(0, 3, 1, 2)
    made = FOG(batch, key=list("abcde")).permute(0, 2, 3, 1).numpy()
    assert all((made[i] == corrupt(CLIP[i : i + 1], "fog", 3, key)[0]).all() for i, key in enumerate("abcde"))


def test_a_list_of_images_is_a_clip_under_one_key_and_a_batch_under_several():
    images = [Image.fromarray(frame) for frame in CLIP]
    clip = FOG(images, key="k")
    assert all(isinstance(image, Image.Image) for image in clip)
    assert (np.stack([np.asarray(image) for image in clip]) == WANT).all()
    batch = FOG(images, key=list("abcde"))
    assert (np.asarray(batch[4]) == corrupt(CLIP[4:], "fog", 3, "e")[0]).all()
    assert (np.stack(FOG(list(CLIP), key="k")) == WANT).all()
    tensors = [torch.from_numpy(frame).permute(2, 0, 1) for frame in CLIP]
    assert (torch.stack(FOG(tensors, key="k")).permute(0, 2, 3, 1).numpy() == WANT).all()


def test_images_of_several_sizes_are_a_batch_and_no_clip():
    images = [Image.fromarray(CLIP[0]), Image.fromarray(CLIP[0, :20])]
    assert [image.size for image in FOG(images, key=["a", "b"])] == [(40, 32), (40, 20)]
    with pytest.raises(WrongFrames, match="several sizes"):
        FOG(images, key="a")


@pytest.mark.parametrize(
    ("shape", "form"),
    [
        ((3, 32, 32), "CHW"),
        ((32, 32, 3), "HWC"),
        ((3, 8, 32, 32), "CTHW"),
        ((8, 3, 32, 32), "TCHW"),
        ((3, 32, 32, 3), "THWC"),
        ((1, 3, 32, 32), "TCHW"),
        ((3, 1, 32, 32), "CTHW"),
        ((3, 3, 8, 32, 32), "BCTHW"),
        ((3, 8, 3, 32, 32), "BTCHW"),
        ((2, 3, 32, 32, 3), "BTHWC"),
    ],
)
def test_a_layout_is_read_off_the_shape(shape, form):
    assert form_of(shape) == form


@pytest.mark.parametrize("shape", [(3, 3, 32, 32), (2, 3, 3, 32, 32)])
def test_a_shape_that_two_layouts_fit_is_refused_until_one_is_named(shape):
    pixels = np.zeros(shape, np.uint8)
    key = "k" if len(shape) == 4 else ["k", "l"]
    with pytest.raises(WrongFrames, match=r"TCHW or .*CTHW.*layout="):
        FOG(pixels, key=key)
    for form in ("TCHW", "CTHW"):
        assert Corrupt("fog", 3, layout="B" * (len(shape) - 4) + form)(pixels, key=key).shape == shape


@pytest.mark.parametrize(
    ("picture", "hint"),
    [
        (np.zeros((8, 32, 32), np.uint8), "grey"),
        (np.zeros((8, 1, 32, 32), np.uint8), "grey"),
        (np.zeros((32, 32, 4), np.uint8), "C"),
        (np.zeros((8, 8, 3), np.uint8), "16"),
        (np.zeros((8, 32, 32, 3), np.int64), "int64"),
        (np.zeros((8, 32, 32, 3), bool), "bool"),
        (np.full((8, 32, 32, 3), 2.0), "0 to 1"),
        (np.full((8, 32, 32, 3), -0.1), "0 to 1"),
        (np.full((8, 32, 32, 3), np.nan), "0 to 1"),
        (torch.zeros(8, 3, 32, 32, dtype=torch.int32), "int32"),
        (torch.zeros(8, 3, 32, 32, requires_grad=True), "detach"),
        (torch.zeros(8, 3, 32, 32, device="meta"), "dense"),
        (torch.zeros(8, 3, 32, 32).to_sparse(), "dense"),
        (Image.new("L", (32, 32)), "convert"),
        (Image.new("RGBA", (32, 32)), "convert"),
        (Image.new("RGB", (8, 32)), "16"),
        ("a.mp4", "array"),
        ({"label": 3}, "array"),
        ([], "array"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_way_out(picture, hint):
    with pytest.raises(CorruptionError, match=hint):
        FOG(picture, key="k")


def test_a_layout_that_was_named_must_fit():
    with pytest.raises(WrongFrames, match="CTHW"):
        Corrupt("fog", 3, layout="CTHW")(CLIP, key="k")
    with pytest.raises(CorruptionError, match="THWC"):
        Corrupt("fog", 3, layout="THCW")


def test_a_batch_wants_a_key_a_sample():
    batch = CLIP[None].repeat(2, 0)
    for keys in ("k", ["a"], ["a", "b", "c"]):
        with pytest.raises(CorruptionError, match="key a sample"):
            FOG(batch, key=keys)


def test_views_that_are_not_contiguous_and_empty_clips_are_pictures_too():
    flipped = CLIP[:, ::-1, ::-1]
    assert (FOG(flipped, key="k") == corrupt(np.ascontiguousarray(flipped), "fog", 3, "k")).all()
    assert FOG(CLIP[:0], key="k").shape == (0, 32, 40, 3)
    assert FOG(torch.zeros(0, 3, 32, 32), key=[]).shape == (0, 3, 32, 32)


@pytest.mark.parametrize(
    ("shape", "ends"),
    [
        ((3, 500, 3), r"columns \(W\)$"),
        ((3, 1, 1), r"columns \(W\)$"),
        ((20, 30, 4), "leave transparency out, its fourth channel$"),
        ((2, 4, 20, 30), "leave transparency out, its fourth channel$"),
        ((20, 30, 1), "repeat a grey channel three times$"),
        ((2, 20, 30), "repeat a grey channel three times$"),
    ],
)
def test_what_is_refused_is_told_what_is_wrong_with_its_own_shape(shape, ends):
    with pytest.raises(WrongFrames, match=ends):
        form_of(shape)
