"""Networks of somebody's own: built with what their builder asks for, and tried once before they are used."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from vidsparse.plugins.blame import culprit_of
from vidsparse.utils.called import called
from vidsparse.utils.errors import ConfigError, first_line


def built(
    name: str, build: Callable[..., Any], num_classes: int, frames: int, size: int, *, masks: bool = False
) -> nn.Module:
    """The network that `build` gives, of name, num_classes, frames and size by name.

    One clip of zeros goes through it, in evaluation mode, so that what is no logits (B, num_classes), or with `masks`
    (B, num_classes, T, H, W), is refused here. Torch's generator is left as building leaves it.

    Raises:
        ConfigError: it asks for something else, gives no module, or one that takes or answers something else.
    """
    what = f"model {name}"
    model = called(what, build, name=name, num_classes=num_classes, frames=frames, size=size)
    if not isinstance(model, nn.Module):
        raise ConfigError(f"{what}: its builder gives a {type(model).__name__}, not a torch.nn.Module")
    wanted = (1, num_classes, frames, size, size) if masks else (1, num_classes)
    shape = _shape(what, model, (1, 3, frames, size, size))
    if shape != wanted:
        raise ConfigError(f"{what}: it answers a clip (1, 3, {frames}, {size}, {size}) with {shape}, not {wanted}")
    return model


@torch.no_grad()
def _shape(what: str, model: nn.Module, example: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the answer to an example; the modes of all modules stay as they are."""
    modes = {module: module.training for module in model.modules()}
    try:
        with torch.random.fork_rng(devices=[]):
            answer = model.eval()(torch.zeros(example))
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ConfigError(
            f"{what}: it cannot take a clip {example}: {culprit_of(error) or first_line(error)}"
        ) from error
    finally:
        for module, mode in modes.items():
            module.training = mode
    answer = answer if isinstance(answer, torch.Tensor) else next(iter(answer), None)
    return tuple(answer.shape) if isinstance(answer, torch.Tensor) else ()
