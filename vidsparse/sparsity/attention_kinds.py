"""Self-attention modules that are known by their class: where queries, keys, values and heads stand in each."""

from dataclasses import dataclass
from typing import Any, Literal

from torch import nn


@dataclass(frozen=True)
class AttentionKind:
    """One class of self-attention.

    `projections`: its linear layers of queries, keys and values, one name where they are one layer, in this order;
    `heads`: the attribute that counts heads; `width`: the one that is heads times their size, where there is one;
    `output`: the linear layer that mixes the heads, where it is a part of this module; `gives`: what the forward pass
    returns where it is not asked for attention weights ("pair": they come behind it all the same); `reads_width`:
    whether it takes the size of a head from its input's width, so that it can have no fewer heads than that has room
    for.
    """

    projections: tuple[str, ...]
    heads: str
    width: str | None = None
    output: str | None = None
    gives: Literal["tensor", "tuple of one", "pair"] = "tensor"
    reads_width: bool = False


_HUGGING_FACE = "transformers.models"
_KINDS = {
    "timm.layers.attention.Attention": AttentionKind(("qkv",), "num_heads", "attn_dim", "proj"),
    f"{_HUGGING_FACE}.timesformer.modeling_timesformer.TimesformerSelfAttention": AttentionKind(
        ("qkv",), "num_heads", gives="tuple of one", reads_width=True
    ),
    f"{_HUGGING_FACE}.videomae.modeling_videomae.VideoMAESelfAttention": AttentionKind(
        ("query", "key", "value"), "num_attention_heads", "all_head_size", gives="pair"
    ),
    f"{_HUGGING_FACE}.vivit.modeling_vivit.VivitAttention": AttentionKind(
        ("q_proj", "k_proj", "v_proj"), "num_attention_heads", output="o_proj", gives="pair"
    ),
}
_OF_EACH_HEAD = ("q_norm", "k_norm")  # they see one head at a time, and are the same for all


def attention_kind(module: nn.Module) -> AttentionKind | None:
    """The kind of a self-attention module; None for any other, a class derived from it, and one with further parts.

    >>> attention_kind(nn.MultiheadAttention(8, 2)) is None
    True
    """
    kind = _KINDS.get(f"{type(module).__module__}.{type(module).__qualname__}")
    if kind is None or not all(hasattr(module, name) for name in (kind.heads, kind.width) if name):
        return None
    named: dict[str, Any] = dict(module.named_children())
    known = {*kind.projections, kind.output, *_OF_EACH_HEAD}
    others = [each for name, each in named.items() if name not in known]
    if not all(isinstance(named.get(name), nn.Linear) for name in (*kind.projections, kind.output) if name):
        return None
    whole = all(isinstance(each, nn.Identity | nn.Dropout) for each in others)
    return kind if whole and not module._parameters else None
