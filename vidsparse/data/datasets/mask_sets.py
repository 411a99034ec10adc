"""Data sets with a class for every pixel: folders of images or videos with masks, Pascal VOC, Cityscapes, DAVIS.

Masks are PNGs of one 8-bit value a pixel. What has no mask counts as missing.
"""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from vidsparse.data.datasets.class_names import listed_classes
from vidsparse.data.datasets.file_kinds import READER_OF
from vidsparse.data.datasets.lists import (
    first_file,
    first_folder,
    inside,
    lines,
    one_split,
    relative,
    walk,
    with_unique_ids,
    without_suffix,
)
from vidsparse.data.datasets.sources import ABSENT, Dataset, Sample
from vidsparse.data.reading.frame_folders import entries
from vidsparse.utils.errors import DataError

VOC_CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
CITYSCAPES_CLASSES = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation"),
    *("terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
)
DAVIS_CLASSES = ("background", "object")
_PARTS = (("train",), ("test", "val", "validation"))


def load_image_masks(root: Path, split: int) -> Dataset:
    """train/images/**/<name>.jpg with train/masks/**/<name>.png, the same in test/ (or val/), and classes.txt.

    classes.txt has a name a line, that of class id 0 first; 255 is void. images/train/ and masks/train/ will do too.
    """
    return _load_masks("image_masks", root, split, _pictures)


def load_video_masks(root: Path, split: int) -> Dataset:
    """The same for videos: train/images/<video>/*.jpg with train/masks/<video>/*.png, one of the same name a frame.

    A folder that holds pictures is a video. One may also be a file, images/<video>.mp4, with as many masks in
    masks/<video>/ as it has frames, in the order of their names.
    """
    return _load_masks("video_masks", root, split, _videos)


def load_voc(root: Path, split: int) -> Dataset:
    """Pascal VOC (Everingham et al. 2010), 2012 or 2007: JPEGImages/, SegmentationClass/, ImageSets/Segmentation/.

    Trained on train.txt and tested on val.txt; `root` is the folder of a year, or one with VOCdevkit/ in it.
    """
    one_split(split, "Pascal VOC")
    years = ("VOC2012", "VOC2007", "VOCdevkit/VOC2012", "VOCdevkit/VOC2007")
    base = next((base for base in (root, *(root / year for year in years)) if (base / "JPEGImages").is_dir()), None)
    if base is None:
        raise DataError(f"{root}: JPEGImages/ is not in it, nor in VOCdevkit/VOC2012/")

    def part(name: str) -> Iterator[Sample]:
        for where, line in lines(base / "ImageSets" / "Segmentation" / f"{name}.txt"):
            below = relative(line, where, 1)
            picture, mask = base / "JPEGImages" / f"{below}.jpg", base / "SegmentationClass" / f"{below}.png"
            yield _sample(str(below), (picture, mask), "class_ids", base, where)

    return with_unique_ids(Dataset("voc", root, VOC_CLASSES, tuple(part("train")), tuple(part("val"))))


def load_cityscapes(root: Path, split: int) -> Dataset:
    """Cityscapes (Cordts et al. 2016): leftImg8bit/{train,val}/<city>/ and gtFine/{train,val}/<city>/*_labelIds.png.

    Its published test masks are void, so that the validation set is the test set here. Images of one drive, which is
    the number after the city, are a group.
    """
    one_split(split, "Cityscapes")
    if not (root / "leftImg8bit").is_dir():
        raise DataError(f"{root}: leftImg8bit/ is not in it")

    def part(name: str) -> Iterator[Sample]:
        folder = root / "leftImg8bit" / name
        for below, _ in walk(folder) if folder.is_dir() else ():
            stem = without_suffix(below).removesuffix("_leftImg8bit")
            mask = root / "gtFine" / name / f"{stem}_gtFine_labelIds.png"
            group = "_".join(PurePosixPath(stem).name.split("_")[:2])
            yield _sample(f"{name}/{stem}", (folder / below, mask), "cityscapes_ids", root, str(folder), group)

    return with_unique_ids(Dataset("cityscapes", root, CITYSCAPES_CLASSES, tuple(part("train")), tuple(part("val"))))


