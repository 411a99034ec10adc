"""Label spaces that are known here: their class names in the order of the logits of published weights."""

from functools import cache
from pathlib import Path

Names = tuple[str, ...]  # what one class is called: the first is its name, others are synonyms

SPACES = {
    "imagenet": 1000,
    "kinetics400": 400,
    "kinetics600": 600,
    "ucf101": 101,
    "ucf101_sorted": 101,
    "hmdb51": 51,
    "ssv2": 174,
    "cifar10": 10,
    "cifar100": 100,
    "tiny_imagenet": 200,
    "tiny_imagenet_sorted": 200,
    "voc": 21,
}  # names and their sizes; `_sorted`: as torchvision numbers folders, where that is not the published order
_SORTED = "_sorted"


def ambiguous(space: str) -> bool:
    """Whether weights of this space are in use under two orders, so that their number of classes does not tell which.

    >>> [space for space in SPACES if ambiguous(space)]
    ['ucf101', 'ucf101_sorted', 'tiny_imagenet', 'tiny_imagenet_sorted']
    """
    return f"{space.removesuffix(_SORTED)}{_SORTED}" in SPACES


@cache
def space_classes(space: str) -> tuple[Names, ...]:
    """The classes of a row of SPACES in the order of its logits.

    ImageNet's are WordNet synsets (n01440764) with their lemmas (tench, Tinca tinca).

    >>> space_classes("cifar10")[9], len(space_classes("kinetics600"))
    (('truck',), 600)
    """
    if space == "imagenet":
        from timm.data.imagenet_info import ImageNetInfo

        described: dict[str, str] = ImageNetInfo().label_descriptions(as_dict=True)  # type: ignore[assignment]  # a dict
        return tuple((synset, *words.split(", ")) for synset, words in described.items())
    if space == "voc":
        from torchvision.models.segmentation import FCN_ResNet50_Weights

        return tuple((name,) for name in FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"])
    names = listed(space.removesuffix(_SORTED))
    return tuple((name,) for name in (sorted(names) if space.endswith(_SORTED) else names))


@cache
def listed(space: str) -> tuple[str, ...]:
    """The names in a file of this folder, in its order."""
    return tuple(Path(__file__).with_name(f"{space}.txt").read_text("utf-8").splitlines())
