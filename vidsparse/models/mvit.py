"""Multiscale vision transformers. Their position embeddings are made for one clip length and size, given at birth."""

import warnings
from typing import Any

import torch
from torch import nn

from vidsparse.models.adapt import adapted, even_frames

_PAIR = 2  # frames that the first convolution makes one


def build_torchvision(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """mvit_v1_b or mvit_v2_s of torchvision for clips of `frames` x `size`; its own builders take no other size."""
    from torchvision.models import video

    blocks: list[dict[str, Any]] = []

    def record(**settings: Any) -> nn.Module:
        blocks.append(settings)
        return nn.Identity()

    with torch.device("meta"):
        getattr(video, name)(weights=None, block=record)
    last = blocks[-1]  # the stochastic depth grows from block to block up to the network's own
    same = ("residual_pool", "residual_with_cls_embed", "rel_pos_embed", "proj_after_attn", "stochastic_depth_prob")
    model: nn.Module = video.MViT(
        spatial_size=(size, size),
        temporal_size=_even(frames),
        block_setting=[block["cnf"] for block in blocks],
        num_classes=num_classes,
        **{key: last[key] for key in same},
    )
    return adapted(model, even_frames)


def build_pytorchvideo(name: str, num_classes: int, frames: int, size: int) -> nn.Module:
    """mvit_base_16x4 of pytorchvideo for clips of `frames` x `size`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script.*is deprecated", DeprecationWarning)
        from pytorchvideo.models import hub

    settings = {"spatial_size": size, "temporal_size": _even(frames), "head_num_classes": num_classes}
    wanted = torch.get_default_device()
    with torch.device("cpu"):  # its builder reads numbers out of tensors, which the meta device has not
        model: nn.Module = getattr(hub, name)(pretrained=False, **settings)
    return adapted(model.to(wanted), even_frames)


def _even(frames: int) -> int:
    return frames + frames % _PAIR
