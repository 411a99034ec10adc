"""More networks compute the same after compaction, ablated by half and by a tenth."""

import pytest
import torch

import vidsparse
from helpers.ablated import assert_same, build, damage, weights
from vidsparse.sparsity import compact

IMAGE, TOKENS, CLIP = (1, 3, 64, 64), (1, 3, 224, 224), (1, 3, 4, 64, 64)
NETWORKS = {
    **dict.fromkeys(("resnet50", "vgg16_bn", "mobilenet_v3_small", "shufflenet_v2_x0_5", "densenet121"), IMAGE),
    **dict.fromkeys(("efficientnet_b0", "convnext_tiny", "regnet_y_400mf", "mnasnet0_5", "resnext50_32x4d"), IMAGE),
    **dict.fromkeys(("timm/resnet18", "timm/mobilenetv3_small_100", "timm/convnext_atto"), IMAGE),
    **dict.fromkeys(("vit_b_16", "swin_t", "timm/mixer_s32_224"), TOKENS),
    **dict.fromkeys(("mc3_18", "r2plus1d_18", "slow_r50", "i3d_r50"), CLIP),
}


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_the_same(name, share):
    model = damage(build(name), share)
    small = compact(model)
    assert_same(model, small, torch.randn(NETWORKS[name]).double())
    assert weights(small) < weights(model)


TABLE = {
    **dict.fromkeys(("slowfast_r50", "csn_r101", "i3d", "c3d", "s3d", "swin3d_t", "mvit_v1_b", "mvit_v2_s"), (16, 64)),
    **dict.fromkeys(("timesformer_s", "videomae_s", "vivit_s"), (16, 64)),
    **dict.fromkeys(("cifar_vgg16", "cifar_resnet20", "cifar_resnet34", "cifar_vit"), (1, 32)),
    **dict.fromkeys(("timm/convnext_atto", "timm/vit_tiny_patch16_224", "timm/efficientnet_b0"), (2, 224)),
}


@pytest.mark.parametrize("name", TABLE)
def test_networks_of_our_table_with_an_example(name):
    frames, size = TABLE[name]
    model = damage(vidsparse.create_model(name, 5, frames, size), columns=0.05)
    x = torch.randn(1, 3, frames, size, size).double()
    small = compact(model, x)
    assert_same(model, small, x)
    assert weights(small) < 0.8 * weights(model)
