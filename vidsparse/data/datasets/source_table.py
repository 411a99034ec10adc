"""Every data set as a row of one table. Reading the table imports no reader of any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from corruptions.open_table import OpenTable
from vidsparse.utils.errors import ConfigError


@dataclass(frozen=True)
class Source:
    """A kind of data set. `load` is a function, or "module:function", of (root, split counted from 1) -> Dataset, files
    perhaps ABSENT.

    `summary` says what lies in the root, as docs/data.md shows it. `trains` is False where there is nothing to train
    on; `splits` is how many there are.
    """

    name: str
    load: str | Callable[..., Any]
    summary: str
    trains: bool = True
    splits: int = 1

    @property
    def loader(self) -> Callable[..., Any]:
        """The function that `load` is or names."""
        if not isinstance(self.load, str):
            return self.load
        module, function = self.load.split(":")
        found: Callable[..., Any] = getattr(import_module(module), function)
        return found


_VIDEOS, _IMAGES = "vidsparse.data.datasets.video_sets", "vidsparse.data.datasets.image_sets"
_MASKS = "vidsparse.data.datasets.mask_sets"
_ROWS = (
    Source(
        "ucf101",
        f"{_VIDEOS}:load_ucf101",
        "the official lists in `ucfTrainTestlist/`, clips in `UCF-101/`, `videos/` or the root; splits 1-3",
        splits=3,
    ),
    Source(
        "hmdb51",
        f"{_VIDEOS}:load_hmdb51",
        "the official 70/30 lists in `testTrainMulti_7030_splits/` (or `splits/`), clips in `<class>/`, "
        "`videos/<class>/` or `hmdb51_org/<class>/`; splits 1-3",
        splits=3,
    ),
    Source(
        "kinetics",
        f"{_VIDEOS}:load_kinetics",
        "`train.csv` and `val.csv` (label, youtube_id, time_start, time_end; or label, path), videos in any folders",
    ),
    Source(
        "ssv2",
        f"{_VIDEOS}:load_ssv2",
        "Something-Something V2: `labels.json`, `train.json`, `validation.json`, also in `labels/` or with "
        "their published prefix; `<id>.webm` in any folder",
    ),
    Source(
        "unlabelled",
        f"{_VIDEOS}:load_unlabelled",
        "any videos and images, for predictions alone: `predictions.csv` has the names of the classes, and "
        "there is no accuracy",
        False,
    ),
    Source(
        "folder",
        f"{_IMAGES}:load_folder",
        "`train/<Class>/` and `test/<Class>/` (or `val/`), videos or images at any depth",
    ),
    Source(
        "class_folders", f"{_IMAGES}:load_class_folders", "`<Class>/`, all for testing: ImageNet-A, -R, -Sketch", False
    ),
    Source(
        "tiny_imagenet",
        f"{_IMAGES}:load_tiny_imagenet",
        "`wnids.txt`, `train/`, `val/` as published; the validation set is the test set",
    ),
    Source(
        "imagenet",
        f"{_IMAGES}:load_imagenet",
        "`train/<synset>/`, `val/<synset>/` or a flat `val/` with `val.txt` or `LOC_val_solution.csv`; also "
        "`ILSVRC/Data/CLS-LOC/`",
    ),
    Source(
        "cifar10",
        f"{_IMAGES}:load_cifar10",
        "the published pickles (MD5 first, then an unpickler that makes arrays only) or the binary files",
    ),
    Source("cifar100", f"{_IMAGES}:load_cifar100", "as `cifar10`"),
    Source(
        "cifar10_1",
        f"{_IMAGES}:load_cifar10_1",
        "`cifar10.1_v6_data.npy` and `_labels.npy`; split 2 is v4",
        False,
        splits=2,
    ),
    Source(
        "packed",
        f"{_IMAGES}:load_packed",
        "JPEGs in one `.npz`: `{train,test}_{jpeg,offsets,labels}`, `classes`; the root is the file, or a "
        "folder with one. JPEG costs accuracy where the originals were lossless: a ResNet-20 published at "
        "91.78 % on CIFAR-10 has 81.0 % on all 10,000 test images of `cifar10_jpeg.npz` (a ResNet-56: 83.2 % "
        "for 93.62 %), which run and report say",
    ),
    Source(
        "webdataset",
        "vidsparse.data.datasets.shards:load_webdataset",
        "WebDataset shards: `train-*.tar` and `test-*.tar` or `val-*.tar` (not both; or folders of them; without any "
        "of these all are tested on), in which files of one key are a clip or picture and its class (`.cls`, `.json` "
        "with `label`, `.txt`); clips are unpacked once into the cache; `classes.txt` names numbers",
    ),
    Source(
        "image_masks",
        f"{_MASKS}:load_image_masks",
        "`classes.txt`, `train/images/**/<name>.jpg` with `train/masks/**/<name>.png`, the same in `test/` "
        "(or `val/`); also `images/train/` and `masks/train/`",
    ),
    Source(
        "video_masks",
        f"{_MASKS}:load_video_masks",
        "the same for videos: `train/images/<video>/` with `train/masks/<video>/`, a mask of the same name "
        "for each frame; a video may also be a file, with as many masks as it has frames",
    ),
    Source(
        "voc",
        f"{_MASKS}:load_voc",
        "Pascal VOC: `JPEGImages/`, `SegmentationClass/`, `ImageSets/Segmentation/`, also in "
        "`VOCdevkit/VOC2012/`; trained on `train.txt`, tested on `val.txt`",
    ),
    Source(
        "cityscapes",
        f"{_MASKS}:load_cityscapes",
        "`leftImg8bit/{train,val}/`, `gtFine/{train,val}/`: the 19 classes that are judged, made from the label ids",
    ),
    Source(
        "davis",
        f"{_MASKS}:load_davis",
        "`JPEGImages/480p/<video>/`, `Annotations/480p/<video>/`, `ImageSets/2017/` (or `2016/`): objects "
        "against background",
    ),
    Source(
        "corrupted",
        "vidsparse.data.corrupted.opening:load_split",
        "an offline set that `scripts/generate.py` wrote, or a published one ([docs/benchmarks.md](benchmarks.md))",
        False,
    ),
)


def _made(name: str, thing: Any) -> Source:
    """A row of the table: one as it is, or the function that loads one."""
    if isinstance(thing, Source):
        return thing
    if not callable(thing):
        raise ConfigError(f"data source {name}: it is a Source or a function, not a {type(thing).__name__}")
    return Source(name, thing, "your own")


SOURCES: OpenTable[Source] = OpenTable(
    "data source", "docs/data.md", ConfigError, _made, {row.name: row for row in _ROWS}
)
SAMPLES = {  # "module:function" that makes the built-in sample data of a source, and returns its folder
    "ucf101": "vidsparse.data.datasets.sample_videos:ensure_sample",
    "video_masks": "vidsparse.data.datasets.sample_masks:ensure_masks",
}
