"""Make a sparse network smaller: take out the channels that are never written or never read, exactly.

A channel goes when every layer that reads it has only zero weights on it, or when it always carries one constant, as
that of a neuron whose incoming weights are all zero does. The constant moves into the biases of the layers that read
it. Where a layer pads its input with zeros, a constant channel is none at the border: there one such channel stays and
takes over the others' weights, in proportion.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from vidsparse.sparsity.channels.attention import with_fewer
from vidsparse.sparsity.channels.channel_graph import Network, trace_channels
from vidsparse.sparsity.channels.channel_sets import Bools, Ints, Layer
from vidsparse.sparsity.heads import example_input
from vidsparse.sparsity.layer_selection import unwrap

_TOLERANCE = 1e-5  # of outputs, relative to the largest


@dataclass(frozen=True)
class Compaction:
    """A smaller model in evaluation mode and what was done: channels {layer: (before, now)} that each layer reads and
    writes, and why modules, or dead channels of theirs, were left alone, {module name: reason}.
    """

    model: nn.Module
    reads: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    writes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    left_alone: Mapping[str, str] = field(default_factory=dict)


def compact(model: nn.Module, example: Tensor | Sequence[int] | None = None) -> nn.Module:
    """An equivalent smaller dense model, in evaluation mode; `model` is not changed. See `compaction`.

    >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> model[0].weight.data[:2] = 0
    >>> compact(model)
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): ReLU()
      (2): Linear(in_features=2, out_features=2, bias=True)
    )
    """
    return compaction(model, example).model


@torch.no_grad()
def compaction(model: nn.Module, example: Tensor | Sequence[int] | None = None) -> Compaction:
    """Take dead channels out of a copy of `model`, and say what was done and what was left alone.

    In evaluation mode the copy computes the same up to rounding. Its modules have the names they had, and their types
    but for the attention of TimeSformer and Swin; some parameters are smaller, some biases new. Channels that are added
    to others (residual connections) go where all of them are dead, those of grouped and depthwise kernels group by
    group, those of attention head by head (see `attention_kinds`); layer norms, other attention and whatever torch.fx
    cannot trace keep theirs.

    Args:
        model: any module; `sparsify`'s zeros are found by value, masks are not needed.
        example: an input, or its shape; models of `create_model` bring one. With one, networks that ask for lengths can
            be traced too (then the copy is for inputs of that shape), and the copy is compared with the model on it;
            one that differs is not returned.

    >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> model[0].weight.data[:2] = 0
    >>> compaction(model).writes
    {'0': (4, 2), '2': (2, 2)}
    """
    model = unwrap(model)
    small, example = deepcopy(model).eval(), example_input(model, example)
    network = trace_channels(small, example)
    plan = _Plan(network)
    sizes = {name: (plan.kept[layer.reads.ids], plan.kept[layer.writes]) for name, layer in network.layers.items()}
    left = {**network.opaque, **plan.left_alone()}
    _cut(network, plan)
    for name, heads in network.heads.items():
        with_fewer(small, name, heads, plan.kept[heads.ids[:, 0]])
    if example is not None and not _same(deepcopy(model).eval(), small, example):
        return Compaction(deepcopy(model).eval(), left_alone={"": "a smaller copy did not compute the same"})
    reads, writes = (
        {name: (len(both[side]), int(both[side].sum())) for name, both in sizes.items()} for side in (0, 1)
    )
    return Compaction(small, reads, writes, left)


class _Plan:
    """Which channels stay: the fewest that satisfy all conditions, found by keeping only what some condition asks for.

    `kept` is a bool for every channel id. What only feeds channels that go is not asked for, also where channels feed
    each other in a circle.
    """

    def __init__(self, network: Network) -> None:
        self._layers, self._roots = network.layers, network.classes.roots()
        self._reasons = network.classes.pinned()
        self._kept = np.zeros(len(self._roots), dtype=bool)  # by class
        self._kept[list(self._reasons)] = True
        while self._keep_needed() or self._keep_one():
            pass
        self.kept: Bools = self._kept[self._roots]

    def needed(self, layer: Layer) -> Bools:
        """Which input channels (in,) the kept outputs of a layer have weights on."""
        rows = layer.nonzero & self._kept[self._roots[layer.writes], None]
        return np.asarray(rows.reshape(layer.groups, -1, rows.shape[1]).any(1).flatten())

    def stand_in(self, layer: Layer) -> int | None:
        """The place of the kept constant that takes over those that go where the input is padded; None: nothing does.

        It is that of the largest absolute value, so that weights grow little.
        """
        values = np.nan_to_num(layer.reads.values) * self._kept[self._roots[layer.reads.ids]]
        return int(np.abs(values).argmax()) if layer.padded and values.any() else None

    def left_alone(self) -> dict[str, str]:
        """{layer: why channels stay to which it writes nothing but a bias}."""
        found = {}
        for name, layer in self._layers.items():
            dead = self._roots[layer.writes[~layer.nonzero.any(1)]]
            stay = [self._reasons.get(each, "others write them too") for each in dead[self._kept[dead]].tolist()]
            if stay:
                found[name] = f"{len(stay)} of {len(dead)} dead outputs stay: {', '.join(dict.fromkeys(stay))}"
        return found

    def _keep_needed(self) -> bool:
        before = self._kept.sum()
        for layer in self._layers.values():
            reads = self._roots[layer.reads.ids]
            self._kept[reads[self.needed(layer) & np.isnan(layer.reads.values)]] = True
            if layer.groups > 1:
                self._keep_whole_groups(reads, self._roots[layer.writes], layer.groups)
        return bool(self._kept.sum() > before)

    def _keep_whole_groups(self, reads: Ints, writes: Ints, groups: int) -> None:
        members = np.concatenate([reads.reshape(groups, -1), writes.reshape(groups, -1)], axis=1)
        alive = members[self._kept[members].any(1)].flatten()
        for each in alive[~self._kept[alive]].tolist():
            self._reasons.setdefault(each, "groups of channels go as a whole")
        self._kept[alive] = True

    def _keep_one(self) -> bool:
        """Keep a channel of the first layer that would lose all, or a constant of the first that needs a stand-in."""
        for layer in self._layers.values():
            reads, writes = self._roots[layer.reads.ids], self._roots[layer.writes]
            constants = np.nan_to_num(layer.reads.values) * (self.needed(layer) & ~self._kept[reads])
            if not self._kept[writes].any():
                chosen, why = int(writes[0]), "a layer keeps at least one channel"
            elif layer.padded and constants.any() and self.stand_in(layer) is None:
                chosen, why = int(reads[np.abs(constants).argmax()]), "it stands in for other constant channels"
            else:
                continue
            self._kept[chosen] = True
            self._reasons.setdefault(chosen, why)
            return True
        return False


def _cut(network: Network, plan: _Plan) -> None:
    """Make the weights of all layers and norms smaller, in place."""
    for layer in network.layers.values():
        _fold_constants(layer, plan)
    for layer in network.layers.values():
        _cut_layer(layer, plan.kept[layer.reads.ids], plan.kept[layer.writes])
    for norm, ids in network.norms.values():
        for tensors in (norm._parameters, norm._buffers):
            for name, tensor in tensors.items():
                if tensor is not None and tensor.shape == (len(ids),):
                    tensors[name] = _like(tensor, tensor[_index(plan.kept[ids], tensor)])
        norm.num_features = int(plan.kept[ids].sum())


def _fold_constants(layer: Layer, plan: _Plan) -> None:
    """Give what constant channels contribute to what stays: to the bias, or to the weights of the stand-in."""
    constants = np.nan_to_num(layer.reads.values) * (plan.needed(layer) & ~plan.kept[layer.reads.ids])
    if not constants.any():
        return
    module: Any = layer.module
    weight, place = module.weight.detach(), plan.stand_in(layer)
    where = torch.from_numpy(constants.nonzero()[0]).to(weight.device)
    values = torch.from_numpy(constants).to(weight.device)[where]
    blocks = weight.reshape(len(weight), len(constants), -1)
    folded = torch.einsum("oik,i->ok", blocks[:, where].double(), values)
    if place is not None:
        taken = blocks.clone()
        taken[:, place] += (folded / float(layer.reads.values[place])).to(weight.dtype)
        module.weight = _like(module.weight, taken.reshape(weight.shape))
        return
    bias = folded.sum(1)
    if module.bias is None:
        module.bias = nn.Parameter(bias.to(weight.dtype), requires_grad=module.weight.requires_grad)
    else:
        module.bias = _like(module.bias, module.bias.double() + bias)


def _cut_layer(layer: Layer, reads: Bools, writes: Bools) -> None:
    module: Any = layer.module
    rows = module.weight.detach()[_index(writes, module.weight)]
    if isinstance(module, nn.Linear):
        columns = np.repeat(reads, module.in_features // len(reads))
        weight = rows[:, _index(columns, rows)]
        module.in_features, module.out_features = weight.shape[1], len(weight)
    else:
        weight = rows[:, _index(reads, rows)] if layer.groups == 1 else rows
        module.groups = int(reads.reshape(layer.groups, -1)[:, 0].sum()) if layer.groups > 1 else 1
        module.in_channels, module.out_channels = weight.shape[1] * module.groups, len(weight)
    module.weight = _like(module.weight, weight)
    if module.bias is not None:
        module.bias = _like(module.bias, module.bias.detach()[_index(writes, module.bias)])


def _index(kept: Bools, like: Tensor) -> Tensor:
    return torch.from_numpy(kept.nonzero()[0]).to(like.device)


def _like(old: Tensor, new: Tensor) -> Any:
    """`new` as what `old` is: a parameter or a buffer, of its type and memory layout."""
    layout = {4: torch.channels_last, 5: torch.channels_last_3d}.get(old.dim(), torch.contiguous_format)
    kept = layout if old.is_contiguous(memory_format=layout) and not old.is_contiguous() else torch.contiguous_format
    new = new.to(old.dtype).contiguous(memory_format=kept)
    return nn.Parameter(new, requires_grad=old.requires_grad) if isinstance(old, nn.Parameter) else new


def _same(model: nn.Module, small: nn.Module, example: Tensor) -> bool:
    """Whether two models give the same tensors for an input, but for rounding."""
    both = [[each for each in tree_leaves(net(example)) if isinstance(each, Tensor)] for net in (model, small)]
    pairs = list(zip(*both, strict=True))
    return all(bool((a - b).abs().max() <= _TOLERANCE * a.abs().max().clamp(min=1)) for a, b in pairs)
