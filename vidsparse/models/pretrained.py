"""Networks that begin with somebody's weights: evaluated as they are, or fine-tuned under a new head."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vidsparse.errors import ConfigError, some
from vidsparse.models.adapt import Stock, adapted
from vidsparse.models.checkpoints import Fit, fit_tensors, read_tensors, refuse_misfits
from vidsparse.models.labels import SPACES, find_classes, match_classes
from vidsparse.models.weights import Weights, find_weights
from vidsparse.models.zoo import create_model, model_spec

_INIT = "training.init"


def evaluated(
    name: str, classes: Sequence[str], frames: int, size: int, reference: str, labels: str, answers: str
) -> tuple[nn.Module, dict[str, Any]]:
    """A network with its weights, whose first logits are those of `classes`, and what there is to say of them.

    Args:
        name: a row of the model table.
        classes: those of the data, in the order of its labels; none where nobody knows them: the answers are then
            all classes of the weights.
        frames: clip length.
        size: side of a frame in pixels.
        reference: as `find_weights` takes it.
        labels: "auto", "order" (the head's rows are the data's classes), or as `find_classes` takes it.
        answers: "all" leaves the logits of other classes of the weights behind those of the data, so that a network
            of 1000 classes may be wrong in 1000 ways; "data" leaves them out, as ImageNet-A and ImageNet-R do.

    Raises:
        ConfigError: weights that do not fit the network, or classes that cannot be told.
    """
    weights = find_weights(model_spec(name), reference)
    tensors = read_tensors(weights.path)
    fit = fit_tensors(tensors, _shapes(name, len(classes) or 1, frames, size))
    if fit.classes:
        fit = fit_tensors(tensors, _shapes(name, fit.classes[0], frames, size))
    refuse_misfits(fit, weights.path)
    count = _head(name, frames, size, fit)
    order, how, names = _order(classes, count, weights, labels)
    model = create_model(name, count, frames, size)
    model.load_state_dict({**model.state_dict(), **fit.tensors})
    others = sorted(set(range(count)) - set(order)) if answers == "all" or not order else []
    if [*order, *others] != list(range(count)):
        model = adapted(model, _answers_first)
        model.register_buffer("answers", torch.tensor([*order, *others]), persistent=False)
    said = {
        "origin": weights.origin,
        "file": weights.path.name,
        "sha256": weights.sha256,
        "notes": list(fit.notes),
        "labels": how,
        "classes": count,
        "answers": len(order) + len(others),
        "names": names or [str(number) for number in range(count)],
    }
    return model, said


def initialize(model: nn.Module, name: str, frames: int, size: int, reference: str) -> dict[str, Any]:
    """Load all of `model` but its head from weights, in place; returns what there is to say of it.

    The head is what depends on the number of classes. ConfigError where anything else does not fit; nothing is then
    loaded.
    """
    weights = find_weights(model_spec(name), reference, _INIT)
    wanted, head = model.state_dict(), _head_keys(name, frames, size)
    backbone = {key: tensor for key, tensor in wanted.items() if key not in head}
    tensors = read_tensors(weights.path, _INIT)
    fit = fit_tensors(tensors, wanted)
    aside: list[str] = []
    only_head = fit.classes and all(fit.tensors[key].shape == backbone[key].shape for key in backbone)
    if not fit.whole and not only_head:
        fit = fit_tensors(tensors, backbone)
        rooms = {key.partition(".")[0] for key in backbone}
        aside = [key for key in fit.unknown if key in head or key.partition(".")[0] not in rooms]
        fit = replace(fit, unknown=tuple(key for key in fit.unknown if key not in aside))
    loaded = {key: fit.tensors[key] for key in backbone if key in fit.tensors}
    refuse_misfits(replace(fit, tensors=loaded, misfits=() if only_head else fit.misfits), weights.path, _INIT)
    model.load_state_dict({**wanted, **loaded})
    notes = [*fit.notes, *([f"left aside: {some(aside, 4)}"] if aside else [])]
    return {
        "origin": weights.origin,
        "file": weights.path.name,
        "sha256": weights.sha256,
        "notes": [*notes, f"new head: {', '.join(head)}"],
    }


def _answers_first(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """The logits of a network in the order of `model.answers`, (B, answers)."""
    logits: Tensor = stock(clips)
    return logits.index_select(1, model.get_buffer("answers"))


def _shapes(name: str, classes: int, frames: int, size: int) -> dict[str, Tensor]:
    """The state dict of a network that takes no memory."""
    with torch.device("meta"):
        return create_model(name, classes, frames, size).state_dict()


def _head_keys(name: str, frames: int, size: int) -> list[str]:
    """Names of the parameters whose shapes depend on the number of classes."""
    two, three = (_shapes(name, classes, frames, size) for classes in (2, 3))
    return [key for key, tensor in two.items() if tensor.shape != three[key].shape]


def _head(name: str, frames: int, size: int, fit: Fit) -> int:
    """How many classes the weights have."""
    return len(fit.tensors[_head_keys(name, frames, size)[0]])


def _order(classes: Sequence[str], count: int, weights: Weights, labels: str) -> tuple[list[int], str, list[str]]:
    """Which logit is which class of the data, how that is known, and what the logits are called, if anybody knows."""
    if labels == "order" and count != len(classes):
        raise ConfigError(f"model.labels=order: the weights have {count} classes, the data {len(classes)}")
    if labels == "order":
        return list(range(count)), "by order", []
    if labels != "auto":
        names, how = find_classes(labels), labels
    elif weights.classes:
        names, how = weights.classes, weights.origin
    else:
        fitting = (space for space, size in SPACES.items() if size == count and _all_known(classes, space))
        how = next(fitting, "")
        names = find_classes(how) if how else ()
    if names:
        if len(names) != count:
            raise ConfigError(f"model.labels: {how} names {len(names)} classes, the weights have {count}")
        return match_classes(classes, names), f"by name, {how}", [words[0] for words in names]
    if len(classes) in (0, count):
        return list(range(len(classes))), "by order: the file names no classes", []
    raise ConfigError(
        f"model.weights: {weights.path} does not fit the data: it has {count} classes, the data {len(classes)}; give "
        f"their names by model.labels ({', '.join(SPACES)}, or a file), or fine-tune with training.init"
    )


def _all_known(classes: Sequence[str], space: str) -> bool:
    try:
        match_classes(classes, find_classes(space))
    except ConfigError:
        return False
    return True
