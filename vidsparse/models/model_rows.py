"""Every model is a row of one table. Reading it imports no torch."""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from corruptions.exceptions import suggestion
from corruptions.open_table import OpenTable
from corruptions.outside import is_reference
from vidsparse.utils.errors import ConfigError, install

TIMM = "timm/"  # any network of timm: its name behind this


@dataclass(frozen=True)
class Normalization:
    """Per-channel RGB mean and standard deviation of inputs scaled to [0, 1]."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


NORMALIZE: dict[str, Normalization] = {
    "kinetics": Normalization((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)),
    "imagenet": Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "pytorchvideo": Normalization((0.45, 0.45, 0.45), (0.225, 0.225, 0.225)),
    "half": Normalization((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "cifar10": Normalization((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "cifar100": Normalization((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "clip": Normalization((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "unit": Normalization((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


@dataclass(frozen=True)
class ModelSpec:
    """One row: how a network is built and the input that its published weights were trained on."""

    name: str
    build: str | Callable[..., Any]  # or "module:function"; of name, num_classes, frames, size -> nn.Module
    family: Literal["video", "image"]  # what one sample is: an image is a clip of one frame
    frames: int  # native clip length
    short_side: int  # native short side in pixels before the crop
    size: int  # native side of the crop in pixels
    normalize: str  # a key of NORMALIZE
    source: str  # the paper
    weights: tuple[str, ...] = ()  # published ones, by the names that their library gives them, its default first
    labels: str = ""  # the classes of those weights, a name that `labels.find_classes` knows
    min_size: int = 32  # smallest side in pixels that is accepted
    multiple: int = 1  # the side is a multiple of this, in pixels
    extra: str = ""  # the optional extra that brings the package it is built from
    task: str = "classification"  # a key of TASKS: what it answers


_TORCHVISION = "vidsparse.models.video:build_torchvision"
_PYTORCHVIDEO = "vidsparse.models.video:build_pytorchvideo"
_SLOWFAST_NET = "vidsparse.models.video:build_slowfast"
_MVIT_TV = "vidsparse.models.mvit:build_torchvision"
_MVIT_PV = "vidsparse.models.mvit:build_pytorchvideo"
_HF = "vidsparse.models.huggingface:build"
_CIFAR = "vidsparse.models.images:build_"
_TIMM = "vidsparse.models.images:build_timm"
_SEGMENT = "vidsparse.models.segmentation:build_torchvision"

_R2PLUS1D = "Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition, CVPR 2018"
_SLOWFAST = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
_I3D = "Carreira and Zisserman, Quo Vadis, Action Recognition?, CVPR 2017"
_X3D = "Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition, CVPR 2020"
_S3D = "Xie et al., Rethinking Spatiotemporal Feature Learning, ECCV 2018"
_MVIT1 = "Fan et al., Multiscale Vision Transformers, ICCV 2021"
_MVIT2 = "Li et al., MViTv2: Improved Multiscale Vision Transformers, CVPR 2022"
_SWIN = "Liu et al., Video Swin Transformer, CVPR 2022"
_NONLOCAL = "Wang et al., Non-local Neural Networks, CVPR 2018"
_CSN = "Tran et al., Video Classification with Channel-Separated Convolutional Networks, ICCV 2019"
_C3D = "Tran et al., Learning Spatiotemporal Features with 3D Convolutional Networks, ICCV 2015"
_TIMESFORMER = "Bertasius et al., Is Space-Time Attention All You Need for Video Understanding?, ICML 2021"
_VIDEOMAE = "Tong et al., VideoMAE, NeurIPS 2022"
_VIVIT = "Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021"
_VGG = "Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015, as used on CIFAR"
_RESNET = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
_VIT = "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021; DeiT's tiny width, patches of 4 pixels"

_FCN = "Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015"
_DEEPLAB = "Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv 1706.05587"
_LRASPP = "Howard et al., Searching for MobileNetV3, ICCV 2019"
_UNET = "Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015"

_V1 = (("KINETICS400_V1",), "kinetics400")
_SWIN_B = ("KINETICS400_V1", "KINETICS400_IMAGENET22K_V1")
_HUB = (("pretrained",), "kinetics400")
_VOC: dict[str, Any] = {"weights": ("COCO_WITH_VOC_LABELS_V1",), "labels": "voc", "task": "segmentation"}
_ROWS = (
    ModelSpec("r3d_18", _TORCHVISION, "video", 16, 128, 112, "kinetics", _R2PLUS1D, *_V1),
    ModelSpec("mc3_18", _TORCHVISION, "video", 16, 128, 112, "kinetics", _R2PLUS1D, *_V1),
    ModelSpec("r2plus1d_18", _TORCHVISION, "video", 16, 128, 112, "kinetics", _R2PLUS1D, *_V1),
    ModelSpec("s3d", _TORCHVISION, "video", 16, 256, 224, "kinetics", _S3D, *_V1),
    ModelSpec("swin3d_t", _TORCHVISION, "video", 32, 256, 224, "imagenet", _SWIN, *_V1),
    ModelSpec("swin3d_s", _TORCHVISION, "video", 32, 256, 224, "imagenet", _SWIN, *_V1),
    ModelSpec("swin3d_b", _TORCHVISION, "video", 32, 256, 224, "imagenet", _SWIN, _SWIN_B, "kinetics400"),
    ModelSpec("mvit_v1_b", _MVIT_TV, "video", 16, 256, 224, "pytorchvideo", _MVIT1, *_V1, multiple=4),
    ModelSpec("mvit_v2_s", _MVIT_TV, "video", 16, 256, 224, "pytorchvideo", _MVIT2, *_V1, multiple=4),
    ModelSpec("slow_r50", _PYTORCHVIDEO, "video", 8, 256, 224, "pytorchvideo", _SLOWFAST, *_HUB),
    ModelSpec("slowfast_r50", _SLOWFAST_NET, "video", 32, 256, 256, "pytorchvideo", _SLOWFAST, *_HUB),
    ModelSpec("i3d_r50", _PYTORCHVIDEO, "video", 8, 256, 224, "pytorchvideo", f"{_I3D} (ResNet-50, inflated)", *_HUB),
    ModelSpec("c2d_r50", _PYTORCHVIDEO, "video", 8, 256, 224, "pytorchvideo", _NONLOCAL, *_HUB),
    ModelSpec("csn_r101", _PYTORCHVIDEO, "video", 32, 256, 224, "pytorchvideo", _CSN, *_HUB),
    ModelSpec("r2plus1d_r50", _PYTORCHVIDEO, "video", 16, 256, 224, "pytorchvideo", _R2PLUS1D, *_HUB),
    ModelSpec("x3d_xs", _PYTORCHVIDEO, "video", 4, 182, 160, "pytorchvideo", _X3D, *_HUB),
    ModelSpec("x3d_s", _PYTORCHVIDEO, "video", 13, 182, 160, "pytorchvideo", _X3D, *_HUB),
    ModelSpec("x3d_m", _PYTORCHVIDEO, "video", 16, 256, 224, "pytorchvideo", _X3D, *_HUB),
    ModelSpec("mvit_base_16x4", _MVIT_PV, "video", 16, 256, 224, "pytorchvideo", _MVIT1, *_HUB, multiple=4),
    ModelSpec("i3d", "vidsparse.models.i3d:build", "video", 64, 256, 224, "half", f"{_I3D} (Inception-v1, inflated)"),
    ModelSpec("c3d", "vidsparse.models.c3d:build", "video", 16, 128, 112, "kinetics", _C3D),
    ModelSpec("timesformer", _HF, "video", 8, 224, 224, "pytorchvideo", _TIMESFORMER, multiple=8, extra="hf"),
    ModelSpec("timesformer_s", _HF, "video", 8, 224, 224, "pytorchvideo", _TIMESFORMER, multiple=8, extra="hf"),
    ModelSpec("videomae", _HF, "video", 16, 224, 224, "imagenet", _VIDEOMAE, multiple=8, extra="hf"),
    ModelSpec("videomae_s", _HF, "video", 16, 224, 224, "imagenet", _VIDEOMAE, multiple=8, extra="hf"),
    ModelSpec("vivit", _HF, "video", 32, 256, 224, "half", _VIVIT, multiple=8, extra="hf"),
    ModelSpec("vivit_s", _HF, "video", 32, 256, 224, "half", _VIVIT, multiple=8, extra="hf"),
    ModelSpec("cifar_vgg16", f"{_CIFAR}vgg", "image", 1, 32, 32, "cifar10", _VGG),
    ModelSpec("cifar_vgg16_bn", f"{_CIFAR}vgg", "image", 1, 32, 32, "cifar10", _VGG),
    ModelSpec("cifar_resnet18", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}; 3x3 stem", min_size=8),
    ModelSpec("cifar_resnet20", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}, sec. 4.2", min_size=8),
    ModelSpec("cifar_resnet32", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}, sec. 4.2", min_size=8),
    ModelSpec("cifar_resnet44", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}, sec. 4.2", min_size=8),
    ModelSpec("cifar_resnet56", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}, sec. 4.2", min_size=8),
    ModelSpec("cifar_resnet110", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}, sec. 4.2", min_size=8),
    ModelSpec("cifar_resnet34", f"{_CIFAR}resnet", "image", 1, 32, 32, "cifar10", f"{_RESNET}; 3x3 stem", min_size=8),
    ModelSpec("cifar_vit", f"{_CIFAR}vit", "image", 1, 32, 32, "cifar10", _VIT, min_size=8, multiple=4),
    ModelSpec("fcn_resnet50", _SEGMENT, "image", 1, 520, 520, "imagenet", _FCN, **_VOC),
    ModelSpec("fcn_resnet101", _SEGMENT, "image", 1, 520, 520, "imagenet", _FCN, **_VOC),
    ModelSpec("deeplabv3_resnet50", _SEGMENT, "image", 1, 520, 520, "imagenet", _DEEPLAB, **_VOC),
    ModelSpec("deeplabv3_resnet101", _SEGMENT, "image", 1, 520, 520, "imagenet", _DEEPLAB, **_VOC),
    ModelSpec("deeplabv3_mobilenet_v3_large", _SEGMENT, "image", 1, 520, 520, "imagenet", _DEEPLAB, **_VOC),
    ModelSpec("lraspp_mobilenet_v3_large", _SEGMENT, "image", 1, 520, 520, "imagenet", _LRASPP, **_VOC),
    ModelSpec("unet", "vidsparse.models.segmentation:build_unet", "image", 1, 64, 56, "imagenet", _UNET, (), "", 8,
              task="segmentation"),
)  # fmt: skip


def _made(name: str, thing: Any) -> ModelSpec:
    """A row of the table: one as it is, or what builds a network, for clips as r3d_18 takes them."""
    if isinstance(thing, ModelSpec):
        return thing
    if not callable(thing):
        raise ConfigError(f"model {name}: it is a ModelSpec or what builds a network, not a {type(thing).__name__}")
    return ModelSpec(name, thing, "video", 16, 128, 112, "kinetics", "your own", min_size=1)


MODELS: OpenTable[ModelSpec] = OpenTable(
    "model", "vidsparse.list_models()", ConfigError, _made, {row.name: row for row in _ROWS}
)


def list_models(pattern: str = "*") -> tuple[str, ...]:
    """Names that match a shell pattern, in the order of the table; those of timm where it begins with "timm/".

    >>> list_models("r*_18")
    ('r3d_18', 'r2plus1d_18')
    >>> list_models("timm/deit3_base*")
    ('timm/deit3_base_patch16_224', 'timm/deit3_base_patch16_384')
    """
    return tuple(fnmatch.filter(known_models(pattern), pattern))


def known_models(like: str = "") -> tuple[str, ...]:
    """Names that a word like this could mean: those of timm where it begins with "timm/", else the table's."""
    return tuple(TIMM + name for name in sorted(timm_names())) if like.startswith(TIMM) else tuple(MODELS)


