"""Floating-point operations of a network: counted without computing, layer by layer, and integrated over a training.

A multiply-add is two operations. Counted are products (convolutions, matrix products, attention), borders and zeros
included; norms, activations, pools and biases, a few per cent at most, are not. All numbers are theoretical: what
hardware that skips zeros could save at best; masks are simulated here and save nothing.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry

from vidsparse.sparsity.layer_selection import unwrap
from vidsparse.sparsity.tracing import on_meta
from vidsparse.utils.errors import ConfigError

_ATEN = torch.ops.aten
# Where the operands of a product stand among its arguments; a bias is none of them.
_OPERANDS: dict[Any, tuple[int, ...]] = {
    _ATEN.mm: (0, 1),
    _ATEN.bmm: (0, 1),
    _ATEN.mv: (0, 1),
    _ATEN.dot: (0, 1),
    _ATEN.addmm: (1, 2),
    _ATEN.baddbmm: (1, 2),
    _ATEN.addmv: (1, 2),
    _ATEN.convolution: (1,),
    _ATEN._convolution: (1,),
}


@dataclass(frozen=True)
class Flops:
    """Operations of one forward pass: by weight, {parameter name: FLOPs}, and `other`, products of activations."""

    weights: Mapping[str, int]
    other: int

    @property
    def dense(self) -> int:
        """All of them, as if every weight existed."""
        return sum(self.weights.values()) + self.other

    def sparse(self, densities: Mapping[str, float]) -> float:
        """Σ density · FLOPs over weights, those that are not named being dense, plus all products of activations."""
        return sum(count * densities.get(name, 1.0) for name, count in self.weights.items()) + self.other


def count_flops(model: nn.Module, example: Any) -> Flops:
    """Count the operations of one forward pass in evaluation mode; nothing is computed and `model` is not touched.

    The pass is made by a copy whose tensors have shapes and no values (the meta device), so that it takes
    milliseconds. A product belongs to the parameter that is its operand, whatever the module that makes it.

    Args:
        model: any module that takes one argument.
        example: its input: a shape such as (1, 3, 16, 112, 112), a tensor, or a list or dict of tensors.

    Raises:
        ConfigError: the forward pass asks for values, which shapes cannot tell, or does not take the example.

    >>> flops = count_flops(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(32, 10)), (1, 3, 4, 4))
    >>> flops.weights, flops.dense, flops.sparse({"0.weight": 0.5})
    ({'0.weight': 1728, '2.weight': 640}, 2368, 1504.0)
    """
    shadow = on_meta(unwrap(model))
    types = (weight.dtype for weight in shadow.parameters() if weight.is_floating_point())
    inputs = torch.empty(example, dtype=next(types, None), device="meta") if _is_shape(example) else example
    inputs = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), inputs)
    owners = {_storage(weight): name for name, weight in shadow.named_parameters()}
    counter = _Counter(owners, [each for each in tree_leaves(inputs) if isinstance(each, Tensor)])
    try:
        with torch.inference_mode(False), torch.no_grad(), counter:
            shadow(inputs)
    except Exception as error:  # whatever a forward pass says that was given shapes in place of values
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"the FLOPs of {type(model).__name__} cannot be counted without values: {said}") from error
    return Flops(counter.weights, counter.other)


def training_flops(
    dense: float, forward: Mapping[int, float], total_steps: int, dense_gradient_steps: Sequence[int] = ()
) -> float:
    """FLOPs of a whole training, a sample a step: Σ over steps of 3 f_S, or 2 f_S + f_D where gradients are dense.

    A step is a forward pass (f_S), the gradient of activations (f_S) and the gradient of weights (f_S; f_D where the
    method asks for it also of absent weights). These are the costs of Evci et al. 2020, appendix H; there an update of
    RigL is an iteration of its own, so that a mean step is (3 ΔT f_S + 2 f_S + f_D) / (ΔT + 1); here, where an update
    takes no step away, it is (3 (ΔT - 1) f_S + 2 f_S + f_D) / ΔT.

    Args:
        dense: f_D, forward FLOPs of the dense network for a sample.
        forward: {step: f_S}, forward FLOPs from after this step until the next one named; 0 is the start.
        total_steps: optimizer steps of the training.
        dense_gradient_steps: the steps, ascending from 1, whose gradient is dense.

    >>> training_flops(10.0, {0: 2.0}, 100, range(10, 101, 10)) / (100 * 3 * 10.0)  # RigL, ΔT = 10, density 0.2
    0.22666666666666666
    """
    starts = [*sorted(forward), total_steps]
    total = 0.0
    for start, end in pairwise(starts):
        denser = bisect_right(dense_gradient_steps, end) - bisect_right(dense_gradient_steps, start)
        total += 3 * forward[start] * (end - start) + denser * (dense - forward[start])
    return total


class _Counter(TorchDispatchMode):
    """Adds up the products that pass by; tensors with values that meet some without lose theirs."""

    def __init__(self, owners: dict[int, str], inputs: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.weights: dict[str, int] = {}
        self.other = 0
        self._owners = owners  # of storages
        self._activations = {_storage(each) for each in inputs}  # storages of what was computed from the inputs
        self._alive: list[Tensor] = []  # copies and activations: another tensor must not get their storage's address

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        args, kwargs = tree_map_only(Tensor, lambda tensor: tensor.to("meta"), (args, kwargs or {}))
        kind = operation._overloadpacket
        formula = _FORMULAS.get(kind)
        if formula is None:
            decomposed = operation.decompose(*args, **kwargs)
            if decomposed is not NotImplemented:
                return decomposed
        out = operation(*args, **kwargs)
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        activations = any(_storage(each) in self._activations for each in given)
        if activations:
            made = [each for each in tree_leaves(out) if isinstance(each, Tensor)]
            self._activations |= {_storage(each) for each in made}
            self._alive += made
        if formula is not None:
            self._add(formula(*args, **kwargs, out_val=out), [args[at] for at in _OPERANDS.get(kind, ())])
        elif not activations:
            for each in out if isinstance(out, tuple) else (out,):
                if isinstance(each, Tensor) and (weight := self._of_same_shape(each, args)) is not None:
                    self._owners[_storage(each)] = self._owners[_storage(weight)]
                    self._alive.append(each)
        return out

    def _of_same_shape(self, out: Tensor, args: Sequence[Any]) -> Tensor | None:
        """The weight that a result was computed from, itself or scaled (weight normalisation), without activations."""
        tensors = (each for each in args if isinstance(each, Tensor) and each.shape == out.shape)
        return next((each for each in tensors if _storage(each) in self._owners), None)

    def _add(self, flops: int, operands: Sequence[Tensor]) -> None:
        owner = next((self._owners[_storage(each)] for each in operands if _storage(each) in self._owners), None)
        if owner is None:
            self.other += flops
        else:
            self.weights[owner] = self.weights.get(owner, 0) + flops


def _matrix_vector(*args: Any, out_val: Any) -> int:
    """2 · rows · columns of (matrix, vector) or (bias, matrix, vector), also where the matrix is a vector."""
    return 2 * int(args[-2].numel())


_FORMULAS: dict[Any, Callable[..., int]] = {**flop_registry, **dict.fromkeys((_ATEN.mv, _ATEN.dot), _matrix_vector)}
_FORMULAS[_ATEN.addmv] = lambda bias, matrix, vector, out_val, **_: _matrix_vector(matrix, vector, out_val=out_val)


def _is_shape(example: Any) -> bool:
    return isinstance(example, Sequence) and all(isinstance(side, int) for side in example)


def _storage(tensor: Tensor) -> int:
    """What tells the memory of one tensor, views of it included, from that of others."""
    return int(tensor.untyped_storage()._cdata)
