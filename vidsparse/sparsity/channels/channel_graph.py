"""Follow the channels through a network: a table of rules says what each step of its graph does to them.

What no rule knows leaves the channels of its inputs alone: they are pinned, with the reason. Rules do not guess: where
axes, lengths or arguments are not surely the usual ones, a step counts as unknown.
"""

import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from vidsparse.sparsity.attention_kinds import AttentionKind, attention_kind
from vidsparse.sparsity.channels import attention, channel_rules
from vidsparse.sparsity.channels.channel_sets import Classes, Ints, Layer, View
from vidsparse.sparsity.channels.shape_rules import Length, ShapedTracer
from vidsparse.sparsity.tracing import (
    CONVS,
    LAYERS,
    Tracer,
    is_channelwise,
    is_hooked,
    is_layer,
    is_pointwise,
    on_meta,
    trace,
)

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_POOLS: dict[Any, int] = {f: k for k, f in enumerate((F.max_pool1d, F.max_pool2d, F.max_pool3d), 1)}
_POOLS |= {f: k for k, f in enumerate((F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d), 1)}
_POINTWISE: set[Any] = {
    *(torch.relu, torch.relu_, torch.sigmoid, torch.tanh, torch.abs, torch.exp, torch.neg, torch.clamp, operator.neg),
    *(F.relu, F.relu_, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.gelu, F.silu, F.mish, F.softplus, F.sigmoid),
    *(F.tanh, F.hardswish, F.hardsigmoid, F.hardtanh, F.logsigmoid, operator.truediv, torch.div, "div"),
    *("relu", "relu_", "sigmoid", "tanh", "abs", "exp", "neg", "clamp", "contiguous", "clone", "detach"),
}
_SUMS: set[Any] = {operator.add, operator.iadd, torch.add, "add", "add_", operator.sub, torch.sub, "sub"}
_PRODUCTS: set[Any] = {operator.mul, operator.imul, torch.mul, "mul", "mul_"}
_IN_PLACE: set[Any] = {operator.iadd, operator.imul}
_DROPOUTS: set[Any] = {F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout}
_SHAPES: set[Any] = {"view", "reshape", torch.reshape}


@dataclass
class Network:
    """What following found: classes of channels, layers in order, batch norms and attention with their channels, opaque
    modules.
    """

    classes: Classes = field(default_factory=Classes)
    layers: dict[str, Layer] = field(default_factory=dict)
    norms: dict[str, tuple[_BatchNorm, Ints]] = field(default_factory=dict)
    heads: dict[str, attention.Heads] = field(default_factory=dict)
    opaque: dict[str, str] = field(default_factory=dict)


def trace_channels(model: nn.Module, example: Tensor | None = None) -> Network:
    """Follow the channels through a model in evaluation mode; where it has no graph, there are no layers.

    With an example the model may ask for lengths and branch on them; what is found then holds for that shape.
    """
    if example is None:
        graph, opaque = trace(model, Tracer())
    else:
        graph, opaque = trace(on_meta(model), ShapedTracer(example))
    network = Network(opaque=opaque)
    if graph is not None:
        if example is None:  # lengths that were read and then not used
            graph.eliminate_dead_code(lambda node: node.target not in (operator.getitem, getattr, "size"))
        walk = _Walk(model, network, graph)
        with torch.no_grad():
            for node in graph.nodes:
                walk.views[node] = walk.step(node)
    return network


