"""Keeping absent weights absent whoever writes them: what moved since our own last write is masked again.

A tensor counts the writes to it (`_version`), so that a foreign one is known by comparing integers before each forward
pass. Writes through `.data` are not counted: on a CPU a few absent places of each layer are looked at as well,
elsewhere all weights now and then, since asking a GPU costs more than a small forward pass. Whoever reads counts has
all weights masked first.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import ref

import numpy as np
import torch
from torch import Tensor, nn

from vidsparse.sparsity.masking import mask_
from vidsparse.sparsity.selection import in_memory_order
from vidsparse.sparsity.sparse_weight import Layer
from vidsparse.utils.errors import ConfigError

_PLACES = 16  # absent weights of a layer that are looked at
_OFTEN = 64  # forward passes between two looks at all weights where a few cannot be looked at cheaply


class Guard:
    """Watches the weights of `layers`; `model` holds these and all `weights` of the topology under their names."""

    def __init__(self, model: nn.Module, layers: Sequence[Layer], weights: Mapping[str, nn.Parameter]) -> None:
        self.model, self.layers = model, layers
        self.inside_step = False  # the optimizer is writing: nothing is looked at until it is done
        self._places = [_Place(model, name, weight) for name, weight in weights.items()] if layers else []
        self._probes: list[_Probe | None] = [None] * len(layers)
        self._passes, self._training, self._looked = 0, model.training, False
        self._handles = [
            model.register_forward_pre_hook(BeforeForward(self)),
            model.register_state_dict_pre_hook(BeforeSaving(self)),
        ] if layers else []  # fmt: skip

    def close(self) -> None:
        """Look no more."""
        for handle in self._handles:
            handle.remove()

    def wrote(self, layers: Iterable[Layer] | None = None) -> None:
        """What the weights are now is our doing (or the optimizer's)."""
        for layer in self.layers if layers is None else layers:
            layer.version = layer.weight._version

    def step_begins(self) -> None:
        """Look, where no forward pass was seen since the last step, and no more until the step is done."""
        self.check_present()
        self.check(probe=not self._looked)
        self.inside_step = True

    def step_ends(self) -> None:
        """What was written meanwhile was the optimizer's doing."""
        self.inside_step = self._looked = False
        self.wrote()

    def moved(self) -> None:
        """The masks are others now: absent places are to be chosen anew."""
        self._probes = [None] * len(self.layers)

    def before_forward(self) -> None:
        """Mask what was written since; ConfigError where a layer trains with another parameter than ours."""
        if self.inside_step:
            return
        if self.model.training and torch.is_grad_enabled():
            self.check_present(nn.Parameter)
        self._passes, self._looked = self._passes + 1, True
        turned, self._training = self._training != self.model.training, self.model.training
        self.check(probe=True)
        if turned or self._passes & (self._passes - 1) == 0 or self._passes % _OFTEN == 0:
            self.hold([layer for layer in self.layers if not layer.weight.is_cpu])

    def before_saving(self) -> None:
        """Mask what was written since the last step: an average, or slow weights that were put back."""
        if not self.inside_step:
            self.check(probe=True)

    def check(self, probe: bool = False) -> None:
        """Mask the layers whose weights were written by somebody else."""
        written = [layer for layer in self.layers if layer.weight._version != layer.version]
        if probe:
            written += [layer for number, layer in enumerate(self.layers) if self._probe(number, layer).hit()]
        if written:
            with torch.no_grad():
                for layer in written:
                    mask_(layer.weight, layer.mask_like_weight())
            self.hold(written)
            self.wrote(written)

    def hold(self, layers: Sequence[Layer] | None = None) -> None:
        """Mask all weights, whether or not a write was noticed; changes no value where none was made.

        Not counted as a write by autograd: a backward pass that needs these weights may still come.
        """
        layers = self.layers if layers is None else layers
        for layer in layers:
            mask_(layer.weight.data, layer.mask_like_weight())
        if not layers:
            return
        sums = [layer.weight.detach().sum() for layer in layers]
        if torch.stack([each.double().to(sums[0].device) for each in sums]).isfinite().all():
            return
        for layer in layers:  # zero times NaN is NaN
            layer.weight.data.masked_fill_(~layer.mask_like_weight(), 0)

    def check_present(self, kind: type = object) -> None:
        """ConfigError where the model has another parameter, of this kind, in the place of one of ours."""
        for place in self._places:
            now = place.value()
            if now is not place.weight and isinstance(now, kind):
                raise ConfigError(
                    f"{place.name} was replaced after sparsify (by sharding, a parametrization, or load_state_dict("
                    "assign=True)), so that its mask is lost; call sparse.attach(optimizer) with an optimizer of the "
                    "new parameters, or sparsify on the model and optimizer as they are trained"
                )

    def _probe(self, number: int, layer: Layer) -> "_Probe":
        probe = self._probes[number]
        if probe is None or probe.address != layer.weight.data_ptr():
            probe = self._probes[number] = _Probe(layer)
        return probe


class _Place:
    """Where a model holds a parameter."""

    def __init__(self, model: nn.Module, name: str, weight: nn.Parameter) -> None:
        self.name, self.weight = name, weight
        owner, _, self._key = name.rpartition(".")
        self._owner = model.get_submodule(owner)

    def value(self) -> Any:
        """The parameter that is there now; None where there is none."""
        return self._owner._parameters.get(self._key)


class _Probe:
    """A few absent weights of a layer on the CPU, in the memory where they lie."""

    def __init__(self, layer: Layer) -> None:
        weight = layer.weight.detach()
        self.address = weight.data_ptr()
        self._memory = None
        if weight.is_cpu and weight.dtype in (torch.float32, torch.float64) and weight.numel():
            self._memory = in_memory_order(weight).numpy()
            laid_out = torch.empty_like(weight, dtype=torch.bool).copy_(layer.mask_like_weight())
            self._places = _absent(in_memory_order(laid_out))

    def hit(self) -> bool:
        """Whether one of them is not zero."""
        return self._memory is not None and bool(np.count_nonzero(self._memory.take(self._places)))


def _absent(mask: Tensor) -> Any:
    """Up to `_PLACES` places where a mask of one dimension is zero, spread over it."""
    values = mask.numpy()
    some = np.linspace(0, values.size - 1, min(values.size, 64 * _PLACES)).astype(np.int64)
    found = some[values[some] == 0]
    if not found.size:
        found = np.flatnonzero(values == 0)
    return found[:: max(1, found.size // _PLACES)][:_PLACES]


class BeforeForward:
    """The hook on a sparse model: a look at its weights. A copy of it, on a copy of the model, says that it is one."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = None if guard is None else ref(guard)
        self._told = False

    def __call__(self, module: nn.Module, inputs: Any) -> None:
        """Look, before a forward pass."""
        if torch.compiler.is_compiling():  # then the weights are looked at when the optimizer steps
            return
        guard = None if self._guard is None else self._guard()
        if guard is not None:
            guard.before_forward()
        elif self._guard is None and not self._told and module.training and torch.is_grad_enabled():
            self._told = True
            warnings.warn(
                "this is a copy of a model that was made sparse, and its topology did not come along: it trains "
                "dense. Copy them together, copy.deepcopy((model, optimizer, sparse)), or call sparsify on the copy",
                stacklevel=2,
            )

    def __deepcopy__(self, memo: Any) -> "BeforeForward":
        return BeforeForward(None)

    def __reduce__(self) -> Any:
        return BeforeForward, (None,)


class BeforeSaving:
    """The hook on a sparse model's `state_dict`: what is saved is as sparse as is said. A copy of it does nothing."""

    def __init__(self, guard: Guard | None) -> None:
        self._guard = None if guard is None else ref(guard)

    def __call__(self, module: nn.Module, prefix: str, keep_vars: bool) -> None:
        """Look, before a state dict is made."""
        guard = None if self._guard is None else self._guard()
        if guard is not None:
            guard.before_saving()

    def __deepcopy__(self, memo: Any) -> "BeforeSaving":
        return BeforeSaving(None)

    def __reduce__(self) -> Any:
        return BeforeSaving, (None,)
