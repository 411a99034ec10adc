"""3-D networks: any clip in, logits out, and stock parameters and outputs at native size."""

from importlib import import_module

import pytest
import torch
from torch import nn

from vidsparse.models.video import ShortClipMaxPool3d
from vidsparse.models.zoo import MODELS, create_model

PYTORCHVIDEO = ("slow_r50", "i3d_r50", "x3d_s")


def stock(name: str) -> nn.Module:
    """The network as its library builds it, for 5 classes; x3d_s with its softmax."""
    if name in PYTORCHVIDEO:
        return getattr(import_module("pytorchvideo.models.hub"), name)(model_num_class=5)
    return getattr(import_module("torchvision.models.video"), name)(num_classes=5)


def shake(model: nn.Module) -> nn.Module:
    """Move every parameter off its initial value: at birth pytorchvideo's residual branches are multiplied by zero."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.mark.parametrize("size", [32, 56, 112])
@pytest.mark.parametrize("frames", [1, 8, 16])
@pytest.mark.parametrize("name", MODELS)
def test_any_length_and_size_gives_one_logit_a_class(name, frames, size):
    with torch.device("meta"):
        model = create_model(name, 5, frames, size).eval()
    assert model(torch.empty(2, 3, frames, size, size, device="meta")).shape == (2, 5)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_logits_in_training_and_evaluation(name):
    torch.manual_seed(0)
    model = shake(create_model(name, 20, 8, 56))
    with torch.no_grad():
        for frames, training in ((1, False), (8, True)):
            logits = model.train(training)(torch.randn(2, 3, frames, 56, 56))
            assert logits.shape == (2, 20)
            assert logits.isfinite().all()
            assert not torch.allclose(logits.sum(1), torch.ones(2), atol=1e-3)
            assert logits.min() < 0


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_named_and_shaped_as_in_stock(name):
    with torch.device("meta"):
        ours, theirs = create_model(name, 5).state_dict(), stock(name).state_dict()
    assert [(key, tensor.shape) for key, tensor in ours.items()] == [(k, t.shape) for k, t in theirs.items()]


@pytest.mark.parametrize("name", ["i3d_r50", "x3d_s"])  # every kind of pool that is replaced
def test_at_native_size_the_stock_network_gives_the_same(name):
    spec = MODELS[name]
    theirs = shake(stock(name)).eval()
    ours = create_model(name, 5, spec.frames, spec.size).eval()
    ours.load_state_dict(theirs.state_dict())
    clip = torch.randn(1, 3, spec.frames, spec.size, spec.size)
    with torch.no_grad():
        output = ours(clip).softmax(1) if name == "x3d_s" else ours(clip)
        torch.testing.assert_close(output, theirs(clip), rtol=1e-5, atol=1e-6)


def test_a_temporal_pool_is_stock_on_long_clips_and_one_window_on_short_ones():
    pool, theirs = ShortClipMaxPool3d((3, 1, 1), 2), nn.MaxPool3d((3, 1, 1), 2)
    x = torch.randn(1, 2, 7, 4, 4)
    assert torch.equal(pool(x), theirs(x))
    for frames in (1, 2):
        assert torch.equal(pool(x[:, :, :frames]), x[:, :, :frames, ::2, ::2].amax(2, keepdim=True))
