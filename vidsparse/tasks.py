"""What a network is asked, one row a task: the data and models that it takes, and the words that its report uses."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One row. `sample`: the source of its built-in sample data. `masks`: samples have a label a pixel.

    `one_answer`: a clip has one answer, as mixup and CutMix, saliency and the spectral analyses take for granted; and
    answers may be classes that only the weights know. `words` are (said of classification, said here): texts are
    written once, and a task replaces what it calls otherwise.
    """

    name: str
    sample: str
    masks: bool = False
    one_answer: bool = True
    right: str = "accuracy"  # of training, where answers are counted clip by clip
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

    def say_page(self, html: str) -> str:
        """HTML in the words of this task: its texts and labels, but no code, no drawing and no address.

        >>> TASKS["segmentation"].say_page('<a href="#accuracy" aria-label="Accuracy">Accuracy</a> <pre>accuracy</pre>')
        '<a href="#accuracy" aria-label="mIoU">mIoU</a> <pre>accuracy</pre>'
        """
        parts = _KEPT.split(html) if self.words else [html]
        labelled = (_LABEL.sub(lambda found: self.say(found[0]), part) for part in parts[1::2])
        return "".join(part for pair in zip(map(self.say, parts[::2]), [*labelled, ""], strict=True) for part in pair)


_KEPT = re.compile(r"(<(?:pre|code|svg|script|style)\b.*?</(?:pre|code|svg|script|style)>|<[^>]+>)", re.DOTALL)
_LABEL = re.compile(r'(?:aria-label|alt)="[^"]*"')
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
    "classification": Task("classification", "ucf101"),
    "segmentation": Task(
        "segmentation", "video_masks", masks=True, one_answer=False, right="pixel accuracy", words=_MIOU
    ),
}
