"""Attention within shifted windows of a clip, of any number of heads: for a Swin transformer that has lost some."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WindowAttention(nn.Module):
    """Self-attention within windows of tokens (B, T, H, W, width), which torchvision's divides among all heads.

    Tokens lie in windows that are shifted by half a window in every second block (Liu et al. 2022, Video Swin
    Transformer, section 3.2). It reads its input and learned biases as `module` does and writes as many channels.

    Args:
        module: a `ShiftedWindowAttention3d` of torchvision, whose layers and table have been cut; not changed.
        num_heads: how many heads are left in them.
    """

    def __init__(self, module: Any, num_heads: int) -> None:
        super().__init__()
        self.window_size, self.shift_size, self.num_heads = module.window_size, module.shift_size, num_heads
        self.attention_dropout, self.dropout = module.attention_dropout, module.dropout
        self.qkv, self.proj = module.qkv, module.proj
        self.relative_position_bias_table = module.relative_position_bias_table
        self.register_buffer("relative_position_index", module.relative_position_index)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (B, T, H, W, width) to those that attended, of the same shape."""
        sides = x.shape[1:4]
        window = [min(size, side) for size, side in zip(self.window_size, sides, strict=True)]
        fits = [side <= size for size, side in zip(self.window_size, sides, strict=True)]
        shift = [0 if whole else by for by, whole in zip(self.shift_size, fits, strict=True)]
        ends = [-side % size for side, size in zip(sides, window, strict=True)]
        padded = [side + end for side, end in zip(sides, ends, strict=True)]
        x = F.pad(x, (0, 0, 0, ends[2], 0, ends[1], 0, ends[0]))
        x = x.roll([-by for by in shift], (1, 2, 3))
        x = _joined(self._attend(_windows(x, window), padded, window, shift), padded, window)
        x = x.roll(shift, (1, 2, 3))
        return x[:, : sides[0], : sides[1], : sides[2]].contiguous()

    def _attend(self, tokens: Tensor, padded: list[int], window: list[int], shift: list[int]) -> Tensor:
        """(B, windows, tokens, width) to the same."""
        query, key, value = self.qkv(tokens).unflatten(-1, (3, self.num_heads, -1)).permute(3, 0, 1, 4, 2, 5).unbind(0)
        bias = self._bias(tokens.shape[2])
        if any(shift):
            bias = bias + _apart(padded, window, shift, tokens)
        drop = self.attention_dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, bias, drop)
        return F.dropout(self.proj(mixed.transpose(2, 3).flatten(3)), self.dropout, self.training)

    def _bias(self, count: int) -> Tensor:
        """What is learned for each pair of places in a window: (heads, tokens, tokens)."""
        index: Any = self.relative_position_index
        pairs: Tensor = self.relative_position_bias_table[index[:count, :count].flatten()]
        return pairs.view(count, count, -1).permute(2, 0, 1)


def _windows(x: Tensor, window: Sequence[int]) -> Tensor:
    """(B, T, H, W, C) to (B, windows, tokens, C)."""
    for axis, size in zip((1, 3, 5), window, strict=True):
        x = x.unflatten(axis, (-1, size))
    return x.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(1, 3)


def _joined(tokens: Tensor, sides: Sequence[int], window: Sequence[int]) -> Tensor:
    """The inverse of `_windows`, for a clip of these sides."""
    counts = [side // size for side, size in zip(sides, window, strict=True)]
    x: Tensor = tokens.unflatten(2, window).unflatten(1, counts).permute(0, 1, 4, 2, 5, 3, 6, 7)
    return x.flatten(5, 6).flatten(3, 4).flatten(1, 2)


def _apart(sides: Sequence[int], window: Sequence[int], shift: Sequence[int], like: Tensor) -> Tensor:
    """-100 for pairs in a window that the shift brought together from opposite ends: (windows, 1, tokens, tokens)."""
    regions = torch.zeros(*sides, 1, device=like.device, dtype=like.dtype)
    for axis, (side, size, by) in enumerate(zip(sides, window, shift, strict=True)):
        if by:
            places = torch.arange(side, device=like.device)
            part = (places >= side - size).to(like.dtype) + (places >= side - by).to(like.dtype)
            regions = 3 * regions + part.view([-1 if each == axis else 1 for each in range(4)])
    labels = _windows(regions.unsqueeze(0), window)[0, :, :, 0]
    return (labels.unsqueeze(1) != labels.unsqueeze(2)).to(like.dtype).mul(-100).unsqueeze(1)
