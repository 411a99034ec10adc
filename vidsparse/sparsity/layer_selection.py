"""Which of a model's prunable layers become sparse, and which stay dense."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer
from torch.utils.weak import WeakIdKeyDictionary

from corruptions.exceptions import suggestion
from vidsparse.sparsity.heads import heads
from vidsparse.sparsity.masks import computed, prunable
from vidsparse.sparsity.weight_transforms import holder, unfit
from vidsparse.utils.errors import ConfigError, some

Policy = Literal["sparse", "dense"]
_SHARDED = {"FullyShardedDataParallel", "FSDPModule"}
_SPARSE = WeakIdKeyDictionary()  # the weights that have a topology


@dataclass(frozen=True)
class Wanted:
    """Which layers a caller wants sparse; see `sparsify`, whose arguments they are."""

    include: Sequence[str] | str | None = None
    exclude: Sequence[str] | str | None = None
    first_layer: Policy = "sparse"
    last_layer: Policy = "sparse"
    depthwise: Policy = "sparse"
    dense_in_budget: bool = True


@dataclass(frozen=True)
class Choice:
    """Names of the prunable parameters that this optimizer trains, and those of them that are kept dense.

    With `dense_in_budget` the kept ones count in the sparsity, so that the other layers get sparser; else it is the
    sparsity of the others alone.
    """

    model: nn.Module
    weights: Mapping[str, nn.Parameter]
    kept_dense: tuple[str, ...]
    dense_in_budget: bool

    @property
    def budget(self) -> dict[str, nn.Parameter]:
        """The layers over which the sparsity is meant."""
        left_out = () if self.dense_in_budget else self.kept_dense
        return {name: weight for name, weight in self.weights.items() if name not in left_out}

    @cached_property
    def heads(self) -> frozenset[str]:
        """The layers that write class scores."""
        return frozenset(heads(self.model))

    def found_again(self, optimizer: Optimizer) -> "Choice":
        """The same choice where the model holds other parameters now; ConfigError where `optimizer` trains them not."""
        present = dict(self.model.named_parameters(remove_duplicate=False))
        trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, weight in self.weights.items():
            if name not in present or present[name].shape != weight.shape:
                raise ConfigError(f"{name} is not in the model any more, or has another shape: call sparsify anew")
            if id(present[name]) not in trained:
                raise ConfigError(f"this {type(optimizer).__name__} does not train {name}, which the topology holds")
        return replace(self, weights={name: present[name] for name in self.weights})


def choose(model: nn.Module, optimizer: Optimizer, wanted: Wanted, masked: bool = True) -> Choice:
    """Split the prunable layers of `model` into sparse and dense ones.

    `include` and `exclude` are shell patterns of parameter names; the first layer is the one that the model lists
    first, the last are those that write class scores; depthwise convolutions are those with as many groups as input
    channels. `masked`: the sparse ones will be masked, so that it matters whether their zeros are used as they are.

    Raises:
        ConfigError: a sharded model, a pattern or policy that fits nothing, an optimizer that trains no prunable layer,
            a sparse layer whose forward pass makes something else of zeros.
    """
    model = unwrap(model)
    if lazy := [name for name, weight in model.named_parameters() if is_lazy(weight)]:
        raise ConfigError(f"{some(lazy)} has no shape yet: run the model once on an example, then make it sparse")
    for policy in ("first_layer", "last_layer", "depthwise"):
        if (value := getattr(wanted, policy)) not in ("sparse", "dense"):
            raise ConfigError(f"{policy}={value}: it is sparse or dense")
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    weights = {name: weight for name, weight in prunable(model).items() if id(weight) in trained}
    if not masked and next(model.parameters(), None) is None:  # another runtime computes it
        return Choice(model, {}, (), wanted.dense_in_budget)
    if not weights:
        raise ConfigError("the optimizer trains no convolution, linear or attention weight of this model")
    names, lost = list(weights), computed(model)
    if any(weight in _SPARSE for weight in weights.values()):
        raise ConfigError("this model already has a topology: close() it first")
    dense = set(_matching("exclude", wanted.exclude, [*names, *lost]))
    if wanted.include:
        dense |= {*names, *lost} - set(_matching("include", wanted.include, names))
    dense |= {names[0]} if wanted.first_layer == "dense" else set()
    dense |= set(heads(model)) & {*names} if wanted.last_layer == "dense" else set()
    dense |= _depthwise(model, names) if wanted.depthwise == "dense" else set()
    if dense >= set(names):
        raise ConfigError("every prunable layer is kept dense: nothing is left to be sparse")
    if masked:
        _refuse_unfit(model, [name for name in (*names, *lost) if name not in dense])
    return Choice(model, weights, tuple(name for name in names if name in dense), wanted.dense_in_budget)


def mark(weights: Iterable[nn.Parameter]) -> None:
    """Remember that these weights have a topology."""
    _SPARSE.update(dict.fromkeys(weights, True))


def unmark(weights: Iterable[nn.Parameter]) -> None:
    """Forget it."""
    for weight in weights:
        _SPARSE.pop(weight, None)


def unwrap(model: nn.Module) -> nn.Module:
    """The model inside wrappers of DDP, torch.compile, Fabric and Accelerate; ConfigError where it is sharded."""
    while True:
        if _SHARDED & {kind.__name__ for module in model.modules() for kind in type(module).__mro__}:
            raise ConfigError(
                "this model is sharded (FSDP): masks are kept for whole weights only; train it with DDP instead"
            )
        inner: Any = getattr(model, "_orig_mod", None)
        if type(model).__name__ in ("DistributedDataParallel", "DataParallel", "_FabricModule"):
            inner = model.module
        if inner is None:
            return model
        model = inner


def find_copy(holder: Any, wanted: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """The weights of these names and shapes of the copy of a network that `holder` is, or holds at any depth.

    The network of `wanted` itself counts only where there is no other in it.
    """
    own: dict[str, Tensor] | None = None
    for module in _modules_in(holder):
        named = dict(module.named_parameters(remove_duplicate=False))
        found = {name: named[name].detach() for name, weight in wanted.items() if _fits(named.get(name), weight)}
        if len(found) < len(wanted):
            continue
        if all(named[name] is not weight for name, weight in wanted.items()):
            return found
        own = found if own is None else own
    if own is None:
        name, weight = next(iter(wanted.items()))
        raise ConfigError(
            f"{type(holder).__name__} holds no copy of this network: no module in it has a {name} of shape "
            f"{tuple(weight.shape)} and the other sparse weights"
        )
    return own


def _fits(value: nn.Parameter | None, weight: nn.Parameter) -> bool:
    return value is not None and value.shape == weight.shape


def _modules_in(holder: Any) -> Iterator[nn.Module]:
    """A module and those inside it, or those in the attributes of another thing; from the outside in."""
    outer = [holder] if isinstance(holder, nn.Module) else getattr(holder, "__dict__", {}).values()
    for each in outer:
        if isinstance(each, nn.Module):
            yield from each.modules()


def _refuse_unfit(model: nn.Module, names: Sequence[str]) -> None:
    found = dict(unfit(model, names))
    if found:
        name, why = next(iter(found.items()))
        more = f" ({len(found)} layers are like that)" if len(found) > 1 else ""
        raise ConfigError(
            f"{name} cannot be made sparse: {why}{more}; keep such layers dense with exclude={list(found)[:3]}"
            f"{' and so on' if len(found) > 3 else ''}, or build the network without"
        )


def _matching(key: str, patterns: Sequence[str] | str | None, names: Sequence[str]) -> Iterable[str]:
    for pattern in [patterns] if isinstance(patterns, str) else patterns or ():
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            hint = suggestion(pattern, names, "model.named_parameters()")
            raise ConfigError(f"{key}: {pattern!r} matches no prunable parameter; {hint}")
        yield from found


def _depthwise(model: nn.Module, names: Sequence[str]) -> set[str]:
    layers = {name: holder(model, name) for name in names}
    return {
        name
        for name, module in layers.items()
        if isinstance(module, _ConvNd) and module.groups == module.in_channels > 1
    }
