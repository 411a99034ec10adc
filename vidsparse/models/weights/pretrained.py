"""Networks that begin with somebody's weights: evaluated as they are, or fine-tuned under a new head."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import torch
from torch import Tensor, nn

from vidsparse.classes.matching import SETS, Lookup, find_all, plain, sets_of
from vidsparse.classes.spaces import ambiguous
from vidsparse.models.adapt import Stock, adapted
from vidsparse.models.exported import Exported
from vidsparse.models.exported_files import changed_since, is_exported, origin_of, other_network
from vidsparse.models.model_rows import model_spec
from vidsparse.models.weights.averages import Place
from vidsparse.models.weights.checkpoints import Fit, fit_tensors, refuse_misfits
from vidsparse.models.weights.find import Weights, find_weights
from vidsparse.models.weights.labels import SPACES, Names, find_classes, one_each
from vidsparse.models.weights.state_dicts import read_tensors
from vidsparse.models.zoo import create_model
from vidsparse.run_dir.record import WeightsRecord
from vidsparse.utils.errors import ConfigError, some

_INIT = "training.init"


@dataclass(frozen=True)
class Given:
    """Weights that are evaluated as they are.

    Args:
        reference: as `find_weights` takes it.
        labels: "auto" (as the weights say, or what they must be), "order" (the head's rows are the data's classes),
            or as `find_classes` takes it.
        answers: "all" leaves the logits of other classes of the weights behind those of the data, so that a network
            of 1000 classes may be wrong in 1000 ways; "data" leaves them out, as ImageNet-A and ImageNet-R do.
        narrowed: the share that the network was narrowed by, see `create_model`.
    """

    reference: str
    labels: str = "auto"
    answers: str = "all"
    narrowed: float = 0.0


def evaluated(
    name: str, classes: Sequence[str], frames: int, size: int, given: Given
) -> tuple[nn.Module, WeightsRecord]:
    """A network with its weights, whose first logits are those of `classes`, and what there is to say of them.

    Args:
        name: a row of the model table.
        classes: those of the data, in the order of its labels; none where nobody knows them: the answers are then
            all classes of the weights.
        frames: clip length.
        size: side of a frame in pixels.
        given: its weights.

    Raises:
        ConfigError: weights that do not fit the network, or classes that cannot be told.
    """
    weights = find_weights(model_spec(name), given.reference)
    if is_exported(weights.path):
        if why := other_network(weights.path, name, given.narrowed) or changed_since(weights.path):
            raise ConfigError(f"model.weights={given.reference}: {why}")
        network, notes = Exported(weights.path), (origin_of(weights.path),)
        return _answering(network, network.classes(frames, size), classes, weights, given, notes)
    tensors = read_tensors(weights.path, part=weights.part)
    fit = _fitted(tensors, name, len(classes) or 1, frames, size, given.narrowed)
    refuse_misfits(fit, weights.path)
    count = _head(name, frames, size, fit)
    model = create_model(name, count, frames, size, narrowed=given.narrowed)
    model.load_state_dict({**model.state_dict(), **fit.tensors})
    return _answering(model, count, classes, weights, given, tuple(fit.notes))


def _answering(
    model: nn.Module, count: int, classes: Sequence[str], weights: Weights, given: Given, notes: tuple[str, ...]
) -> tuple[nn.Module, WeightsRecord]:
    """A network of `count` logits as `evaluated` gives it."""
    order, how, names = _order(classes, count, weights, given.labels)
    rows = answer_rows(order, count, given.answers == "all" or not order)
    if rows != [(place,) for place in range(count)]:
        most = max(map(len, rows))
        model = adapted(model, _answers_first)
        filled = [[*places, *places[:1] * (most - len(places))] for places in rows]
        model.register_buffer("answers", torch.tensor(filled).squeeze(1), persistent=False)
    return model, WeightsRecord(
        origin=weights.origin,
        file=weights.path.name + (f"#{weights.part}" if weights.part else ""),
        sha256=weights.sha256,
        notes=notes,
        labels=how,
        classes=count,
        answers=len(rows),
        class_names=tuple(names) or None,
        joined=joined(classes, order, names),
    )


def answer_rows(order: Sequence[tuple[int, ...]], count: int, others: bool) -> list[tuple[int, ...]]:
    """The logits of each answer: of the classes of the data, then, with `others`, of what else there is.

    >>> answer_rows([(2,), (0,)], 4, others=True)
    [(2,), (0,), (1,), (3,)]
    """
    taken = {place for places in order for place in places}
    rest = sorted(set(range(count)) - taken) if others else []
    return [*order, *((place,) for place in rest)]


def known_head(classes: Sequence[str], name: str, reference: str, labels: str) -> str:
    """How it is known that the head of weights that are trained further numbers these classes as the data does.

    ConfigError where it does not, or nobody knows: a head that is matched by position alone would begin with the
    answers of other classes.
    """
    weights = find_weights(model_spec(name), reference)
    places, how, _ = _order(classes, len(classes), weights, labels)
    other = [number for number, place in enumerate(places) if place != (number,)]
    if other:
        number, place = other[0], places[other[0]][0]
        raise ConfigError(
            f"model.weights={reference}: its head numbers the classes otherwise than the data ({classes[number]} is "
            f"number {number} of the data and {place} of the weights); training.init={reference} takes all but the head"
        )
    return how


def initialize(model: nn.Module, name: str, frames: int, size: int, reference: str) -> WeightsRecord:
    """Load all of `model` but its head from weights, in place; returns what there is to say of it.

    The head is what depends on the number of classes. ConfigError where anything else does not fit; nothing is then
    loaded.
    """
    weights = find_weights(model_spec(name), reference, _INIT)
    wanted, head = model.state_dict(), _head_keys(name, frames, size)
    backbone = {key: tensor for key, tensor in wanted.items() if key not in head}
    tensors = read_tensors(weights.path, _INIT, weights.part)
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
    return WeightsRecord(
        origin=weights.origin,
        file=weights.path.name + (f"#{weights.part}" if weights.part else ""),
        sha256=weights.sha256,
        notes=(*notes, f"new head: {', '.join(head)}"),
    )


def _answers_first(model: nn.Module, stock: Stock, clips: Tensor) -> Tensor:
    """The logits of a network in the order of `model.answers`, (B, answers).

    Where several logits are one class, a row of `answers` has them all: the largest stands for them, so that the class
    is answered where any of them is.
    """
    logits: Tensor = stock(clips)
    answers = model.get_buffer("answers")
    if answers.ndim == 1:
        return logits.index_select(1, answers)
    best: Tensor = logits.index_select(1, answers.flatten()).unflatten(1, tuple(answers.shape)).amax(2)
    return best


def joined(
    classes: Sequence[str], order: Sequence[tuple[int, ...]], names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """{class of the data: what the weights call it} where the two are not one name."""
    called = (
        {name: tuple(names[i] for i in places) for name, places in zip(classes, order, strict=True)} if names else {}
    )
    return {name: theirs for name, theirs in called.items() if [plain(each) for each in theirs] != [plain(name)]}


def _shapes(name: str, classes: int, frames: int, size: int, narrowed: float = 0.0) -> dict[str, Tensor]:
    """The state dict of a network that takes no memory."""
    with torch.device("meta"):
        return create_model(name, classes, frames, size, narrowed=narrowed).state_dict()


def _fitted(tensors: list[Place], name: str, classes: int, frames: int, size: int, narrowed: float) -> Fit:
    """Tensors of a file under the names of a network of as many classes as they have, whatever the data has.

    All widths of a narrowed network depend on its classes, so that none may fit where the head has other rows.
    """
    fit = fit_tensors(tensors, _shapes(name, classes, frames, size, narrowed))
    count = fit.classes[0] if fit.classes else classes
    if narrowed and not fit.whole and (head := _head_keys(name, frames, size)[0]) in fit.tensors:
        count = len(fit.tensors[head])
    return fit if count == classes else fit_tensors(tensors, _shapes(name, count, frames, size, narrowed))


def _head_keys(name: str, frames: int, size: int) -> list[str]:
    """Names of the parameters whose shapes depend on the number of classes."""
    two, three = (_shapes(name, classes, frames, size) for classes in (2, 3))
    return [key for key, tensor in two.items() if tensor.shape != three[key].shape]


def _head(name: str, frames: int, size: int, fit: Fit) -> int:
    """How many classes the weights have."""
    return len(fit.tensors[_head_keys(name, frames, size)[0]])


def answered_classes(name: str, classes: Sequence[str], frames: int, size: int, given: Given) -> list[tuple[str, ...]]:
    """For each class of the data what its weights call it: one name, several of which any counts, or none.

    Only actions of UCF101, HMDB51 and Kinetics are looked up; everything else is left to `evaluated`, which refuses
    what it cannot match, and answers with no list here. Arguments as for `evaluated`.
    """
    labels = given.labels
    if labels == "order" or not sets_of(classes):
        return []
    weights = find_weights(model_spec(name), given.reference)
    count = len(weights.classes or ())
    if labels == "auto" and not weights.classes and not is_exported(weights.path):
        tensors = read_tensors(weights.path, part=weights.part)
        fit = _fitted(tensors, name, len(classes), frames, size, given.narrowed)
        count = _head(name, frames, size, fit) if fit.whole else len(classes)
    names, _ = _names(classes, count, weights, labels)
    if not sets_of([each[0] for each in names]):
        return []
    return [tuple(names[place][0] for place in places) for places in find_all(classes, names)]


def _order(
    classes: Sequence[str], count: int, weights: Weights, labels: str
) -> tuple[list[tuple[int, ...]], str, list[str]]:
    """Which logits are which class of the data, how that is known, and what the logits are called, if anybody knows."""
    if labels == "order":
        if count != len(classes):
            raise ConfigError(f"model.labels=order: the weights have {count} classes, the data {len(classes)}")
        return [(place,) for place in range(count)], "by order, as model.labels=order says", list(classes)
    names, how = _names(classes, count, weights, labels)
    if not names and not classes:
        return [], "unknown: the file names no classes", []
    if not names:
        _refuse_unnamed(classes, count, weights)
    if len(names) != count:
        raise ConfigError(f"model.labels: {how} names {len(names)} classes, the weights have {count}")
    places = find_all(classes, names)
    one_each(classes, names, places)
    return places, f"by name, {how}", [words[0] for words in names]


def _names(classes: Sequence[str], count: int, weights: Weights, labels: str) -> tuple[tuple[Names, ...], str]:
    """The names of the logits and who says so; none where nobody does.

    A file that names no classes is taken for one of SPACES where it has as many, and the data has no others; but only
    where all weights of that space have them in one order.
    """
    if labels != "auto":
        return find_classes(labels), labels
    if weights.classes:
        return weights.classes, weights.origin
    fitting = [space for space, size in SPACES.items() if size == count and _may_be(classes, space)]
    if any(map(ambiguous, fitting)):
        raise ConfigError(
            f"model.labels: {weights.path} names no classes, and weights with these {count} are in use under two "
            f"orders: say model.labels={fitting[0]} for the published one, or {fitting[-1]} for folders in the order "
            "of their names, as torchvision numbers them"
        )
    return (find_classes(fitting[0]), fitting[0]) if fitting else ((), "")


def _may_be(classes: Sequence[str], space: str) -> bool:
    """Whether data of these classes can be what weights of a space were made for."""
    if not classes:
        return space in ("imagenet", "kinetics400", "kinetics600", "ssv2")  # nobody else has as many classes
    names = find_classes(space)
    return all(len(places) == 1 for places in map(Lookup(names).find, classes)) or (
        bool(sets_of(classes)) and space in SETS and any(find_all(classes, names))
    )


def _refuse_unnamed(classes: Sequence[str], count: int, weights: Weights) -> NoReturn:
    if count == len(classes):
        raise ConfigError(
            f"model.weights: {weights.path} names none of its {count} classes, and as many classes need not be the "
            f"same ones in the same order; give their names by model.labels ({', '.join(SPACES)}, or a file with "
            f"a name a line), or say model.labels=order if they are those of the data in its order: {some(classes, 6)}"
        )
    raise ConfigError(
        f"model.weights: {weights.path} does not fit the data: it has {count} classes, the data {len(classes)}; give "
        f"their names by model.labels ({', '.join(SPACES)}, or a file), or fine-tune with training.init"
    )
