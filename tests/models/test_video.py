"""The whole table: any clip in, logits out, stock parameter names, and the stock output at native size."""

import pytest
import torch
from torch import nn

from helpers.stock import PYTORCHVIDEO, TORCHVISION, shake, stock
from vidsparse.models.video import ShortClipMaxPool3d
from vidsparse.models.zoo import MODELS, create_model
from vidsparse.utils.errors import ConfigError

MADE_FOR_ONE_INPUT = ("mvit", "timesformer", "videomae", "vivit", "cifar_vit")  # position embeddings
PUBLISHED = {  # millions of parameters, for the classes given: the papers and the libraries' own tables
    "r3d_18": (33.37, 400), "mc3_18": (11.70, 400), "r2plus1d_18": (31.51, 400), "s3d": (8.32, 400),
    "swin3d_t": (28.16, 400), "swin3d_s": (49.82, 400), "swin3d_b": (88.05, 400), "mvit_v1_b": (36.61, 400),
    "mvit_v2_s": (34.54, 400), "slow_r50": (32.45, 400), "slowfast_r50": (34.57, 400), "x3d_s": (3.79, 400),
    "c3d": (78.41, 101), "i3d": (12.29 + 0.41, 400), "timesformer": (121.4, 400), "vivit": (88.9, 400),
    "cifar_resnet20": (0.27, 10), "cifar_resnet18": (11.17, 10), "cifar_resnet34": (21.28, 10),
    "cifar_vgg16_bn": (14.73, 10), "timm/efficientnet_b0": (5.29, 1000), "timm/resnet50": (25.56, 1000),
    "timm/deit_base_patch16_224": (86.57, 1000),
}  # fmt: skip


def on_meta(name: str, classes: int, frames: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return create_model(name, classes, frames, size).eval()


def places(name: str, frames: int, size: int) -> tuple[int, ...]:
    """What has an answer of its own: nothing but the clip, or every pixel of every frame."""
    return (frames, size, size) if MODELS[name].task == "segmentation" else ()


@pytest.mark.parametrize("name", MODELS)
def test_any_length_and_size_gives_one_logit_a_class(name):
    model = on_meta(name, 5, 1, 56)
    for frames in (1, 8, 16):
        for size in (56, 112, 224):
            if name.startswith(MADE_FOR_ONE_INPUT):
                model = on_meta(name, 5, frames, size)
            clips = torch.empty(2, 3, frames, size, size, device="meta")
            assert model(clips).shape == (2, 5, *places(name, frames, size)), (frames, size)


@pytest.mark.parametrize("frames", [3, 13])
@pytest.mark.parametrize("name", ["slowfast_r50", "mvit_v2_s", "mvit_base_16x4", "i3d", "c3d", "videomae_s", "vivit_s"])
def test_an_odd_length_passes_too(name, frames):
    assert on_meta(name, 5, frames, 64)(torch.empty(1, 3, frames, 64, 64, device="meta")).shape == (1, 5)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_finite_logits_and_the_same_twice(name):
    torch.manual_seed(0)
    for frames in (1, 8):
        model = create_model(name, 20, frames, 56).eval()
        model = shake(model) if name in PYTORCHVIDEO else model
        clips = torch.randn(1, 3, frames, 56, 56)
        with torch.no_grad():
            logits = model(clips)
            if name == "slowfast_r50":  # its stock pathways spoil the list that they are given
                assert torch.equal(logits, model(clips))
        assert logits.shape == (1, 20, *places(name, frames, 56))
        assert logits.isfinite().all()
        assert not torch.allclose(logits.sum(1), torch.ones(1), atol=1e-3)
        assert logits.min() < 0


@pytest.mark.parametrize("name", ["x3d_s", "r2plus1d_r50"])
def test_where_the_stock_head_is_a_softmax_ours_gives_its_logits_in_training_too(name):
    model = shake(create_model(name, 20, 8, 32)).train()
    logits = model(torch.randn(2, 3, 8, 32, 32))
    assert not torch.allclose(logits.sum(1), torch.ones(2), atol=1e-3)


@pytest.mark.parametrize("name", [*TORCHVISION, *PYTORCHVIDEO])
def test_parameters_are_named_and_shaped_as_in_stock(name):
    spec = MODELS[name]
    with torch.device("meta"):
        ours, theirs = create_model(name, 5, spec.frames, spec.size).state_dict(), stock(name).state_dict()
    assert [(key, tensor.shape) for key, tensor in ours.items()] == [(k, t.shape) for k, t in theirs.items()]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "frames", "size"), [("i3d_r50", 8, 224), ("x3d_s", 13, 160)])
def test_at_native_size_the_stock_network_gives_the_same(name, frames, size):
    theirs = shake(stock(name)).eval()
    ours = create_model(name, 5, frames, size).eval()
    ours.load_state_dict(theirs.state_dict())
    clip = torch.randn(1, 3, frames, size, size)
    with torch.no_grad():
        output = ours(clip).softmax(1) if name == "x3d_s" else ours(clip)
        torch.testing.assert_close(output, theirs(clip), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "expected"), PUBLISHED.items(), ids=str)
def test_parameter_counts_are_the_published_ones(name, expected):
    millions, classes = expected
    frames, size = (MODELS[name].frames, MODELS[name].size) if name in MODELS else (1, 224)
    count = sum(parameter.numel() for parameter in on_meta(name, classes, frames, size).parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.01)


def test_a_temporal_pool_is_stock_on_long_clips_and_one_window_on_short_ones():
    pool, theirs = ShortClipMaxPool3d((3, 1, 1), 2), nn.MaxPool3d((3, 1, 1), 2)
    x = torch.randn(1, 2, 7, 4, 4)
    assert torch.equal(pool(x), theirs(x))
    for frames in (1, 2):
        assert torch.equal(pool(x[:, :, :frames]), x[:, :, :frames, ::2, ::2].amax(2, keepdim=True))


def test_a_still_is_a_pair_of_the_same_frame_where_frames_go_in_pairs():
    torch.manual_seed(0)
    model = create_model("mvit_v2_s", 5, 1, 32).eval()
    frame = torch.randn(1, 3, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(frame), model(frame.repeat(1, 1, 2, 1, 1)))


@pytest.mark.parametrize("name", ["mvit_v2_s", "mvit_base_16x4", "vivit_s"])
def test_a_side_that_patches_do_not_fill_is_refused(name):
    with pytest.raises(ConfigError, match=r"a multiple of [48] pixels"):
        create_model(name, 5, 8, 58)