@cache
def timm_names() -> frozenset[str]:
    """Networks that the installed timm can build, read from its source: importing it would take seconds."""
    package = find_spec("timm")
    folder = Path(package.origin).parent / "models" if package and package.origin else Path("nowhere")
    registered = re.compile(r"^@register_model\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)
    return frozenset(name for path in folder.glob("*.py") for name in registered.findall(path.read_text("utf-8")))


def listed(like: str = "") -> str:
    """The call that lists all names that a word like this could mean."""
    return 'vidsparse.list_models("timm/*")' if like.startswith(TIMM) else "vidsparse.list_models()"


def suggest_model(name: str) -> str:
    """What to say of a name that is not known."""
    if is_reference(name):
        return MODELS.hint(name)
    if (plain := name.lower()) in timm_names():
        meant = [*[row for row in MODELS if plain in row][:2], TIMM + plain]
        return f"did you mean {' or '.join(meant)}? All are in {listed()} and {listed(TIMM)}"
    return suggestion(name, known_models(name), listed(name))


def model_spec(name: str | ModelSpec) -> ModelSpec:
    """The row called `name`, or given itself; ConfigError naming the nearest one where there is none.

    A name of timm may carry the tag of its weights (timm/resnet50.a1_in1k). Its row tells no native input; see
    `vidsparse.models.weights.find.native_input`.
    """
    if not isinstance(name, str):
        return MODELS.find(name)
    if name in MODELS:
        return MODELS[name]
    if name.startswith(TIMM) and name.removeprefix(TIMM).partition(".")[0] in timm_names():
        source = "Wightman, PyTorch Image Models, doi:10.5281/zenodo.4414861"
        return ModelSpec(name, _TIMM, "image", 1, 256, 224, "imagenet", source, ("pretrained",), min_size=16)
    raise ConfigError(f"model.name: unknown model {name!r}, {suggest_model(name)}")


def check_model(name: str | ModelSpec, num_classes: int, frames: int, size: int) -> ModelSpec:
    """The row called `name`, once it is certain that it can be built so; else ConfigError. Imports no torch."""
    spec = model_spec(name)
    name = spec.name
    for what, value, least in (("classes", num_classes, 1), ("frames", frames, 1), ("pixels", size, spec.min_size)):
        if value < least:
            raise ConfigError(f"model {name} needs at least {least} {what}, not {value}")
    if size % spec.multiple:
        raise ConfigError(f"model {name} cuts frames into patches: its side is a multiple of {spec.multiple} pixels")
    if spec.extra and find_spec("transformers") is None:
        raise ConfigError(f"model {name} is built from transformers: {install(spec.extra, 'transformers')}")
    return spec
