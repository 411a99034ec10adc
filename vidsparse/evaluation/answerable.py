"""The clips that weights of others can be asked about: those of classes that the weights have, too."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.data.indexing.index import Index
from vidsparse.data.load import load_and_tell
from vidsparse.tasks import TASKS
from vidsparse.utils.errors import DataError, plural, some
from vidsparse.utils.progress import warn

if TYPE_CHECKING:
    from vidsparse.data.clips import Clips


def load_answerable(config: Config) -> "Clips":
    """The clips of a config; where it evaluates weights of other actions, those of classes that they know.

    UCF101, HMDB51 and Kinetics are joined by action (`vidsparse.classes.matching`). A class without a counterpart, or
    with one that another class of the data has as well, is left out and said: none of its clips could be judged.
    """
    trains = config.training.epochs > 0
    clips = load_and_tell(config, trains)
    if trains or not config.model.weights or TASKS[config.task].masks or not clips.dataset.classes:
        return clips
    from vidsparse.models.weights.pretrained import Given, answered_classes

    data, model = config.data, config.model
    given = Given(str(model.weights), model.labels, model.answers, model.narrowed)
    return answerable(clips, answered_classes(model.name, clips.dataset.classes, data.frames, data.size, given))


def answerable(clips: "Clips", answers: Sequence[tuple[str, ...]]) -> "Clips":
    """The clips of the classes that can be judged, where `answers` has for each class what the weights call it."""
    names, alone = clips.dataset.classes, judged(answers)
    if not answers or all(alone):
        return clips
    for why, classes in _reasons(names, answers, alone).items():
        warn(f"{plural(len(classes), 'class name')} of the data left out, {why}: {some(classes, len(classes))}")
    return _reduced(clips, [label for label, known in enumerate(alone) if known])


def judged(answers: Sequence[tuple[str, ...]]) -> list[bool]:
    """For each class whether the weights have it and it shares no answer with another class.

    >>> judged([("archery",), (), ("playing cricket",), ("playing cricket",)])
    [True, False, False, False]
    """
    counts = Counter(answer for names in answers for answer in names)
    return [bool(names) and all(counts[name] == 1 for name in names) for names in answers]


def _reasons(names: Sequence[str], answers: Sequence[tuple[str, ...]], alone: Sequence[bool]) -> dict[str, list[str]]:
    unknown = [name for name, found in zip(names, answers, strict=True) if not found]
    shared = [name for name, found, fine in zip(names, answers, alone, strict=True) if found and not fine]
    said = {
        "the weights have no such action": unknown,
        "several of them are one class of the weights": shared,
    }
    return {why: classes for why, classes in said.items() if classes}


def _reduced(clips: "Clips", kept: Sequence[int]) -> "Clips":
    """Clips with these of their classes alone, numbered anew."""
    dataset = clips.dataset
    label_of = {old: new for new, old in enumerate(kept)} | {-1: -1}
    test = tuple(replace(s, label=label_of[s.label]) for s in clips.test if s.label in label_of)
    if not test:
        raise DataError(f"{dataset.root}: no class of its test clips is one that the weights know")
    rows = {sample.id: replace(clips.index.rows[sample.id], label=sample.label) for sample in test}
    foreign = (*dataset.foreign, *(name for label, name in enumerate(dataset.classes) if label not in label_of))
    classes = tuple(dataset.classes[label] for label in kept)
    dataset = replace(dataset, classes=classes, train=(), test=test, foreign=foreign)
    return replace(clips, dataset=dataset, index=Index(rows), train=(), validation=(), test=test)
