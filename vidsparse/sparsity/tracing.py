"""A network's graph by torch.fx, with what cannot be traced as opaque steps, and tries of what a module does."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.pooling import _MaxPoolNd

from vidsparse.sparsity.attention_kinds import attention_kind
from vidsparse.sparsity.guard import BeforeForward

CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
LAYERS = (*CONVS, nn.Linear)
POOLS = tuple(
    tuple(getattr(nn, f"{kind}{dims}d") for kind in ("MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool"))
    for dims in (1, 2, 3)
)
_STOCK = tuple(kind.forward for kind in LAYERS)
_CHANNELWISE = (_BatchNorm.forward, *(kind.forward for kinds in POOLS for kind in kinds))


class Tracer(fx.Tracer):
    """torch.fx, but what it cannot enter becomes one step; `opaque` says why, {module name: reason}."""

    def __init__(self) -> None:
        super().__init__()
        self.opaque: dict[str, str] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """What a rule knows as a whole, what has hooks, and what torch.fx itself does not enter."""
        known = is_layer(m) or isinstance(m, _BatchNorm | _MaxPoolNd) or is_hooked(m) or is_pointwise(m)
        return known or attention_kind(m) is not None or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Enter a module; if that fails, take it as one step."""
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception as error:  # whatever a forward pass says that was given a stand-in for a tensor
            name = self.path_of_module(m)
            self.opaque[name] = f"{type(m).__name__} cannot be traced: {first_line(error)}"
            return self.create_proxy("call_module", name, args, kwargs)


def trace(model: nn.Module, tracer: Tracer) -> tuple[fx.Graph | None, dict[str, str]]:
    """The graph of a model, None where it has none, and why modules are opaque in it ("" is the model itself)."""
    try:
        graph = tracer.trace(model)
    except Exception as error:  # as above
        return None, {"": f"{type(model).__name__} cannot be traced: {first_line(error)}"}
    return graph, tracer.opaque


def on_meta(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose parameters and buffers have no values."""
    known: dict[int, Any] = {
        id(weight): nn.Parameter(torch.empty_like(weight, device="meta"), requires_grad=False)
        for weight in model.parameters()
    }
    known |= {id(buffer): torch.empty_like(buffer, device="meta") for buffer in model.buffers()}
    return deepcopy(model, known).eval()


def is_layer(module: nn.Module) -> bool:
    """Whether it is a convolution or linear layer that computes as the stock one, from a weight of its own."""
    stock = isinstance(module, LAYERS) and type(module).forward in _STOCK
    return stock and "weight" in module._parameters and not is_hooked(module)


def is_hooked(module: nn.Module) -> bool:
    """Whether hooks look at, or change, what goes in or out; the topology's own does not."""
    ours = all(isinstance(hook, BeforeForward) for hook in module._forward_pre_hooks.values())
    return bool(module._forward_hooks) or not ours


@torch.no_grad()
def is_pointwise(module: nn.Module) -> bool:
    """Whether a module without parts or parameters, when tried, maps each number by itself, wherever it stands."""
    if any(True for parts in (module.children(), module.parameters(), module.buffers()) for _ in parts):
        return False
    numbers = torch.randn(72, generator=torch.Generator().manual_seed(0)) * 3
    order = torch.randperm(72, generator=torch.Generator().manual_seed(1))
    try:
        plain = module.forward(numbers.view(1, 4, 2, 3, 3).clone())  # torch.fx has its hand on calls of modules
        mixed, alone = module.forward(numbers[order].view(1, 4, 2, 3, 3)), module.forward(numbers[:1].clone())
    except Exception:  # it wants something else than one tensor of this shape
        return False
    if not all(isinstance(each, Tensor) for each in (plain, mixed, alone)) or plain.shape != (1, 4, 2, 3, 3):
        return False
    return _close(plain.flatten()[order], mixed.flatten()) and _close(plain.flatten()[:1], alone)


@torch.no_grad()
def is_channelwise(module: nn.Module, channels: int, dims: int) -> bool:
    """Whether a batch norm or pool, when tried, maps each channel by itself and constant ones to constants."""
    if type(module).forward in _CHANNELWISE:
        return True
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(2, channels, *(1,) * dims, generator=generator) for _ in range(2))
    even = torch.arange(channels) % 2 == 0
    like = next((each for each in (*module.parameters(), *module.buffers())), one)

    def run(numbers: Tensor) -> Tensor:
        wide = numbers.expand(-1, -1, *(9,) * dims).to(like.device, like.dtype)
        return torch.as_tensor(module(wide.clone())).cpu()

    try:
        plain, changed = run(one), run(torch.where(even.view(1, -1, *(1,) * dims), one, other))
    except Exception:  # it does not take what the stock one takes
        return False
    if plain.dim() != dims + 2 or plain.shape[:2] != (2, channels):
        return False
    apart, flat = _close(plain[:, even], changed[:, even]), plain.flatten(2)
    return apart and _close(flat, flat[..., :1].expand_as(flat))


def _close(one: Tensor, other: Tensor) -> bool:
    """Equal but for the last bits, in which vectorised code and its remainders differ."""
    return torch.allclose(one, other, rtol=1e-5, atol=1e-6)


def first_line(error: Exception) -> str:
    """What an error says, shortly."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