class _Walk:
    """One pass over a graph; `views` are the channels of each step's result, None where nothing is known of it."""

    def __init__(self, model: nn.Module, network: Network, graph: fx.Graph) -> None:
        self.network, self.classes = network, network.classes
        self.views: dict[fx.Node, View | None] = {}
        self._modules = dict(model.named_modules())
        self._batch: dict[fx.Node, fx.Node] = {}  # {length of the first axis: of which step's result}
        owners = Counter(id(weight) for m in self._modules.values() for weight in m._parameters.values())
        self._shared = {key for key, count in owners.items() if count > 1}
        reads = (str(node.target) for node in graph.nodes if node.op == "get_attr")
        self._left = {each.rpartition(".")[0]: f"{each} is read outside its module" for each in reads}
        calls = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
        self._left |= {name: "it is used more than once" for name, count in calls.items() if count > 1}

    def step(self, node: fx.Node) -> View | None:
        """The channels of one step's result."""
        known: View | str | None
        if node.op in ("placeholder", "get_attr") or self._is_size(node):
            return None
        if node.op == "output":
            known = "it is an output of the network"
        elif node.op == "call_module":
            known = self._module(node)
        elif (part := attention.part(node, self.network.heads)) is not None:
            return self.views[node.all_input_nodes[0]] if part == "result" else None
        else:
            known = self._call(node) or f"{_spelled(node)} is not understood"
        if not isinstance(known, str):
            return known
        for view in self._tensors(node):
            self.classes.pin(view.ids, known)
        return None

    def _tensors(self, node: fx.Node) -> list[View]:
        return [view for each in node.all_input_nodes if (view := self.views[each]) is not None]

    def _why_left(self, name: str) -> str | None:
        """Why a layer or norm keeps its shape: something about it, or about an opaque module that it is part of."""
        parts, module = name.split("."), self._modules[name]
        above = (self.network.opaque.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
        own = self._left.get(name) if isinstance(module, (*LAYERS, *_NORMS)) or attention_kind(module) else None
        return next((why for why in above if why is not None), own)

    def _module(self, node: fx.Node) -> View | str:
        """The rule of a module; a string says why there is none."""
        name, module = str(node.target), self._modules[str(node.target)]
        kind, views, known = type(module).__name__, self._tensors(node), None
        if (why := self._why_left(name)) is not None:
            return why
        if (attending := attention_kind(module)) is not None:
            known = self._attention(node, module, attending)
            if isinstance(known, str):
                self.network.opaque[name] = known
            return known
        if len(node.all_input_nodes) != 1 or len(node.args) + len(node.kwargs) != 1:
            return f"{kind} takes several inputs"
        if is_hooked(module):
            return f"{kind} has hooks"
        if is_layer(module):
            return self._layer(name, module, views[0] if views else None)
        if not views:
            return f"{kind} comes first"
        view = views[0]
        if isinstance(module, _NORMS):
            known = self._norm(name, module, view)
        elif type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1):
            known = channel_rules.flattened(view)
        elif is_pointwise(module):
            known = self._changed(node, replace(view, values=channel_rules.mapped(module, view)))
        else:
            known = channel_rules.pooled(module, view)
        return known or f"{kind} is not understood"

    def _layer(self, name: str, module: Any, view: View | None) -> View | str:
        linear = isinstance(module, nn.Linear)
        axis = -1 if linear else -1 - _dims(module, CONVS)
        length = module.in_features if linear else module.in_channels
        if view is None:
            view = View(self.classes.new(length), np.full(length, np.nan), axis, None)
            self.classes.pin(view.ids, "it comes from outside what is understood")
        if any(id(weight) in self._shared for weight in module._parameters.values() if weight is not None):
            return "its weight is shared"
        spread = length // len(view.ids) if view.spread and linear else 1
        if view.axis != axis or len(view.ids) * spread != length:
            return f"{type(module).__name__} reads another axis"
        weight, groups = module.weight.detach().cpu(), 1 if linear else module.groups
        blocks = weight.reshape(len(weight), -1, spread) if linear else weight.flatten(2)
        nonzero, sums = blocks.ne(0).any(2).numpy(), blocks.sum(2, dtype=torch.float64).numpy()
        layer = Layer(
            name, module, view, self.classes.new(len(weight)), nonzero, channel_rules.is_padded(module), groups
        )
        self.network.layers[name] = layer
        bias = torch.zeros(len(weight)) if module.bias is None else module.bias
        values = channel_rules.written(layer, sums, bias.detach().cpu().double().numpy())
        return View(layer.writes, values, axis, view.ndim if linear else 1 - axis)

    def _attention(self, node: fx.Node, module: nn.Module, kind: AttentionKind) -> View | str:
        name = str(node.target)
        if not attention.is_plain(node, kind):
            return f"{type(module).__name__} takes several inputs"
        if any(is_hooked(each) for each in module.modules()):
            return f"{type(module).__name__} has hooks"

        def follow(part: str, layer: nn.Module, view: View | None) -> View | str:
            whole = f"{name}.{part}"
            usual = is_layer(layer) and whole not in self._left
            return self._layer(whole, layer, view) if usual else f"{whole} is not a layer of the usual kind"

        view = next(iter(self._tensors(node)), None)
        found = attention.followed(module, kind, view, follow, self.classes)
        if isinstance(found, str):
            return found
        self.network.heads[name] = found[1]
        return found[0]

    def _norm(self, name: str, module: _BatchNorm, view: View) -> View | None:
        dims = _dims(module, _NORMS)
        fits = view.axis == -1 - dims or (dims == 1 and view.axis == -1 and view.ndim in (2, None))
        if not fits or view.spread or len(view.ids) != module.num_features:
            return None
        if module.running_mean is None or not is_channelwise(module, len(view.ids), dims):
            return None
        self.network.norms[name] = (module, view.ids)
        return replace(view, values=channel_rules.normalised(module, view))

    def _call(self, node: fx.Node) -> View | str | None:
        """The rule of a function or method; None where there is none."""
        target, views = node.target, self._tensors(node)
        strangers = [each for each in node.all_input_nodes if self.views[each] is None]
        if target in _SHAPES and len(views) == 1:
            length, *rest = _flat(node.args[1:])
            source = length.source if isinstance(length, Length) and length.axis == 0 else self._batch.get(length)
            return channel_rules.flattened(views[0]) if rest == [-1] and source is node.args[0] else None
        if strangers or not views:
            return None
        if target is torch.cat:
            axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", 0)
            return channel_rules.joined(
                [view for each in _flat(node.args[:1]) if (view := self.views[each])], int(str(axis))
            )
        if target in _SUMS | _PRODUCTS and len(node.args) == 2 and not node.kwargs:
            return self._combined(node)
        if len(views) > 1:
            return None
        if target is F.pad and (wider := self._widened(node, views[0])):
            return wider
        if target in _POINTWISE:
            return self._changed(node, replace(views[0], values=channel_rules.mapped(partial(_run, node), views[0])))
        return _plain(node, views[0])

    def _widened(self, node: fx.Node, view: View) -> View | None:
        """Channels of zeros before and after those of a tensor; how many is fixed, so that those stay."""
        sides = node.args[1] if len(node.args) == 2 and _pads_zeros(node) else None
        if not isinstance(sides, list | tuple) or not all(isinstance(side, int) for side in sides):
            return None
        before, after = sides[-2:]
        if view.spread or len(sides) != -2 * view.axis or any(sides[:-2]) or min(before, after) < 0:
            return None
        zeros = [self.classes.new(count) for count in (before, after)]
        for ids in zeros:
            self.classes.pin(ids, "it is bound to a fixed number of zeros")
        values = [np.zeros(before), view.values, np.zeros(after)]
        return replace(view, ids=np.concatenate([zeros[0], view.ids, zeros[1]]), values=np.concatenate(values))

    def _combined(self, node: fx.Node) -> View | str:
        """Sum, difference or product of two tensors, channel by channel, or of a tensor and a number."""
        views = [view for each in node.args if isinstance(each, fx.Node) and (view := self.views[each])]
        one, other = views[0], views[-1]
        if (one.axis, one.spread, len(one.ids)) != (other.axis, other.spread, len(other.ids)):
            return f"{_spelled(node)} combines it with other channels"
        self.classes.bind(one.ids, other.ids)
        zeros = node.target in _PRODUCTS and len(views) == 2
        values = channel_rules.product(*views) if zeros else channel_rules.mapped(partial(_run, node), *views)
        return self._changed(node, replace(one, values=values, ndim=max(one.ndim or 0, other.ndim or 0) or None))

    def _changed(self, node: fx.Node, result: View) -> View:
        """The result; where a step works in place, what shares its memory is changed too."""
        module = self._modules.get(str(node.target)) if node.op == "call_module" else None
        told = getattr(module, "inplace", False) or node.kwargs.get("inplace") or True in node.args[1:]
        if told or node.target in _IN_PLACE or str(node.target).endswith("_") or _spelled(node).endswith("_"):
            for before, view in self.views.items():
                if view is not None and np.array_equal(view.ids, result.ids):
                    values = np.where(view.values == result.values, result.values, np.nan)
                    self.views[before] = replace(view, values=values)
        return result

    def _is_size(self, node: fx.Node) -> bool:
        """Whether a step asks for an axis' length, type or device; a length of the channels' own axis pins them."""
        source = node.args[0] if node.args else None
        if not isinstance(source, fx.Node) or (view := self.views[source]) is None:
            return False
        if (node.target is getattr and node.args[1] in ("dtype", "device", "ndim")) or node.target == "dim":
            return True
        if node.target != "size" and (node.target is not getattr or node.args[1] != "shape"):
            return False
        single = node.target == "size" and len(node.args) == 2
        for each in [node] if single else node.users:
            place = each.args[1] if single or each.target is operator.getitem else None
            if not isinstance(place, int) or not channel_rules.is_other_axis(place, view):
                self.classes.pin(view.ids, "the number of its channels is read")
            if place == 0:
                self._batch[each] = source
        return True


