"""Self-attention modules that are known by their class: where queries, keys, values and heads stand in each."""

from dataclasses import dataclass
from typing import Literal

from torch import nn


@dataclass(frozen=True)
class AttentionKind:
    """One class of self-attention.

    `projections`: its linear layers of queries, keys and values, one name where they are one layer, in this order;
    `heads`: the attribute that counts heads; `width`: the one that is heads times their size, where there is one;
    `output`: the linear layer that mixes the heads, where it is a part of this module; `gives`: what the forward pass
    returns where it is not asked for attention weights ("pair": they come behind it all the same; "with lengths": those
    of the tokens do, which are an input too); `of_each_head`: parts and parameters that see one head at a time and are
    the same for all; `table`: a parameter whose last axis is that of heads; `means`: whether it gives weighted means of
    values and nothing else; `stand_in`: what takes its place where it has lost heads, for one that takes the size of a
    head from its input's width.
    """

    projections: tuple[str, ...]
    heads: str
    width: str | None = None
    output: str | None = None
    gives: Literal["tensor", "tuple of one", "pair", "with lengths"] = "tensor"
    of_each_head: tuple[str, ...] = ("q_norm", "k_norm")
    table: str | None = None
    means: bool = True
    stand_in: Literal["tokens", "windows"] | None = None


_HUGGING_FACE, _TORCHVISION = "transformers.models", "torchvision.models.video"
_KINDS = {
    "timm.layers.attention.Attention": AttentionKind(("qkv",), "num_heads", "attn_dim", "proj"),
    f"{_HUGGING_FACE}.timesformer.modeling_timesformer.TimesformerSelfAttention": AttentionKind(
        ("qkv",), "num_heads", gives="tuple of one", stand_in="tokens"
    ),
    f"{_HUGGING_FACE}.videomae.modeling_videomae.VideoMAESelfAttention": AttentionKind(
        ("query", "key", "value"), "num_attention_heads", "all_head_size", gives="pair"
    ),
    f"{_HUGGING_FACE}.vivit.modeling_vivit.VivitAttention": AttentionKind(
        ("q_proj", "k_proj", "v_proj"), "num_attention_heads", output="o_proj", gives="pair"
    ),
    f"{_TORCHVISION}.swin_transformer.ShiftedWindowAttention3d": AttentionKind(
        ("qkv",), "num_heads", output="proj", table="relative_position_bias_table", stand_in="windows"
    ),
    f"{_TORCHVISION}.mvit.MultiscaleAttention": AttentionKind(
        ("qkv",), "num_heads", "output_dim", "project.0", gives="with lengths", means=False,
        of_each_head=("pool_q", "pool_k", "pool_v", "rel_pos_h", "rel_pos_w", "rel_pos_t"),
    ),
}  # fmt: skip


def attention_kind(module: nn.Module) -> AttentionKind | None:
    """The kind of a self-attention module; None for any other, a class derived from it, and one with further parts.

    >>> attention_kind(nn.MultiheadAttention(8, 2)) is None
    True
    """
    kind = _KINDS.get(f"{type(module).__module__}.{type(module).__qualname__}")
    if kind is None or not all(hasattr(module, name) for name in (kind.heads, kind.width) if name):
        return None
    layers = [_part(module, name) for name in (*kind.projections, kind.output) if name]
    if not all(isinstance(each, nn.Linear) for each in layers):
        return None
    known = {*kind.of_each_head, kind.table}
    others = [each for name, each in module.named_children() if name not in known]
    within = [each for other in others for each in other.modules() if not isinstance(each, nn.Sequential)]
    whole = all(each in layers or isinstance(each, nn.Identity | nn.Dropout) for each in within)
    return kind if whole and module._parameters.keys() <= known else None


def _part(module: nn.Module, name: str) -> nn.Module | None:
    """A module within another; None where there is none of this name."""
    try:
        return module.get_submodule(name)
    except AttributeError:
        return None
