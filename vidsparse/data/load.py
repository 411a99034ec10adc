"""Load the clips of a config, and say what there is, what is missing and what is damaged."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidsparse.config import Config
from vidsparse.tasks import SOURCE_NOTES, TASKS
from vidsparse.utils.errors import DataError, plural, some
from vidsparse.utils.machine import cores
from vidsparse.utils.progress import Bar, say, warn

if TYPE_CHECKING:
    from vidsparse.data.clips import Clips


def load_and_tell(config: Config, trains: bool) -> "Clips":
    """The clips of a config, their frames counted; says what there is, what is missing and what is damaged."""
    from vidsparse.data.clips import load_clips

    with Bar("counting frames", 0) as bar:
        cache = config.folder.parent / ".index"
        clips = load_clips(config.data, config.training.seed, cache, cores(), bar.count, trains)
    dataset, wanted = clips.dataset, TASKS[config.task].masks
    if any((sample.mask is not None) != wanted for sample in clips.test[:1]):
        has, needs = ("a clip", "a pixel") if wanted else ("a pixel", "a clip")
        raise DataError(
            f"data.source={config.data.source} has one label {has}, and task={config.task} needs one {needs}"
        )
    training = f"{len(clips.train)} training and " if trains else ""
    say(f"data       {describe(clips)}: {training}{len(clips.test)} test clips")
    if note := SOURCE_NOTES.get(config.data.source):
        say(f"data       {note}")
    if dataset.missing:
        missing = plural(len(dataset.missing), "clip")
        warn(f"{missing} of the lists not in {dataset.root}, left out: {some(dataset.missing)}")
    if dataset.foreign:
        left = plural(len(dataset.foreign), "class name")
        warn(f"{left} not among those trained on, left out: {some(dataset.foreign)}")
    for note in dataset.notes:
        warn(note)
    if untrained := dataset.untrained:
        warn(f"{say_untrained(untrained)}: {some(untrained, 6)}")
    if unreadable := clips.index.unreadable:
        warn(f"{plural(len(unreadable), 'clip')} cannot be decoded: {some(list(unreadable.values()))}")
    if damaged := [f"{name}: {what}" for name, what in clips.index.damaged.items()]:
        warn(f"{plural(len(damaged), 'clip')} damaged, used as far as it decodes: {some(damaged)}")
    if widths := clips.widths_without_decord:
        widths_said = some([str(width) for width in widths])
        say(f"           decord cannot give frames {widths_said} pixels wide: PyAV reads those videos, more slowly")
    return clips


def say_untrained(classes: Sequence[str]) -> str:
    """That some classes of the test part were never trained on.

    >>> say_untrained(["jump"])
    'the test part has 1 class without any training clip; its clips can only be answered wrong'
    """
    one = len(classes) == 1
    number, whose = ("1 class", "its") if one else (f"{len(classes)} classes", "their")
    return f"the test part has {number} without any training clip; {whose} clips can only be answered wrong"


def describe(clips: "Clips") -> str:
    """The data in a few words."""
    if clips.is_sample:
        return "built-in sample data"
    if clips.config.eval_source is not None:
        return f"{clips.dataset.name}, with the classes of {clips.config.source}"
    return f"{clips.dataset.name}, split {clips.config.split}"