def _plain(node: fx.Node, view: View) -> View | None:
    """The rule of a function that takes one tensor and plain arguments."""
    target, arguments = node.target, [*node.args[1:], *node.kwargs.values()]
    if target in _DROPOUTS:
        training = node.kwargs.get("training", node.args[2] if len(node.args) > 2 else True)
        return None if training else view
    if _spelled(node) == "stochastic_depth":
        return None if arguments[-1] else view
    if target in _POOLS:
        return view if view.axis == -1 - _POOLS[target] and not view.spread else None
    if target is F.pad:
        return channel_rules.bordered(view, node.args[1]) if _pads_zeros(node) and len(node.args) == 2 else None
    if target is operator.getitem:
        return channel_rules.sliced(view, arguments[0])
    if target in (torch.flatten, "flatten"):
        return channel_rules.flattened(view) if arguments in ([1], [1, -1]) else None
    if target in ("mean", torch.mean) and arguments:
        keep = bool(node.kwargs.get("keepdim", node.args[2] if len(node.args) > 2 else False))
        return channel_rules.averaged(view, _flat([node.kwargs.get("dim", arguments[0])]), keep)
    if target in ("permute", torch.permute):
        return channel_rules.permuted(view, _flat(arguments))
    if target in ("transpose", torch.transpose) and view.ndim is not None:
        order = list(range(view.ndim))
        one, other = (int(str(axis)) for axis in arguments)
        order[one], order[other] = order[other], order[one]
        return channel_rules.permuted(view, order)
    return None


