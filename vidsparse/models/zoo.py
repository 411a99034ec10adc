"""Every model is a row of one table. Reading it imports no torch; building a row imports what that row needs."""

import fnmatch
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Literal

from corruptions.errors import nearest
from vidsparse.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Normalization:
    """Per-channel RGB mean and standard deviation of inputs scaled to [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


NORMALIZE: dict[str, Normalization] = {
    "kinetics": Normalization((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)),
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "pytorchvideo": Normalization((0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
    "half": Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


@dataclass(frozen=True)
class ModelSpec:
    """One row: how a network is built and the input that its published weights were trained on."""

    name: str
    build: str  # "module:function" of (name, num_classes, frames, size) -> nn.Module
    family: Literal["video", "image"]  # what one sample is: an image is a clip of one frame
    frames: int  # native clip length
    size: int  # native side in pixels
    normalize: str  # a key of NORMALIZE
    source: str  # the paper
    min_size: int = 32  # smallest side in pixels that is accepted


_TORCHVISION = "vidsparse.models.video:build_torchvision"
_PYTORCHVIDEO = "vidsparse.models.video:build_pytorchvideo"
_R2PLUS1D = "Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018"
_SLOWFAST = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
_I3D = "Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017 (ResNet-50, inflated)"
_X3D = "Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition, CVPR 2020"

_ROWS = (
    ModelSpec("r3d_18", _TORCHVISION, "video", 16, 112, "kinetics", _R2PLUS1D),
    ModelSpec("mc3_18", _TORCHVISION, "video", 16, 112, "kinetics", _R2PLUS1D),
    ModelSpec("r2plus1d_18", _TORCHVISION, "video", 16, 112, "kinetics", _R2PLUS1D),
    ModelSpec("slow_r50", _PYTORCHVIDEO, "video", 8, 224, "pytorchvideo", _SLOWFAST),
    ModelSpec("i3d_r50", _PYTORCHVIDEO, "video", 8, 224, "pytorchvideo", _I3D),
    ModelSpec("x3d_s", _PYTORCHVIDEO, "video", 13, 160, "pytorchvideo", _X3D),
)
MODELS: dict[str, ModelSpec] = {row.name: row for row in _ROWS}


def list_models(pattern: str = "*") -> tuple[str, ...]:
    """Names that match a shell pattern, in the order of the table.

    >>> list_models("r*")
    ('r3d_18', 'r2plus1d_18')
    """
    return tuple(fnmatch.filter(MODELS, pattern))


def model_spec(name: str) -> ModelSpec:
    """The row called `name`; ConfigError naming the nearest one where there is none."""
    if name in MODELS:
        return MODELS[name]
    close = nearest(name.lower(), MODELS)
    hint = f"did you mean {close!r}?" if close else "there is " + ", ".join(MODELS)
    raise ConfigError(f"model.name: unknown model {name!r}, {hint}")


def check_model(name: str, num_classes: int, frames: int, size: int) -> ModelSpec:
    """The row called `name`, once it is certain that it can be built so; else ConfigError. Imports no torch."""
    spec = model_spec(name)
    for what, value, least in (("classes", num_classes, 1), ("frames", frames, 1), ("pixels", size, spec.min_size)):
        if value < least:
            raise ConfigError(f"model {name} needs at least {least} {what}, not {value}")
    return spec


def create_model(
    name: str, num_classes: int, frames: int = 16, size: int = 112, weights: str | PathLike[str] | None = None
) -> "nn.Module":
    """Build a network for clips of `frames` frames, `size` pixels square, and load `weights` into it.

    Input float (B, 3, T, H, W), normalised; output logits (B, num_classes), never probabilities. Parameters are a
    function of torch's seed. `weights` is a local .safetensors file with exactly this network's keys and shapes.
    ConfigError on an unknown name, an impossible size, or weights that do not fit; nothing is ever downloaded.
    """
    spec = check_model(name, num_classes, frames, size)
    module, function = spec.build.split(":")
    model: nn.Module = getattr(import_module(module), function)(name, num_classes, frames, size)
    if weights is not None:
        from vidsparse.models.checkpoints import load_weights

        load_weights(model, weights)
    return model
