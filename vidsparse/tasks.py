"""What a network is asked, one row a task: the data and models that it takes, and the words that its report uses."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One row. `masks`: samples have a label a pixel. `mixes`: mixup and CutMix know what to do with the labels.

    `analyses`: saliency and spectral analyses ask for one answer a clip. `words` are (said of classification, said
    here), the longest first: texts are written once, and a task replaces what it calls otherwise.
    """

    name: str
    masks: bool = False
    mixes: bool = True
    analyses: bool = True
    words: tuple[tuple[str, str], ...] = ()

    def say(self, text: str) -> str:
        """A text of the report in the words of this task.

        >>> TASKS["segmentation"].say("Robustness accuracy is the mean accuracy, pixel accuracy is not")
        'Robust mIoU is the mean mIoU, pixel accuracy is not'
        >>> TASKS["classification"].say("Robustness accuracy")
        'Robustness accuracy'
        """
        said = dict(self.words)
        pattern = "|".join(rf"\b{re.escape(word)}\b" for word in said)
        return re.sub(rf"(?<![Pp]ixel )(?:{pattern})", lambda found: said[found[0]], text) if said else text


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
TASKS: dict[str, Task] = {
    "classification": Task("classification"),
    "segmentation": Task("segmentation", masks=True, mixes=False, analyses=False, words=_MIOU),
}
