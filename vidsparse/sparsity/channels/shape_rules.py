"""Tracing with an example: lengths are numbers while a network is traced, so that it may ask for them and branch.

Which lengths were asked for is noted in the graph, because the forward pass of a smaller copy will ask again.
"""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn

from vidsparse.sparsity.tracing import Tracer, is_hooked


class Length(int):
    """A length that was read from `source`, a step's result, along `axis`."""

    source: fx.Node
    axis: int


class Lengths:
    """The shape of a traced tensor: as good as a tuple where axes are picked; each that is read is noted."""

    def __init__(self, proxy: "Shaped") -> None:
        self._proxy = proxy

    def __len__(self) -> int:
        return int(self._proxy.value.dim())

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return tuple(self[axis] for axis in range(len(self))[place])
        return self._proxy.length(place)

    def __iter__(self) -> Iterator[Length]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | Lengths) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as for any thing that is compared by what it holds


class Shaped(fx.Proxy):
    """A stand-in for a tensor in tracing; `value` is such a tensor without numbers, None where there is none."""

    value: Any = None

    def length(self, axis: int) -> Length:
        """The length of an axis, noted in the graph."""
        found = Length(self.value.shape[axis])
        found.source, found.axis = self.node, axis
        self.tracer.create_node("call_method", "size", (self.node, axis), {})
        return found

    def __len__(self) -> int:
        return self.length(0) if isinstance(self.value, Tensor) else len(self.value)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.value, tuple | list):
            return iter([operator.getitem(self, place) for place in range(len(self.value))])
        return super().__iter__()

    def size(self, axis: int | None = None) -> Any:
        """As that of a tensor."""
        return self.shape if axis is None else self.length(axis)

    def dim(self) -> int:
        """As that of a tensor."""
        return int(self.value.dim())

    @property
    def shape(self) -> Any:
        """As that of a tensor."""
        return Lengths(self) if isinstance(self.value, Tensor) else self.value.shape

    @property
    def ndim(self) -> int:
        """As that of a tensor."""
        return self.dim()

    @property
    def dtype(self) -> torch.dtype:
        """As that of a tensor."""
        dtype: torch.dtype = self.value.dtype
        return dtype

    @property
    def device(self) -> torch.device:
        """As that of a tensor."""
        device: torch.device = self.value.device
        return device


class ShapedTracer(Tracer):
    """A tracer that makes each step at once, on tensors without numbers; the model traced has such parameters."""

    def __init__(self, example: Tensor) -> None:
        super().__init__()
        self._examples = [example.to("meta")]
        self._values: dict[fx.Node, Any] = {}
        self._making = False  # a step is being made: what modules do now is no part of the graph

    def proxy(self, node: fx.Node) -> Shaped:
        """The stand-in for a step's result."""
        return Shaped(node, self)

    def create_proxy(self, *args: Any, **kwargs: Any) -> Any:
        """Add a step to the graph, and make it."""
        proxy: Any = super().create_proxy(*args, **kwargs)
        self._making, before = True, self._making
        try:
            proxy.value = self._values[proxy.node] = self._make(proxy.node)
        except Exception:  # it asks for numbers; whoever asks for this result's lengths cannot be traced
            proxy.value = self._values[proxy.node] = None
        finally:
            self._making = before
        return proxy

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Enter a module, unless a step is being made."""
        return forward(*args, **kwargs) if self._making else super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """A parameter becomes a step of the graph, unless a step is being made."""
        return attr_val if self._making else super().getattr(attr, attr_val, parameter_proxy_cache)

    def _make(self, node: fx.Node) -> Any:
        target: Any = node.target
        if node.op == "placeholder":
            return self._examples.pop() if self._examples else node.args[0] if node.args else None
        if node.op == "get_attr":
            return self._attribute(target)
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), self._value)
        with torch.no_grad():
            if node.op == "call_method":
                return getattr(args[0], target)(*args[1:], **kwargs)
            if node.op == "call_module":
                module = self._attribute(target)
                return None if is_hooked(module) else module.forward(*args, **kwargs)
            return target(*args, **kwargs)

    def _value(self, node: fx.Node) -> Any:
        return self._values[node] if node in self._values else self._attribute(str(node.target))

    def _attribute(self, target: str) -> Any:
        owner, _, name = target.rpartition(".")
        return getattr(self.root.get_submodule(owner), name)
