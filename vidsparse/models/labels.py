"""Which logit is which class: the classes that weights were trained on, matched by name to those of a data set."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from corruptions.errors import nearest
from vidsparse.errors import ConfigError, some

Names = tuple[str, ...]  # what one class is called: the first is its name, others are synonyms
SPACES = {
    "imagenet": 1000,
    "kinetics400": 400,
    "ucf101": 101,
    "voc": 21,
}  # label spaces that are known here, and their sizes


def find_classes(labels: str) -> tuple[Names, ...]:
    """The classes of a label space in the order of its logits.

    `labels` is a name of SPACES, or a file: a JSON list, or a text with one name a line, commas between synonyms.
    ImageNet's are WordNet synsets (n01440764) with their lemmas (tench, Tinca tinca).
    """
    if labels == "imagenet":
        from timm.data.imagenet_info import ImageNetInfo

        described: dict[str, str] = ImageNetInfo().label_descriptions(as_dict=True)  # type: ignore[assignment]  # a dict
        return tuple((synset, *words.split(", ")) for synset, words in described.items())
    if labels == "kinetics400":
        from torchvision.models.video import R3D_18_Weights

        return tuple((name,) for name in R3D_18_Weights.KINETICS400_V1.meta["categories"])
    if labels == "voc":
        from torchvision.models.segmentation import FCN_ResNet50_Weights

        return tuple((name,) for name in FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"])
    path = Path(__file__).with_name("ucf101.txt") if labels == "ucf101" else Path(labels)
    if not path.is_file():
        close = nearest(labels, SPACES)
        hint = f"did you mean {close}?" if close else f"it is auto, order, {', '.join(SPACES)} or a file of names"
        raise ConfigError(f"model.labels={labels}: {hint}")
    try:
        text = path.read_text("utf-8")
        names = json.loads(text) if path.suffix == ".json" else text.split("\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"model.labels: {path} cannot be read ({error})") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"model.labels: {path} is not a list of class names")
    lines = [line.strip() for line in names if line.strip()]
    return tuple(tuple(part.strip() for part in line.split(",")) for line in lines)


def match_classes(wanted: Sequence[str], known: Sequence[Names]) -> list[int]:
    """For each wanted class the number of the known one that bears its name; letter case, blanks and _ do not count.

    ConfigError that lists those without a counterpart, or two that have the same.

    >>> match_classes(["JavelinThrow", "yo-yo"], [("yoyo",), ("archery",), ("javelin throw",)])
    [2, 0]
    """
    places = _places(known)
    missing = [name for name in wanted if _plain(name) not in places]
    if missing:
        raise ConfigError(
            f"model.labels: {len(missing)} of the data's {len(wanted)} classes are none of the weights' {len(known)}: "
            f"{some(missing, 6)}; fine-tune with training.init, or give a file of names as model.labels"
        )
    found = [places[_plain(name)] for name in wanted]
    twice = [known[place][0] for place, count in Counter(found).items() if count > 1]
    if twice:
        raise ConfigError(f"model.labels: two classes of the data are one class of the weights: {some(twice)}")
    return found


def _places(known: Sequence[Names]) -> dict[str, int]:
    """{plain name: class}: names first, then the synonyms that only one class has."""
    first = {_plain(names[0]): place for place, names in enumerate(known)}
    others = Counter(word for names in known for word in {_plain(name) for name in names[1:]})
    return {word: i for i, names in enumerate(known) for word in _words(names[1:]) if others[word] == 1} | first


def _words(names: Iterable[str]) -> set[str]:
    return {_plain(name) for name in names}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
