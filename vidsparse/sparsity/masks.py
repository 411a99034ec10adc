"""Which parameters can be sparse, and masks as bits."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from vidsparse.errors import ConfigError

_PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
_NEVER = (nn.Embedding, nn.EmbeddingBag, _NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def prunable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable weights of convolutions, linear layers and attention projections, {name: parameter}, tied ones once.

    Never those of norms and embeddings, also where a linear layer shares one, nor position tables.
    """
    never = {id(p) for module in model.modules() if isinstance(module, _NEVER) for p in module.parameters()}
    found: dict[str, nn.Parameter] = {}
    for prefix, module in model.named_modules():
        kinds: tuple[str, ...] = ()
        if isinstance(module, _ConvNd | nn.Linear):
            kinds = ("weight",)
        elif isinstance(module, nn.MultiheadAttention):
            kinds = _PROJECTIONS
        for kind in kinds:
            weight = getattr(module, kind)
            if isinstance(weight, nn.Parameter) and weight.requires_grad and id(weight) not in never:
                never.add(id(weight))
                found[f"{prefix}.{kind}" if prefix else kind] = weight
    return found


def pack(mask: Tensor) -> Tensor:
    """A mask as bits: uint8 (ceil(n / 8),), the first weight in the lowest bit, on the CPU."""
    return torch.from_numpy(np.packbits((mask != 0).cpu().numpy(), bitorder="little"))


def unpack(packed: Tensor, like: Tensor) -> Tensor:
    """The inverse of `pack`: a mask with the shape, dtype and device of `like`; a wrong length is a ConfigError."""
    if packed.numel() != -(-like.numel() // 8):
        raise ConfigError(f"a saved mask of {packed.numel()} bytes does not fit a weight of shape {tuple(like.shape)}")
    bits = np.unpackbits(packed.cpu().numpy(), count=like.numel(), bitorder="little")
    return torch.from_numpy(bits).view(like.shape).to(like)
