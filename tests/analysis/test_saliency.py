"""Grad-CAM against captum and by hand, on networks of every kind; rollout against its formula, and where it is none."""

import pytest
import torch
from captum import attr
from torch import nn

from vidsparse.analysis import saliency
from vidsparse.models.zoo import create_model


class Frames(nn.Module):
    """A 2-D network on every frame of a clip, logits averaged: how image networks see video."""

    def __init__(self, image: nn.Module) -> None:
        super().__init__()
        self.image = image

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        frames = clips.transpose(1, 2)
        return self.image(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]).mean(1)


def vit() -> nn.Module:
    import timm

    return timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=24, depth=3, num_heads=3, num_classes=5
    )


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("relu_in_place", [False, True])
def test_grad_cam_finds_the_place_that_makes_the_class(relu_in_place):
    """A network that sums one channel's activations where the picture is bright looks there, in space and time."""
    net = nn.Sequential(
        nn.Conv3d(3, 2, 1), nn.ReLU(inplace=relu_in_place), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(2, 2)
    )
    with torch.no_grad():
        net[0].weight.fill_(1.0), net[0].bias.fill_(0.0)
        net[4].weight.copy_(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
    clip = torch.zeros(1, 3, 4, 16, 16)
    clip[:, :, 2, 4:8, 8:12] = 1
    found = saliency.grad_cam(net, clip, torch.tensor([0]))
    assert found.shape == (1, 4, 16, 16)
    assert torch.equal(found > 0.5, clip[:, 0] > 0)
    assert saliency.grad_cam(net, clip, torch.tensor([1])).abs().max() == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r3d_18", "x3d_s"])
def test_grad_cam_of_3d_networks_equals_captum(name):
    model = create_model(name, 4, 4, 64).eval()
    inputs = torch.randn(2, 3, 4, 64, 64)
    layer = saliency.cam_layer(model, inputs[:1])
    theirs = attr.LayerGradCam(model, layer.module).attribute(inputs, torch.tensor([1, 3]), relu_attributions=True)
    theirs = nn.functional.interpolate(theirs.detach(), size=(4, 64, 64), mode="trilinear")[:, 0]
    ours = saliency.grad_cam(model, inputs, torch.tensor([1, 3]), layer)
    scale = theirs.amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    assert torch.allclose(ours, theirs / scale, atol=1e-4)


@pytest.mark.slow
def test_grad_cam_of_frames_equals_captum_frame_by_frame():
    from torchvision.models import resnet18

    image = resnet18(num_classes=4).eval()
    inputs = torch.randn(1, 3, 2, 64, 64)
    layer = saliency.cam_layer(Frames(image), inputs)
    ours = saliency.grad_cam(Frames(image), inputs, torch.tensor([2]))
    theirs = attr.LayerGradCam(image, layer.module).attribute(inputs[0].transpose(0, 1), 2, relu_attributions=True)
    theirs = nn.functional.interpolate(theirs.detach()[None, :, 0][:, None], size=(2, 64, 64), mode="trilinear")[0]
    assert torch.allclose(ours, theirs / theirs.max(), atol=1e-4)


def test_a_model_is_left_as_it_was():
    model = create_model("x3d_s", 4, 4, 64).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    saliency.grad_cam(model, torch.randn(1, 3, 4, 64, 64), torch.tensor([0]))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def mvit() -> nn.Module:
    """MViT v2 of three blocks: queries are pooled in the second, so that tokens become fewer."""
    from torchvision.models.video.mvit import MSBlockConfig, MViT

    blocks = [
        MSBlockConfig(1, 96, 96, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 4, 4]),
        MSBlockConfig(2, 96, 192, [3, 3, 3], [3, 3, 3], [1, 2, 2], [1, 2, 2]),
        MSBlockConfig(2, 192, 192, [3, 3, 3], [3, 3, 3], [1, 1, 1], [1, 2, 2]),
    ]
    return MViT((64, 64), 8, blocks, residual_pool=True, residual_with_cls_embed=False, rel_pos_embed=True,
                proj_after_attn=True, num_classes=5)  # fmt: skip


@pytest.mark.slow
def test_transformers_of_every_kind_have_a_grad_cam():
    from torchvision.models.video import swin3d_t

    cases = {
        "vit": (Frames(vit()), (1, 3, 2, 32, 32)),
        "swin3d": (swin3d_t(num_classes=5), (1, 3, 4, 64, 64)),
        "mvit": (mvit(), (1, 3, 8, 64, 64)),
    }
    for name, (model, shape) in cases.items():
        model.eval()
        layer = saliency.cam_layer(model, torch.randn(shape))
        assert layer.tokens, name
        found = saliency.grad_cam(model, torch.randn(shape), torch.tensor([1]), layer)
        assert found.shape == (1, *shape[2:]), name
        assert 0 <= float(found.min()) <= float(found.max()) <= 1, name
        assert float(found.std()) > 0, name


def test_rollout_is_its_formula():
    """Probabilities read from timm's own unfused attention, multiplied out here."""
    image = vit().eval()
    clips = torch.randn(1, 3, 1, 32, 32)
    found = saliency.attention_rollout(Frames(image), clips)
    seen = []
    for block in image.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach().mean(1)[0]))
    Frames(image)(clips)
    rolled = torch.eye(17)
    for attention in seen:
        rolled = (0.5 * attention + 0.5 * torch.eye(17)) @ rolled
    expected = nn.functional.interpolate(rolled[0, 1:].view(1, 1, 1, 4, 4), size=(1, 32, 32), mode="trilinear")[0]
    assert torch.allclose(found, expected / expected.max(), atol=1e-5)
    assert saliency.attention_rollout(Frames(vit()), torch.randn(2, 3, 3, 32, 32)).shape == (2, 3, 32, 32)


def test_rollout_is_undefined_where_layers_do_not_attend_from_all_tokens_to_the_same():
    from torchvision.models.video import swin3d_t

    small = (1, 3, 4, 64, 64)
    cases = ((swin3d_t(num_classes=5), small), (create_model("x3d_s", 4, 4, 64), small), (mvit(), (1, 3, 8, 64, 64)))
    for model, shape in cases:
        with pytest.raises(saliency.Undefined, match="undefined"):
            saliency.attention_rollout(model.eval(), torch.randn(shape))


def test_a_network_without_places_is_refused():
    with pytest.raises(saliency.Undefined, match="neither"):
        saliency.cam_layer(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), torch.randn(1, 3, 1, 1, 1))
