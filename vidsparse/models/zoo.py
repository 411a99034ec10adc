"""Networks by their names: the table of models, and what builds a row of it. Building imports what that row needs."""

from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING

from vidsparse.models.model_rows import (
    MODELS,
    NORMALIZE,
    TIMM,
    ModelSpec,
    Normalization,
    check_model,
    known_models,
    list_models,
    listed,
    model_spec,
    suggest_model,
    timm_names,
)
from vidsparse.models.weights.find import find_weights
from vidsparse.tasks import TASKS
from vidsparse.utils.progress import warn

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "MODELS",
    "NORMALIZE",
    "TIMM",
    "ModelSpec",
    "Normalization",
    "check_model",
    "create_model",
    "known_models",
    "list_models",
    "listed",
    "model_spec",
    "suggest_model",
    "timm_names",
]


def _built(spec: ModelSpec, num_classes: int, frames: int, size: int) -> "nn.Module":
    """The network of a row; ConfigError where one of somebody's own is none, or answers with anything but logits."""
    if isinstance(spec.build, str):
        module, function = spec.build.split(":")
        stock: nn.Module = getattr(import_module(module), function)(spec.name, num_classes, frames, size)
        return stock
    from vidsparse.models.own import built

    return built(spec.name, spec.build, num_classes, frames, size, masks=TASKS[spec.task].masks)


def create_model(
    name: str | ModelSpec,
    num_classes: int,
    frames: int = 16,
    size: int = 112,
    weights: str | PathLike[str] | None = None,
    narrowed: float = 0.0,
) -> "nn.Module":
    """Build a network for clips of `frames` frames, `size` pixels square, and load `weights` into it.

    Input float (B, 3, T, H, W), normalised; output logits (B, num_classes), never probabilities. Networks for
    segmentation give logits (B, num_classes, T, H, W) and, in training, with an auxiliary head two such maps.
    Parameters are a function of torch's seed, their names those of the stock network.

    Args:
        name: a row of the table, by its name or itself, "timm/NAME", or "module:attribute" of what builds one; networks
            for images give the mean of their logits over the frames.
        num_classes: logits of the head.
        frames: clip length T; an odd one is made even by repeating the last frame where a network takes pairs.
        size: side of a frame in pixels.
        weights: a local file, one of our run folders, the name of published weights (KINETICS400_V1, pretrained) or
            hf://ORG/NAME@REVISION (`vidsparse.models.weights.find.find_weights`). Only published ones are downloaded.
        narrowed: the share, 0 to 1, of the prunable weights that narrower layers do without (`narrowing.narrow`): a
            dense network of as many weights as one of this sparsity. `weights` are then of a network narrowed so.

    Raises:
        ConfigError: an unknown name, an impossible size, a package that is not installed, weights that do not fit.
    """
    spec = check_model(name, num_classes, frames, size)
    model = _built(spec, num_classes, frames, size)
    model.example_shape = (1, 3, frames, size, size)  # type: ignore[assignment]  # for who wants to see it work
    model.zoo_name = name  # type: ignore[assignment]  # and to know its input
    if narrowed:
        from vidsparse.models.narrowing import narrow

        model.narrowed_to = narrow(model, narrowed)  # type: ignore[assignment]  # for the record of a run
    if weights is not None:
        from vidsparse.models.weights.checkpoints import load_weights

        found = find_weights(spec, weights)
        for note in load_weights(model, found.path, part=found.part):
            warn(f"model.weights: {note}")
        model.weights_were_trained = True  # type: ignore[assignment]  # so that sparsify keeps the largest of them
    return model
