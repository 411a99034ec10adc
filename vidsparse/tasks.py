"""What a network is asked, one row a task: the data and models that it takes, and the words that its report uses."""

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any

VOID = 255  # the class id of a pixel that nobody labelled, in masks and in maps of answers


@dataclass(frozen=True)
class Task:
    """One row. `sample`: the source of its built-in sample data. `masks`: samples have a label a pixel.

    `objective_at` and `outcomes_at` name what its training and its table of predictions need, as "module:attribute",
    so that reading a config imports no torch. `one_answer`: a clip has one answer, as mixup and CutMix, saliency and
    the spectral analyses take for granted; and answers may be classes that only the weights know. `words` are (said of
    classification, said here): texts are written once, and a task replaces what it calls otherwise.
    """

    name: str
    sample: str
    objective_at: str  # a training.recipe.Objective: its loss, and what counts as right
    outcomes_at: str  # an evaluation.outcomes.Outcomes: the schema of its table, and the rows of a batch
    masks: bool = False
    one_answer: bool = True
    right: str = "accuracy"  # of training, where answers are counted clip by clip
    words: tuple[tuple[str, str], ...] = ()

    @property
    def objective(self) -> Any:
        """What its answers are held against its labels by: a `training.recipe.Objective`."""
        return _named(self.objective_at)

    @property
    def outcomes(self) -> Any:
        """How its answers become rows of the table of predictions: an `evaluation.outcomes.Outcomes`."""
        return _named(self.outcomes_at)

    def say(self, text: str, /, **values: object) -> str:
        """A text of the report in the words of this task; `values` take the places {NAME} in it and stay as they are.

        What a user named (classes, runs, files) goes in by `values` alone, so that no word of it is ever replaced.

        >>> TASKS["segmentation"].say("Robustness accuracy is the mean accuracy, pixel accuracy is not")
        'Robust mIoU is the mean mIoU, pixel accuracy is not'
        >>> TASKS["segmentation"].say("{who}: clean accuracy", who="the accuracy of chance")
        'the accuracy of chance: clean mIoU'
        """
        said = dict(self.words)
        pattern = "|".join(rf"\b{re.escape(word)}\b" for word in said)
        text = re.sub(rf"(?<![Pp]ixel )(?:{pattern})", lambda found: said[found[0]], text) if said else text
        return text.format(**values) if values else text


def _named(place: str) -> Any:
    module, name = place.split(":")
    return getattr(import_module(module), name)


_MIOU = (
    ("Accuracy, clean and corrupted", "mIoU, clean and corrupted"),
    ("robustness accuracies", "robust mIoUs"),
    ("Robustness accuracy", "Robust mIoU"),
    ("robustness accuracy", "robust mIoU"),
    ("Mean accuracy", "Mean mIoU"),
    ("deeper colour is more accurate", "deeper colour is higher"),
    ("more accurate than dense", "a higher mIoU than dense"),
    ("leaves no more than guessing", "leaves no more than one class everywhere"),
    ("counted as wrong", "left out"),
    ("accuracies", "mIoUs"),
    ("Accuracy", "mIoU"),
    ("accuracy", "mIoU"),
    ("chance", "one class everywhere"),
    ("Chance", "One class everywhere"),
)
SOURCE_NOTES = {  # what a reader must know of the numbers that come from a source of data
    "packed": "These images are JPEGs: where the originals were stored without loss, networks trained on those lose "
    "accuracy here (CIFAR-10 re-encoded so: a ResNet-20 with 91.78 % on the originals has 81.0 %)."
}
_CLASSIFICATION = Task(
    "classification", "ucf101", "vidsparse.training.recipe:CLASSES", "vidsparse.evaluation.outcomes:CLASSES"
)
_SEGMENTATION = Task(
    "segmentation",
    "video_masks",
    "vidsparse.training.recipe:PIXELS",
    "vidsparse.evaluation.outcomes:PIXELS",
    masks=True,
    one_answer=False,
    right="pixel accuracy",
    words=_MIOU,
)
TASKS: dict[str, Task] = {row.name: row for row in (_CLASSIFICATION, _SEGMENTATION)}
