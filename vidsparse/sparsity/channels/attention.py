"""Heads of self-attention as channels: queries, keys, values and what is read of a head stay or go together."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, fx, nn

from vidsparse.sparsity.attention_kinds import AttentionKind
from vidsparse.sparsity.channels.channel_sets import Bools, Classes, Ints, View
from vidsparse.sparsity.channels.window_attention import WindowAttention


@dataclass(frozen=True)
class Heads:
    """A self-attention module of a known kind with the channels of each of its heads: (heads, 3 · size)."""

    module: nn.Module
    kind: AttentionKind
    ids: Ints


Follow = Callable[[str, nn.Module, View | None], View | str]


def followed(module: nn.Module, kind: AttentionKind, view: View | None, follow: Follow,
             classes: Classes) -> tuple[View, Heads] | str:  # fmt: skip
    """The channels that a self-attention module makes of those it reads, and its heads; a string says why not.

    A channel of the values that is constant stays so: attention takes means whose weights sum to 1. `follow` is the
    rule of a linear layer: of its name in the module, itself and what it reads.
    """
    written: list[View] = []
    for name in kind.projections:
        made = follow(name, module.get_submodule(name), view)
        if isinstance(made, str):
            return _left(made, written, classes)
        written.append(made)
    heads = int(getattr(module, kind.heads))
    ids, values = (np.concatenate([getattr(each, side) for each in written]) for side in ("ids", "values"))
    if heads < 1 or len(ids) % (3 * heads):
        return _left("its heads are not of one size", written, classes)
    by_head = ids.reshape(3, heads, -1).transpose(1, 0, 2).reshape(heads, -1)
    for each in by_head:
        classes.bind(np.full(len(each) - 1, each[0]), each[1:])
    third = len(ids) // 3
    mixed = View(ids[-third:], values[-third:] if kind.means else np.full(third, np.nan), -1, 3)
    result = follow(kind.output, module.get_submodule(kind.output), mixed) if kind.output else mixed
    if isinstance(result, str):
        return _left(result, written, classes)
    return result, Heads(module, kind, by_head)


def _left(why: str, written: list[View], classes: Classes) -> str:
    """The reason why a module is left alone, given to the channels that it has already written."""
    for view in written:
        classes.pin(view.ids, why)
    return why


def is_plain(node: fx.Node, kind: AttentionKind) -> bool:
    """Whether attention is given one tensor, and lengths where it takes them, and nothing else but None or False, also
    as defaults of the network.
    """
    settings = [*node.args[2 if kind.gives == "with lengths" else 1 :], *node.kwargs.values()]
    defaults = [each.args[0] if isinstance(each, fx.Node) and each.op == "placeholder" and each.args else each
                for each in settings]  # fmt: skip
    return len(node.args) > 0 and all(each is None or each is False for each in defaults)


def part(node: fx.Node, heads: Mapping[str, Heads]) -> Literal["result", "nothing"] | None:
    """What a step picks out of what a followed attention module gives; "nothing": weights that nobody uses, or lengths.

    None for any other step, and for weights that are used: they say how many heads there are.
    """
    source = node.args[0] if node.target is operator.getitem and len(node.args) == 2 else None
    found = heads.get(str(source.target)) if isinstance(source, fx.Node) and source.op == "call_module" else None
    if found is None or found.kind.gives == "tensor":
        return None
    place = node.args[1]
    if place == 0:
        return "result"
    if found.kind.gives == "with lengths":
        return "nothing"
    behind = place if isinstance(place, int) else place.start if isinstance(place, slice) else 0
    unused = not node.users or found.kind.gives == "tuple of one"
    return "nothing" if isinstance(behind, int) and behind > 0 and unused else None


def with_fewer(model: nn.Module, name: str, heads: Heads, kept: Bools) -> None:
    """Tell an attention module, whose layers have been cut, how many of its heads (heads,) are left, in place."""
    module: Any = heads.module
    left, size = int(kept.sum()), heads.ids.shape[1] // 3
    if left == len(kept):
        return
    if heads.kind.table:
        table = getattr(module, heads.kind.table)
        shorter = table.detach()[..., torch.from_numpy(kept).to(table.device)]
        setattr(module, heads.kind.table, nn.Parameter(shorter, requires_grad=table.requires_grad))
    if heads.kind.stand_in == "tokens":
        model.set_submodule(name, SelfAttention(module.qkv, left, module.scale, module.attn_drop))
    elif heads.kind.stand_in == "windows":
        model.set_submodule(name, WindowAttention(module, left))
    else:
        setattr(module, heads.kind.heads, left)
    if heads.kind.width:
        setattr(module, heads.kind.width, left * size)


class SelfAttention(nn.Module):
    """Self-attention of `num_heads` heads, however wide its input is: (B, N, width) to ((B, N, heads · size),).

    It stands in for one whose forward pass takes the size of a head from the width of its input.

    Args:
        qkv: queries, keys and values of all heads, in this order: width to 3 · heads · size.
        scale: what products of queries and keys are multiplied by.
        attn_drop: dropout of attention weights.
    """

    def __init__(self, qkv: nn.Linear, num_heads: int, scale: float, attn_drop: nn.Dropout) -> None:
        super().__init__()
        self.qkv, self.num_heads, self.scale, self.attn_drop = qkv, num_heads, scale, attn_drop

    def forward(self, hidden_states: Tensor, output_attentions: bool = False) -> tuple[Tensor, ...]:
        """Tokens (B, N, width) to those that attended, with the weights (B, heads, N, N) behind them if asked for."""
        batch, tokens, _ = hidden_states.shape
        whole = self.qkv(hidden_states).reshape(batch, tokens, 3, self.num_heads, -1)
        query, key, value = whole.permute(2, 0, 3, 1, 4).unbind(0)
        weights = self.attn_drop(((query @ key.transpose(-2, -1)) * self.scale).softmax(dim=-1))
        mixed = (weights @ value).transpose(1, 2).reshape(batch, tokens, -1)
        return (mixed, weights) if output_attentions else (mixed,)
