"""What a network is asked, one row a task: the data and models that it takes, and the words that its report uses."""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from corruptions.open_table import OpenTable
from vidsparse.utils.errors import ConfigError

VOID = 255  # the class id of a pixel that nobody labelled, in masks and in maps of answers


@dataclass(frozen=True)
class Words:
    """What the report of a task calls its scores: `score` is one of them, `scores` several; `chance` is their floor.

    `*_title` is the same at the start of a sentence. `higher`: of the cells of a matrix, what the deeper colour says.
    """

    score: str = "accuracy"
    score_title: str = "Accuracy"
    scores: str = "accuracies"
    robust: str = "robustness accuracy"
    robust_title: str = "Robustness accuracy"
    chance: str = "chance"
    chance_title: str = "Chance"
    guessing: str = "guessing"
    higher: str = "more accurate"
    better_than_dense: str = "more accurate than dense"
    unread: str = "counted as wrong"  # what became of clips that no decoder could read
    right: str = "accuracy"  # of training, where answers are counted clip by clip
    clips: str = "clips"  # what is classified, and what of it is one unit to statistics: see `of_images`
    recordings: str = "recordings"

    def of_images(self) -> "Words":
        """The same for a set of images, which has neither clips nor recordings."""
        return replace(self, clips="images", recordings="images")


Definition = tuple[str, str, str, str]  # how a number is defined: name, formula, meaning, source


@dataclass(frozen=True)
class Task:
    """One row. `sample`: the source of its built-in sample data. `masks`: samples have a label a pixel.

    `objective_at`, `outcomes_at` and `definitions_at` are what its training, its table of predictions and its report
    need: themselves or, as shipped ones are so that reading a config imports no torch, "module:attribute".
    `one_answer`: a clip has one answer, as
    mixup and CutMix, saliency and the spectral analyses take for granted; and answers may be classes that only the
    weights know.
    """

    name: str
    sample: str
    objective_at: Any  # a training.recipe.Objective: its loss, and what counts as right
    outcomes_at: Any  # an evaluation.outcomes.Outcomes: the schema of its table, and the rows of a batch
    definitions_at: Any  # a tuple of Definition: how its report defines its scores
    masks: bool = False
    one_answer: bool = True
    words: Words = Words()

    @property
    def objective(self) -> Any:
        """What its answers are held against its labels by: a `training.recipe.Objective`."""
        return _named(self.objective_at)

    @property
    def outcomes(self) -> Any:
        """How its answers become rows of the table of predictions: an `evaluation.outcomes.Outcomes`."""
        return _named(self.outcomes_at)

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """How its scores are defined."""
        found: tuple[Definition, ...] = _named(self.definitions_at)
        return found


def _named(place: Any) -> Any:
    """What a "module:attribute" stands for; what is given itself where it is none."""
    if not isinstance(place, str):
        return place
    module, name = place.split(":")
    return getattr(import_module(module), name)


_MIOU = Words(
    score="mIoU",
    score_title="mIoU",
    scores="mIoUs",
    robust="robust mIoU",
    robust_title="Robust mIoU",
    chance="one class everywhere",
    chance_title="One class everywhere",
    guessing="one class everywhere",
    higher="higher",
    better_than_dense="a higher mIoU than dense",
    unread="left out",
    right="pixel accuracy",
)
SOURCE_NOTES = {  # what a reader must know of the numbers that come from a source of data
    "packed": "These images are JPEGs: where the originals were stored without loss, networks trained on those lose "
    "accuracy here (CIFAR-10 re-encoded so: a ResNet-20 with 91.78 % on the originals has 81.0 %)."
}
_CLASSIFICATION = Task(
    "classification",
    "ucf101",
    "vidsparse.training.recipe:CLASSES",
    "vidsparse.evaluation.outcomes:CLASSES",
    "vidsparse.report.words:ACCURACY",
)
_SEGMENTATION = Task(
    "segmentation",
    "video_masks",
    "vidsparse.training.recipe:PIXELS",
    "vidsparse.evaluation.outcomes:PIXELS",
    "vidsparse.report.sections.class_boards:DEFINITIONS",
    masks=True,
    one_answer=False,
    words=_MIOU,
)


def _made(name: str, row: Any) -> Task:
    if not isinstance(row, Task):
        raise ConfigError(f"task {name}: it is a vidsparse.tasks.Task, not a {type(row).__name__}")
    return row


TASKS: OpenTable[Task] = OpenTable(
    "task", "vidsparse.tasks.TASKS", ConfigError, _made, {row.name: row for row in (_CLASSIFICATION, _SEGMENTATION)}
)
