"""Networks for images: the published forms, logits averaged over frames, and all of timm by name."""

import copy

import pytest
import timm
import torch

from vidsparse.models.images import ResNet
from vidsparse.models.zoo import create_model, list_models, timm_names
from vidsparse.utils.errors import ConfigError


@pytest.mark.parametrize("name", ["cifar_vgg16", "cifar_resnet20", "cifar_vit", "timm/test_resnet"])
def test_logits_of_a_clip_are_the_mean_of_those_of_its_frames(name):
    torch.manual_seed(0)
    model = create_model(name, 7, 1, 32).eval()
    clip = torch.randn(2, 3, 3, 32, 32)
    with torch.no_grad():
        alone = torch.stack([model(clip[:, :, t : t + 1]) for t in range(3)])
        torch.testing.assert_close(model(clip), alone.mean(0), rtol=1e-4, atol=1e-5)


def test_names_are_those_of_timm_so_its_checkpoints_fit():
    with torch.device("meta"):
        ours = create_model("timm/efficientnet_b0", 1000, 1, 224).state_dict()
        theirs = timm.create_model("efficientnet_b0").state_dict()
    assert list(ours) == list(theirs)


def test_the_names_read_from_timms_source_are_those_that_it_registers():
    assert timm_names() == set(timm.list_models())
    assert "timm/resnet50" in list_models("timm/resnet5*")


def test_a_transformer_is_made_for_the_size_asked_for_and_says_what_it_cannot():
    model = create_model("timm/deit_tiny_patch16_224", 5, 1, 64).eval()
    assert model(torch.randn(1, 3, 2, 64, 64)).shape == (1, 5)
    with pytest.raises(ConfigError, match="a multiple of 16 pixels"):
        create_model("timm/deit_tiny_patch16_224", 5, 1, 56)


@pytest.mark.parametrize(("name", "size"), [("timm/vgg11", 16), ("timm/convnext_atto", 16), ("timm/inception_v3", 32)])
def test_a_network_of_timm_says_which_size_it_cannot_take(name, size):
    with pytest.raises(ConfigError, match=f"{name} .*{size} x {size}"), torch.device("meta"):
        create_model(name, 5, 1, size)


def test_a_patch_size_that_is_one_number_is_understood():
    with torch.device("meta"):
        assert create_model("timm/xcit_nano_12_p8_224", 5, 1, 32).training
    with pytest.raises(ConfigError, match="cannot take frames of 36 x 36 pixels"), torch.device("meta"):
        create_model("timm/xcit_nano_12_p8_224", 5, 1, 36)


@pytest.mark.parametrize(
    ("typo", "said"), [("timm/resnet5o", "timm/resnet50"), ("timm/resnet50.nope", "resnet50.nope")]
)
def test_an_unknown_name_of_timm_is_answered(typo, said):
    with pytest.raises(ConfigError, match=said):
        create_model(typo, 5, 1, 64)


def test_the_papers_layer_has_the_name_and_shape_that_it_shows():
    weight = create_model("cifar_resnet34", 100, 1, 32).get_parameter("layer3.3.conv2.weight")
    assert weight.shape == (256, 256, 3, 3)


def test_resnet20_has_19_convolutions_a_linear_layer_and_no_projection():
    model = create_model("cifar_resnet20", 10, 1, 32)
    kinds = [type(module).__name__ for module in model.modules()]
    assert (kinds.count("Conv2d"), kinds.count("Linear")) == (19, 1)
    assert isinstance(model, ResNet)


def test_an_adapted_network_can_be_copied_and_stays_itself():
    model = create_model("cifar_resnet20", 10, 1, 32).eval()
    clip = torch.randn(1, 3, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(copy.deepcopy(model)(clip), model(clip))
