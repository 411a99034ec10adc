"""Channels that several layers share, as a topology takes them out: all of one stream's layers lose the same ones.

They are found on the graph of the network (`trace_channels`): a channel is a class of places in its tensors that stay
or go together, along residual sums, gates, concatenations and the blocks of grouped kernels. One can go where only
layers with a mask write and read it.
"""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import ceil, floor, gcd, prod

import numpy as np
import torch
from torch import Tensor, nn

from vidsparse.sparsity.channel_rule import ChannelRule
from vidsparse.sparsity.channels.channel_graph import trace_channels
from vidsparse.sparsity.channels.channel_sets import Bools, Floats, Ints
from vidsparse.sparsity.channels.channel_sets import Layer as GraphLayer
from vidsparse.sparsity.heads import example_input
from vidsparse.sparsity.scores import Candidates


@dataclass(frozen=True)
class Ends:
    """The channel at each output (out,) and input (in / groups,) of a weight, -1 where it never goes."""

    writes: Ints
    reads: Ints


@dataclass(frozen=True)
class Channels:
    """`ends` of each masked weight; `streams`: the channels that can go, by the layers that write them.

    What goes as one counts as one channel, also the block of a grouped kernel; `widths` says of how many outputs of a
    layer one consists in each stream.
    """

    ends: Mapping[str, Ends]
    streams: tuple[Ints, ...]
    widths: tuple[int, ...]
    count: int
    why_none: str = ""  # where there is no stream

    @classmethod
    def of(cls, model: nn.Module, masked: Collection[str]) -> "Channels":
        """Those of a model whose weights of these names have masks."""
        copied = deepcopy(model).eval()
        network = trace_channels(copied, example_input(copied))
        layers = {f"{name}.weight".removeprefix("."): layer for name, layer in network.layers.items()}
        units = _units(network.classes.roots(), network.layers.values())
        fixed = {int(units[each]) for each in network.classes.pinned()}
        for name, layer in layers.items():
            if name not in masked:
                fixed |= {*units[layer.writes].tolist(), *units[layer.reads.ids].tolist()}
        writers: dict[int, tuple[str, ...]] = {}
        readers = {unit for layer in layers.values() for unit in units[layer.reads.ids].tolist()}
        for name, layer in layers.items():
            for unit in dict.fromkeys(units[layer.writes].tolist()):
                writers[unit] = (*writers.get(unit, ()), name)
        free = [unit for unit in writers if unit in readers and unit not in fixed]
        streams: dict[tuple[str, ...], list[int]] = {}
        for unit in free:
            streams.setdefault(writers[unit], []).append(unit)
        allowed = np.isin(units, free)
        place = np.where(allowed, units, -1)
        ends = {name: _ends(layer, place) for name, layer in layers.items() if name in masked}
        why = next(iter((*network.opaque.values(), *network.classes.pinned().values())), "it has a single layer")
        found = tuple(np.array(each) for each in streams.values())
        wide = (int(np.isin(place[layers[who[0]].writes], each).sum()) for who, each in streams.items())
        widths = tuple(number // len(each) for number, each in zip(wide, found, strict=True))
        return cls(ends, found, widths, len(units), why)

    def worth(self, layers: Mapping[str, Candidates], rule: ChannelRule) -> Floats:
        """How much each channel is worth (count,), see `ChannelRule`; 0 for what is no number."""
        total, present = np.zeros(self.count), np.zeros(self.count)
        for name, ends in self.ends.items():
            size, active = layers[name].weight.abs(), layers[name].active
            sides = ((ends.writes, 0), (ends.reads, 1)) if rule.worth == "sum over all" else ((ends.writes, 0),)
            for places, axis in sides:
                others = [other for other in range(size.dim()) if other != axis]
                here = places >= 0
                np.add.at(total, places[here], size.sum(others, dtype=torch.float64).cpu().numpy()[here])
                np.add.at(present, places[here], active.sum(others).cpu().numpy()[here])
        return np.nan_to_num(total if rule.worth == "sum over all" else total / np.maximum(present, 1))

    def evenly_worth(self) -> Floats:
        """A worth (count,) of which every stream has as many low ones as the others, in proportion."""
        worth = np.zeros(self.count)
        for stream in self.streams:
            worth[stream] = np.linspace(0, 1, len(stream))
        return worth

    def gone(self, worth: Floats, share: float, rule: ChannelRule, settings: Mapping[str, float]) -> Bools:
        """Which channels (count,) go: those of least worth, as many as `share` says; of equals the earlier."""
        multiple, least = int(settings["channel_multiple"]), settings["channel_least"]
        steps = [multiple // gcd(multiple, width) for width in self.widths]
        most = [_fewer(len(stream), 1 - least, step) for stream, step in zip(self.streams, steps, strict=True)]
        gone = np.zeros(self.count, dtype=bool)
        ranked = [stream[np.argsort(worth[stream], kind="stable")] for stream in self.streams]
        if rule.across and self.streams:
            open_to_all = np.concatenate([each[:number] for each, number in zip(ranked, most, strict=True)])
            wanted = min(len(open_to_all), floor(share * sum(map(len, self.streams)) + 1e-9))
            gone[open_to_all[np.argsort(worth[open_to_all], kind="stable")[:wanted]]] = True
            shares = [gone[each].mean() for each in ranked]
            gone[:] = False
        else:
            shares = [share] * len(ranked)
        sizes = [(len(each), part, step) for each, part, step in zip(ranked, shares, steps, strict=True)]
        numbers = [min(_fewer(*size), limit) for size, limit in zip(sizes, most, strict=True)]
        for each, number in zip(ranked, numbers, strict=True):
            gone[each[:number]] = True
        return gone

    def room(self, gone: Bools, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
        """{weight: how many of its entries lie between channels that stay}."""
        left = {name: prod(shape) for name, shape in shapes.items()}
        for name, ends in self.ends.items():
            out, into = (int((~_lost(places, gone)).sum()) for places in (ends.writes, ends.reads))
            left[name] = out * into * prod(shapes[name][2:])
        return left

    def allowed(self, name: str, gone: Bools, like: Tensor) -> Tensor:
        """Where a weight may exist: bool, of the shape and memory layout of `like`."""
        may = torch.ones_like(like, dtype=torch.bool, requires_grad=False)
        if name in self.ends:
            ends = self.ends[name]
            for places, axis in ((ends.writes, 0), (ends.reads, 1)):
                lost = torch.from_numpy(np.flatnonzero(_lost(places, gone))).to(like.device)
                may.index_fill_(axis, lost, False)
        return may

    def fitting(self, gone_at: Callable[[float], Bools], share: float, total: int,
                shapes: Mapping[str, tuple[int, ...]]) -> Bools:  # fmt: skip
        """What goes at the largest share up to `share` that leaves room for `total` weights."""
        for part in range(64, -1, -1):
            gone = gone_at(share * part / 64)
            if sum(self.room(gone, shapes).values()) >= total:
                break
        return gone


def _fewer(number: int, share: float, multiple: int) -> int:
    """How many of `number` go so that those left are a multiple, and not fewer than the share asks for."""
    left = max(1, ceil((1 - share) * number / multiple - 1e-9)) * multiple
    return max(0, number - left)


def _lost(places: Ints, gone: Bools) -> Bools:
    return np.asarray((places >= 0) & gone[places])


def _units(roots: Ints, layers: Collection[GraphLayer]) -> Ints:
    """The classes again, those of one block of a grouped kernel as one."""
    units = roots.copy()
    grouped = [layer for layer in layers if layer.groups > 1]
    changed = True
    while changed:
        changed = False
        for layer in grouped:
            blocks = [units[each].reshape(layer.groups, -1) for each in (layer.reads.ids, layer.writes)]
            for block in np.concatenate(blocks, axis=1):
                if (low := block.min()) != block.max():
                    units[np.isin(units, block)] = low
                    changed = True
    return units


def _ends(layer: GraphLayer, place: Ints) -> Ends:
    weight = layer.module.weight
    assert isinstance(weight, Tensor)
    if layer.groups > 1:  # the block goes with the outputs that it feeds
        return Ends(place[layer.writes], np.full(weight.shape[1], -1))
    return Ends(place[layer.writes], np.repeat(place[layer.reads.ids], weight.shape[1] // len(layer.reads.ids)))
