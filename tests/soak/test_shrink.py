"""More networks compute the same after compaction, ablated by half and by a tenth."""

import pytest
import torch

from ablated import assert_same, build, damage, weights
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
