"""The networks of torchvision and pytorchvideo as they build them, which ours are compared with."""

import warnings
from importlib import import_module

import torch
from torch import nn

TORCHVISION = ("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "swin3d_t", "mvit_v1_b", "mvit_v2_s")
PYTORCHVIDEO = (
    "slow_r50", "slowfast_r50", "i3d_r50", "c2d_r50", "csn_r101", "r2plus1d_r50", "x3d_xs", "x3d_s", "x3d_m"
)  # fmt: skip


def stock(name: str) -> nn.Module:
    """The network as its library builds it, for 5 classes; x3d and r2plus1d_r50 with their softmax."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
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
