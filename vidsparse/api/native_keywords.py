"""What a network says of itself: the clip it takes, how pixels are normalised, what its logits are called."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from vidsparse.api.given_network import Network, modules_of
from vidsparse.models.model_rows import MODELS, NORMALIZE, Normalization
from vidsparse.models.weights.labels import names_in
from vidsparse.sparsity.layer_selection import unwrap
from vidsparse.utils.errors import ConfigError, VidsparseError, some

_PLAIN = "the preset of a transform, a (mean, std) of three numbers each, or one of {}"


@dataclass(frozen=True)
class Native:
    """What is known of a network; None or empty where it says nothing.

    `margin`: the short side that pictures are resized to before the crop, over the side of the crop. `images`: it takes
    (B, 3, H, W).
    """

    name: str
    frames: int | None = None
    size: int | None = None
    normalize: Normalization | None = None
    labels: tuple[str, ...] = ()
    images: bool = False
    margin: float = 1.0


def native_of(model: Network) -> Native:
    """What a network says of itself: ours (`create_model`), timm's and those of transformers say something."""
    inside = modules_of(model)
    if len(inside) != 1:
        return Native(getattr(model, "__name__", type(model).__name__).strip("<>"))
    network = _bare(inside[0])
    name = str(getattr(network, "zoo_name", type(network).__name__))
    if name in MODELS or hasattr(network, "example_shape"):
        return _ours(name, network)
    if isinstance(said := getattr(network, "pretrained_cfg", None), Mapping) and {"mean", "std"} <= said.keys():
        size = tuple(said.get("input_size") or ())
        margin = 1 / float(said.get("crop_pct") or 1)
        return Native(name, 1, size[-1] if size else None, normalization(said), images=True, margin=margin)
    return _transformers(name, getattr(network, "config", None))


def _bare(network: nn.Module) -> nn.Module:
    """The network inside DataParallel, torch.compile and the like."""
    try:
        return unwrap(network)
    except VidsparseError:  # a sharded one stays as it is
        return network


def _ours(name: str, network: nn.Module) -> Native:
    shape: Any = getattr(network, "example_shape", None)
    frames, size = (shape[2], shape[-1]) if shape else (None, None)
    row = MODELS.get(name)
    if row:
        return Native(name, frames, size, NORMALIZE[row.normalize], margin=row.short_side / row.size)
    said = getattr(network, "pretrained_cfg", None)
    known = isinstance(said, Mapping) and {"mean", "std"} <= said.keys()
    margin = 1 / float(said.get("crop_pct") or 1) if isinstance(said, Mapping) else 1.0
    return Native(name, frames, size, normalization(said) if known else None, margin=margin)


def _transformers(name: str, config: Any) -> Native:
    """What a network of transformers says; LABEL_0 and the like are no names."""
    frames, size = (getattr(config, key, None) for key in ("num_frames", "image_size"))
    names = names_in(dict(said)) if isinstance(said := getattr(config, "id2label", None), Mapping) else None
    labels = tuple(each[0] for each in names or ())
    if any(re.fullmatch(r"LABEL_\d+", label) for label in labels):
        labels = ()
    frames, size = (each if isinstance(each, int) else None for each in (frames, size))
    return Native(name, frames, size, labels=labels)


def normalization(said: Any) -> Normalization:
    """Mean and deviation of pixels in [0, 1], as a person or a library says them.

    Args:
        said: a name of our presets; (mean, std); a mapping or an object with `mean` and `std` (timm's data config, the
            preset of torchvision's weights, a Normalize) or `image_mean` and `image_std` (an image processor).

    Raises:
        ConfigError: it is none of these, or the numbers are for other pixels, 0 to 255.

    >>> normalization("half") == normalization(((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    True
    """
    if isinstance(said, Normalization):
        return said
    if isinstance(said, str):
        if said not in NORMALIZE:
            raise ConfigError(f"normalize={said!r}: give {_PLAIN.format(', '.join(NORMALIZE))}")
        return NORMALIZE[said]
    mean, std = _pair(said)
    if len(mean) != 3 or len(std) != 3:
        raise ConfigError(f"normalize: mean {some([*map(str, mean)])} and std {some([*map(str, std)])} are three each")
    if max(map(abs, mean)) > 1 or not all(0 < each <= 1 for each in std):
        raise ConfigError(
            f"normalize: mean {mean} and std {std} are not of pixels scaled to [0, 1]; divide those for 0 to 255 by 255"
        )
    return Normalization((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


def _pair(said: Any) -> tuple[list[float], list[float]]:
    for keys in (("mean", "std"), ("image_mean", "image_std")):
        if isinstance(said, Mapping) and {*keys} <= said.keys():
            return _numbers(said[keys[0]]), _numbers(said[keys[1]])
        if all(hasattr(said, key) for key in keys) and not hasattr(said, "shape"):  # an array has a method `mean`
            return _numbers(getattr(said, keys[0])), _numbers(getattr(said, keys[1]))
    if isinstance(said, Sequence) and len(said) == 2:
        return _numbers(said[0]), _numbers(said[1])
    raise ConfigError(f"normalize={said!r}: give {_PLAIN.format(', '.join(NORMALIZE))}")


def _numbers(said: Any) -> list[float]:
    try:
        return [float(each) for each in said]
    except (TypeError, ValueError):
        raise ConfigError(f"normalize: {said!r} is not three numbers") from None


def preset_of(wanted: Normalization) -> str:
    """The name of a preset with exactly these numbers; "" where there is none."""
    return next((name for name, row in NORMALIZE.items() if row == wanted), "")