def _pads_zeros(node: fx.Node) -> bool:
    return node.kwargs.get("mode", "constant") == "constant" and not node.kwargs.get("value")


def _run(node: fx.Node, *constants: Tensor) -> Tensor:
    """A step with constants in place of its tensors."""
    given = iter(constants)
    args = [next(given) if isinstance(each, fx.Node) else each for each in node.args]
    kwargs = {key: next(given) if isinstance(each, fx.Node) else each for key, each in node.kwargs.items()}
    function: Any = getattr(torch.Tensor, node.target) if isinstance(node.target, str) else node.target
    return torch.as_tensor(function(*args, **kwargs))


def _dims(module: nn.Module, kinds: Sequence[type[nn.Module]]) -> int:
    """1, 2 or 3: which of three kinds a module is."""
    return next(dims for dims, kind in enumerate(kinds, 1) if isinstance(module, kind))


def _flat(arguments: Sequence[Any]) -> list[Any]:
    """Arguments that are given one by one or as a list, as a list."""
    whole = list(arguments)
    return list(whole[0]) if len(whole) == 1 and isinstance(whole[0], Sequence) else whole


def _spelled(node: fx.Node) -> str:
    """A step's function as people call it."""
    return node.target if isinstance(node.target, str) else str(getattr(node.target, "__name__", node.target))
