"""Where the published data sets come from: addresses, sizes, checksums and how to unpack them. Nothing is downloaded.

MD5 sums are those that the publishers give (CIFAR's page; ImageNet's and HMDB51's lists as in torchvision.datasets).
Sizes are rounded; where none is known for sure, none is said.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidsparse.data.datasets.source_table import SOURCES
from vidsparse.utils.own_commands import typed


@dataclass(frozen=True)
class Download:
    """One file to fetch: its address, size in words, MD5 in hex, and the command that unpacks it (in the root)."""

    address: str
    unpack: str
    size: str = ""
    md5: str = ""

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class Guide:
    """How a data set is had: its page, the terms, the files, and what the root holds in the end."""

    page: str
    layout: str
    downloads: tuple[Download, ...] = ()
    terms: str = ""


_KRIZ = "https://www.cs.toronto.edu/~kriz"
_SERRE = "https://serre-lab.clps.brown.edu/wp-content/uploads/2013/10"
_CRCV = "https://www.crcv.ucf.edu/data/UCF101"
_UNTAR = "tar -xzf {name}"

GUIDES: dict[str, Guide] = {
    "ucf101": Guide(
        "https://www.crcv.ucf.edu/data/UCF101.php",
        "UCF-101/<Class>/*.avi and ucfTrainTestlist/*.txt",
        (
            Download(f"{_CRCV}/UCF101.rar", "unrar x {name}", "6.5 GB"),
            Download(f"{_CRCV}/UCF101TrainTestSplits-RecognitionTask.zip", "unzip {name}"),
        ),
        "research use",
    ),
    "hmdb51": Guide(
        "https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/",
        "<class>/*.avi and testTrainMulti_7030_splits/*.txt",
        (
            Download(
                f"{_SERRE}/hmdb51_org.rar",
                "unrar x {name} && for each in *.rar; do [ $each = {name} ] || unrar x $each; done",
                "2 GB",
            ),
            Download(f"{_SERRE}/test_train_splits.rar", "unrar x {name}", md5="15e67781e70dcfbdce2d7dbb9b3344b5"),
        ),
        "Creative Commons BY 4.0",
    ),
    "kinetics": Guide(
        "https://github.com/cvdfoundation/kinetics-dataset",
        "train.csv, val.csv and videos <youtube_id>_<start>_<end>.mp4 in any folders",
        (
            Download("https://s3.amazonaws.com/kinetics/400/annotations/train.csv", "nothing to unpack"),
            Download("https://s3.amazonaws.com/kinetics/400/annotations/val.csv", "nothing to unpack"),
            Download(
                "https://s3.amazonaws.com/kinetics/400/train/k400_train_path.txt",
                "mkdir train && wget -i {name} -P parts && for each in parts/*.gz; do tar -xzf $each -C train; done",
            ),
            Download(
                "https://s3.amazonaws.com/kinetics/400/val/k400_val_path.txt",
                "mkdir val && wget -i {name} -P parts2 && for each in parts2/*.gz; do tar -xzf $each -C val; done",
            ),
        ),
        "the videos belong to their uploaders",
    ),
    "ssv2": Guide(
        "https://www.qualcomm.com/developer/software/something-something-v-2-dataset",
        "labels/{labels,train,validation}.json and 20bn-something-something-v2/<id>.webm",
        terms="research use, after registration on that page, which says how to unpack its parts",
    ),
    "cifar10": Guide(
        f"{_KRIZ}/cifar.html",
        "cifar-10-batches-py/ or cifar-10-batches-bin/",
        (
            Download(f"{_KRIZ}/cifar-10-python.tar.gz", _UNTAR, "163 MB", "c58f30108f718f92721af3b95e74349a"),
            Download(f"{_KRIZ}/cifar-10-binary.tar.gz", _UNTAR, "162 MB", "c32a1d4ab5d03f1284b67883e8d87530"),
        ),
        "one of the two is enough",
    ),
    "cifar100": Guide(
        f"{_KRIZ}/cifar.html",
        "cifar-100-python/ or cifar-100-binary/",
        (
            Download(f"{_KRIZ}/cifar-100-python.tar.gz", _UNTAR, "161 MB", "eb9058c3a382ffc7106e4002c42a8d85"),
            Download(f"{_KRIZ}/cifar-100-binary.tar.gz", _UNTAR, "161 MB", "03b5dce01913d631647c71ecec9e9cb8"),
        ),
        "one of the two is enough",
    ),
    "cifar10_1": Guide(
        "https://github.com/modestyachts/CIFAR-10.1",
        "cifar10.1_v6_data.npy and cifar10.1_v6_labels.npy, from the folder datasets/ of that repository",
    ),
    "tiny_imagenet": Guide(
        "http://cs231n.stanford.edu",
        "wnids.txt, train/, val/; data.root is the folder tiny-imagenet-200",
        (
            Download(
                "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                "unzip {name}",
                "248 MB",
                "90528d7ca1a48142e341f4ef8d21d0de",
            ),
        ),
        "the terms of ImageNet",
    ),
    "imagenet": Guide(
        "https://image-net.org/challenges/LSVRC/2012/2012-downloads.php",
        "train/<synset>/*.JPEG and val/<synset>/*.JPEG, or val/*.JPEG with val.txt",
        (
            Download(
                "https://image-net.org/data/ILSVRC/2012/ILSVRC2012_img_train.tar",
                "mkdir train && tar -xf {name} -C train && cd train && for each in *.tar; do mkdir ${{each%.tar}} && "
                "tar -xf $each -C ${{each%.tar}} && rm $each; done",
                "138 GB",
                "1d675b47d978889d74fa0da5fadfb00e",
            ),
            Download(
                "https://image-net.org/data/ILSVRC/2012/ILSVRC2012_img_val.tar",
                "mkdir val && tar -xf {name} -C val",
                "6.3 GB",
                "29b22e2961454d5413ddabcf34fc5622",
            ),
        ),
        "research use, after registration; the training part is needed for training alone",
    ),
    "class_folders": Guide(
        "ImageNet-A: https://github.com/hendrycks/natural-adv-examples, ImageNet-R: "
        "https://github.com/hendrycks/imagenet-r, ImageNet-Sketch: https://github.com/HaohanWang/ImageNet-Sketch",
        "<Class>/ with images or videos in it",
    ),
    "folder": Guide("your own", "train/<Class>/ and test/<Class>/ (or val/<Class>/) with images or videos in them"),
    "unlabelled": Guide("your own", "videos and images at any depth, and classes.txt with a name on each line"),
    "corrupted": Guide(
        f"your own from {typed('generate')}, or CIFAR-10-C: https://zenodo.org/records/2535967, CIFAR-100-C: "
        "https://zenodo.org/records/3555552, ImageNet-C: https://zenodo.org/records/2235448, ImageNet-C-bar: "
        "https://github.com/facebookresearch/augmentation-corruption, ImageNet-3DCC: "
        "https://3dcommoncorruptions.epfl.ch, Tiny-ImageNet-C: https://zenodo.org/records/2536630",
        "benchmark.json of ours, or <corruption>.npy and labels.npy, or <corruption>/<severity>/<class>/",
    ),
    "voc": Guide(
        "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
        "JPEGImages/, SegmentationClass/ and ImageSets/Segmentation/, in VOCdevkit/VOC2012/",
        (
            Download(
                "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
                "tar -xf {name}",
                "2 GB",
                "6cd6e144f989b92b3379bac3b3de84fd",
            ),
        ),
        "the images come from Flickr, under its terms",
    ),
    "cityscapes": Guide(
        "https://www.cityscapes-dataset.com",
        "leftImg8bit/{train,val}/<city>/*_leftImg8bit.png and gtFine/{train,val}/<city>/*_gtFine_labelIds.png",
        terms="research use, after registration on that page: leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip",
    ),
    "davis": Guide(
        "https://davischallenge.org",
        "JPEGImages/480p/<video>/*.jpg, Annotations/480p/<video>/*.png and ImageSets/2017/{train,val}.txt",
        (
            Download(
                "https://data.vision.ee.ethz.ch/csergi/share/davis/DAVIS-2017-trainval-480p.zip",
                "unzip {name}",
            ),
        ),
        "research use; the archive unpacks to DAVIS/",
    ),
    "image_masks": Guide(
        "your own",
        "classes.txt, {train,test}/images/**/<name>.jpg and {train,test}/masks/**/<name>.png of one class id a pixel",
    ),
    "video_masks": Guide(
        "your own",
        "classes.txt, {train,test}/images/<video>/*.jpg and {train,test}/masks/<video>/*.png, one of each a frame",
    ),
    "webdataset": Guide(
        "your own",
        "train-000000.tar, test-000000.tar, ... of <key>.mp4 or .jpg beside <key>.cls, .json or .txt with its class",
    ),
    "packed": Guide("your own", "one .npz of {train,test}_{jpeg,offsets,labels} and classes"),
}


def instructions(name: str, root: Path) -> Iterator[str]:
    """Lines that say how to get a data set into `root`; archives that lie there already are checked."""
    guide = GUIDES.get(name) or Guide("your own", SOURCES[name].summary)
    yield f"{name} is not ready in {root}; in the end that folder holds {guide.layout}"
    yield f"  page       {guide.page}" + (f" ({guide.terms})" if guide.terms else "")
    for download in guide.downloads:
        said = [text for text in (download.size, f"MD5 {download.md5}" if download.md5 else "") if text]
        state = _state(root / download.name, download.md5)
        yield f"  {state:<10} {download.address}" + (f" ({', '.join(said)})" if said else "")
        yield f"  unpack     cd {root} && {download.unpack.format(name=download.name)}"


def _state(path: Path, md5: str) -> str:
    if not path.is_file():
        return "download"
    if not md5:
        return "is there:"
    with path.open("rb") as file:
        right = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5
    return "is whole:" if right else "damaged:"
