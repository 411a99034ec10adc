"""Anybody's network as the evaluation asks one: in evaluation mode, on its own device, in its own precision."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vidsparse.models.model_rows import Normalization
from vidsparse.utils.errors import ConfigError, DataError, some

MOST = 32_767  # classes that the table of predictions can number
Network = Callable[[Any], Any]  # from (B, 3, T, H, W) to logits, in any of the forms that `logits_of` knows


def modules_of(model: Network) -> list[nn.Module]:
    """The networks in a callable: itself, or what a method, a partial, a function or an object's attributes hold."""
    if isinstance(model, nn.Module):
        return [model]
    if isinstance(model, partial):
        inner: list[Any] = [model.func, *model.args, *model.keywords.values()]
    elif inspect.ismethod(model):
        inner = [model.__self__]
    elif inspect.isfunction(model):
        held = inspect.getclosurevars(model)
        defaults = (*(model.__defaults__ or ()), *(model.__kwdefaults__ or {}).values())
        inner = [*held.nonlocals.values(), *held.globals.values(), *defaults]
    else:
        inner = [*getattr(model, "__dict__", {}).values()]
    found = [each for each in inner if isinstance(each, nn.Module)]
    return found or [module for each in inner if inspect.ismethod(each) for module in modules_of(each)]


@contextmanager
def evaluating(model: Network) -> Iterator[None]:
    """While the body runs all networks in a callable are in evaluation mode; then every module is as it was."""
    modules = [module for network in modules_of(model) for module in network.modules()]
    before = [(module, module.training) for module in modules]
    try:
        for network in modules_of(model):
            network.eval()
        yield
    finally:
        for module, training in before:
            module.training = training


def place_of(model: Network) -> tuple[torch.device, torch.dtype]:
    """The device and the precision of a network's first parameter; the CPU and 32 bit where there is none."""
    tensors = (each for network in modules_of(model) for each in (*network.parameters(), *network.buffers()))
    first = next((each for each in tensors if each.is_floating_point()), torch.empty(0))
    return first.device, first.dtype


@dataclass
class GivenNetwork:
    """A callable that gives the logits of somebody's network, float (B, answers), in the order of the data's classes.

    `seen` is how many logits it gave; None until it was asked. `last`: the highest label of the clips, and the id of
    one with it.

    Args:
        model: the network.
        rows: for each answer the logits that are it, of which the largest counts; None where they are as they come.
        logits: how many there must be; None where nobody says.
        scale: mean and deviation that pixels in [0, 1] are still to be normalised by; None where they are already.
        images: the network takes (B, 3, H, W): it is asked frame by frame, and the mean of its logits counts.
    """

    model: Network
    rows: Sequence[tuple[int, ...]] | None = None
    logits: int | None = None
    scale: Normalization | None = None
    images: bool = False
    seen: int | None = field(default=None, init=False)
    last: tuple[int, str] = field(default=(-1, ""), init=False)

    def __call__(self, clips: Tensor) -> Tensor:
        """Logits float (B, answers) of clips float (B, 3, T, H, W)."""
        if self.scale:
            mean, deviation = (clips.new_tensor(each).view(3, 1, 1, 1) for each in (self.scale.mean, self.scale.std))
            clips = (clips - mean) / deviation
        device, dtype = place_of(self.model)
        clips = clips.to(device, dtype)
        count = len(clips)
        said = self.model(clips.transpose(1, 2).flatten(0, 1) if self.images else clips)
        logits = logits_of(said, count * clips.shape[2] if self.images else count)
        self._check(logits.shape[1])
        logits = logits.unflatten(0, (count, -1)).mean(1) if self.images else logits
        if self.rows is None:
            return logits
        most = max(map(len, self.rows))
        places = torch.tensor([[*row, *row[:1] * (most - len(row))] for row in self.rows], device=logits.device)
        best: Tensor = logits[:, places.flatten()].unflatten(1, (-1, most)).amax(2)
        return best

    def _check(self, count: int) -> None:
        if self.logits is not None and count != self.logits:
            raise ConfigError(
                f"the model gives logits of {count} classes, and by labels= or the data there are {self.logits}; say "
                "labels=[...], the name of each logit's class, for a model of other classes"
            )
        if count > MOST:
            raise ConfigError(f"the model gives logits of {count:,} classes; at most {MOST:,} can be told apart")
        if self.rows is None and self.last[0] >= count:
            raise DataError(
                f"data, clip {self.last[1]}: its label is {self.last[0]}, and the model gives logits of {count} "
                f"classes, 0 to {count - 1}"
            )
        if self.seen not in (None, count):
            raise ConfigError(f"the model gave logits of {self.seen} classes, and now of {count}")
        self.seen = count


def logits_of(said: Any, clips: int) -> Tensor:
    """The logits (clips, classes) in what a network returns: a tensor, or the one thing of this shape that it holds.

    `.logits` of an object and "logits" of a mapping are taken by name. ConfigError where there is none, or several.
    """
    named = said.get("logits") if isinstance(said, Mapping) else getattr(said, "logits", None)
    if isinstance(named, Tensor):
        said = named
    if isinstance(said, Mapping | tuple | list):
        inside = said.values() if isinstance(said, Mapping) else said
        fitting = [each for each in inside if isinstance(each, Tensor) and each.dim() == 2 and len(each) == clips]
        if len(fitting) != 1:
            raise ConfigError(
                f"the model gives {_described(said)}, of which {len(fitting)} could be logits ({clips}, classes); give "
                "a function that returns the logits alone, such as lambda clips: model(clips)[0]"
            )
        said = fitting[0]
    if not isinstance(said, Tensor) or said.dim() != 2 or len(said) != clips:
        raise ConfigError(f"the model gives {_described(said)}; what is evaluated are logits ({clips}, classes)")
    if not said.is_floating_point():
        raise ConfigError(f"the model gives {said.dtype} values; logits are floating-point numbers")
    return said


def _described(said: Any) -> str:
    if isinstance(said, Tensor):
        return f"a tensor {tuple(said.shape)}"
    if isinstance(said, Mapping):
        return f"a {type(said).__name__} of {some([f'{key} ({_described(each)})' for key, each in said.items()], 6)}"
    if isinstance(said, tuple | list):
        return f"a {type(said).__name__} of {some([_described(each) for each in said], 6)}"
    return f"a {type(said).__name__}"
