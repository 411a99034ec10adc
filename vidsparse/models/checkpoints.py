"""Parameters from files. A file fits wholly or is refused with the list of what does not fit."""

from os import PathLike
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vidsparse.errors import ConfigError

_SHOWN = 6  # misfits spelled out in one message


def load_weights(model: nn.Module, path: str | PathLike[str]) -> None:
    """Load a .safetensors file, as our runs write it, with exactly `model`'s keys and shapes.

    ConfigError naming the file where it is missing, unreadable or does not fit; `model` is then untouched.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ConfigError(f"model.weights: {path} is not a .safetensors file")
    if not path.is_file():
        raise ConfigError(f"model.weights: {path} does not exist")
    try:
        found = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigError(f"model.weights: {path} cannot be read ({error})") from error
    wrong = _misfits(found, model.state_dict())
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ConfigError(f"model.weights: {path} does not fit the network: {'; '.join(wrong[:_SHOWN])}{more}")
    model.load_state_dict(found)


def _misfits(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> list[str]:
    """One phrase for every key that only one side has or whose shapes differ, class counts first."""
    both = [(key, found[key].shape, wanted[key].shape) for key in wanted if key in found]
    shapes = [(key, has, needs) for key, has, needs in both if has != needs]
    classes = {(has[0], needs[0]) for _, has, needs in shapes if has and needs and has[1:] == needs[1:]}
    return [
        *(f"it has {has} classes, the network {needs}" for has, needs in classes if len(classes) == 1),
        *(f"{key} is {tuple(has)} there, {tuple(needs)} here" for key, has, needs in shapes),
        *(f"{key} is missing there" for key in wanted if key not in found),
        *(f"{key} is unknown here" for key in found if key not in wanted),
    ]
