"""Which parameters can be sparse, and masks as bits."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from vidsparse.sparsity.weight_transforms import trained
from vidsparse.utils.errors import ConfigError

_NEVER = (nn.Embedding, nn.EmbeddingBag, _NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


def prunable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Trainable weights of convolutions, linear layers and attention projections, {name: parameter}, tied ones once.

    Where a weight is computed from a trained tensor of its shape (weight_norm, parametrizations) it is that tensor.
    Never those of norms and embeddings, also where a linear layer shares one, nor position tables.
    """
    never = {id(p) for module in model.modules() if isinstance(module, _NEVER) for p in module.parameters()}
    found: dict[str, nn.Parameter] = {}
    for prefix, module in model.named_modules():
        for name, weight in trained(module):
            if isinstance(weight, nn.Parameter) and weight.requires_grad and id(weight) not in never:
                never.add(id(weight))
                found[f"{prefix}.{name}" if prefix else name] = weight
    return found


def computed(model: nn.Module) -> list[str]:
    """Names of weights of such layers that are computed, and from no trained tensor of their shape."""
    names = ((prefix, name, weight) for prefix, module in model.named_modules() for name, weight in trained(module))
    return [f"{prefix}.{name}" if prefix else name for prefix, name, weight in names if weight is None]


def pack(mask: Tensor) -> Tensor:
    """A mask as bits: uint8 (ceil(n / 8),), the first weight in the lowest bit, on the CPU."""
    return bits(mask).cpu()


def bits(mask: Tensor) -> Tensor:
    """The same on the device of the mask."""
    if mask.is_cpu:
        present = mask if mask.dtype == torch.bool else mask != 0
        return torch.from_numpy(np.packbits(present.numpy(), bitorder="little"))
    return packed_by_sums(mask)


def packed_by_sums(mask: Tensor) -> Tensor:
    """`bits` in torch's own steps, for devices that NumPy does not reach."""
    flat = nn.functional.pad((mask != 0).flatten(), (0, -mask.numel() % 8)).view(-1, 8)
    return (flat * (2 ** torch.arange(8, device=mask.device)).to(torch.uint8)).sum(1, dtype=torch.uint8)


def unpack(packed: Tensor, like: Tensor) -> Tensor:
    """The inverse of `pack`: a mask with the shape, dtype and device of `like`; a wrong length is a ConfigError."""
    if packed.numel() != -(-like.numel() // 8):
        raise ConfigError(f"a saved mask of {packed.numel()} bytes does not fit a weight of shape {tuple(like.shape)}")
    bits = np.unpackbits(packed.cpu().numpy(), count=like.numel(), bitorder="little")
    return torch.from_numpy(bits).view(like.shape).to(like)