def load_davis(root: Path, split: int) -> Dataset:
    """DAVIS (Perazzi et al. 2016, Pont-Tuset et al. 2017): JPEGImages/480p/<video>/, Annotations/480p/<video>/.

    Trained on the videos of ImageSets/2017/train.txt (or 2016/), tested on those of val.txt. Every object is
    foreground: which of them is which is a question of tracking, and has no class that another video shares.
    """
    one_split(split, "DAVIS")
    base = first_folder(*(each for each in (root, root / "DAVIS") if (each / "JPEGImages").is_dir()))
    if base is None:
        raise DataError(f"{root}: JPEGImages/ is not in it, nor in DAVIS/")
    size = next((each for each in ("480p", "Full-Resolution") if (base / "JPEGImages" / each).is_dir()), "480p")

    def part(name: str) -> Iterator[Sample]:
        listed = first_file(*(base / "ImageSets" / year / f"{name}.txt" for year in ("2017", "2016")))
        if listed is None:
            raise DataError(f"{base / 'ImageSets' / '2017' / f'{name}.txt'}: this list does not exist")
        for where, line in lines(listed):
            below = relative(line, where, 1)
            folders = [base / kind / size / below for kind in ("JPEGImages", "Annotations")]
            yield _sample(str(below), (folders[0], folders[1]), "object_ids", base, where)

    return with_unique_ids(Dataset("davis", root, DAVIS_CLASSES, tuple(part("train")), tuple(part("val"))))


def _load_masks(name: str, root: Path, split: int, found: Callable[[Path], Iterator[str]]) -> Dataset:
    """A data set in folders of ours; `found` gives what of a folder is a sample, by its path below."""
    one_split(split, "a folder of masks")
    classes = root / "classes.txt"
    if not classes.is_file():
        raise DataError(f"{classes} is not there: it has the name of a class a line, that of class id 0 first")

    def part(names: tuple[str, ...]) -> Iterator[Sample]:
        places = [(root / each / "images", root / each / "masks") for each in names]
        places += [(root / "images" / each, root / "masks" / each) for each in names]
        pictures, masks = next((pair for pair in places if pair[0].is_dir()), (None, None))
        if pictures is None or masks is None:
            raise DataError(f"{root}: neither {names[0]}/images/ nor images/{names[0]}/ is in it")
        for below in found(pictures):
            picture, stem = pictures / below, without_suffix(below) if (pictures / below).is_file() else below
            mask = masks / stem if found is _videos else masks / f"{stem}.png"
            yield _sample(f"{names[0]}/{stem}", (picture, mask), "class_ids", root, str(pictures))

    train, test = (tuple(part(names)) for names in _PARTS)
    return with_unique_ids(Dataset(name, root, listed_classes(classes), train, test))


def _pictures(folder: Path) -> Iterator[str]:
    return (below for below, reader in walk(folder) if reader == "image")


def _videos(folder: Path) -> Iterator[str]:
    """Video files, and folders that hold pictures."""
    found = [str(PurePosixPath(below).parent) if reader == "image" else below for below, reader in walk(folder)]
    return iter(dict.fromkeys(found))


def _sample(name: str, pair: tuple[Path, Path], code: str, base: Path, where: str, group: str | None = None) -> Sample:
    """A pair of a picture or a video and its masks, as far as they are there and inside the data set."""
    picture, mask = pair
    reader = "frames" if picture.is_dir() else READER_OF.get(picture.suffix.lower(), "image")
    group = name if group is None else group
    bare = _without_mask(picture, mask)
    truth = Sample(f"{name}{bare}", ABSENT if bare else _inside(mask, base, where), -1, group, code)
    place = _inside(picture, base, where) if picture.exists() else ABSENT
    return Sample(name, place, -1, group, reader, mask=truth)


def _without_mask(picture: Path, mask: Path) -> str:
    """What of a picture or video has no mask, to be read after its name; empty where all of it has one."""
    if not mask.exists():
        return " as a whole"
    if not picture.is_dir():
        return ""
    there = {each.stem for each in entries(mask, (".png",))}
    return next((f", frame {frame.name}" for frame in entries(picture) if frame.stem not in there), "")


def _inside(path: Path, base: Path, where: str) -> Path:
    """The path, once neither it nor what a folder holds is a link that leads out of the data set."""
    for each in entries(path) if path.is_dir() else ():
        inside(each, base, where)
    return inside(path, base, where)
