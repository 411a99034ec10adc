"""The severity tables: `TABLES[profile, corruption]` is five levels, each a tuple of parameters.

They stand beside the row of each corruption, in `rows_*`. Units are the papers': noise and photometric parameters for
values in [0, 1], blur lengths in pixels of a frame whose short side is `SIDES[profile]`.

=============  =====================================================================================================
profile        source of the numbers
=============  =====================================================================================================
imagenet_c     Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019; 224 px
cifar_c        the same paper's CIFAR-10-C, 32 px
tiny_c         the same paper's Tiny-ImageNet-C, 64 px
ucf101_p       A Large-Scale Robustness Analysis of Video Action Recognition Models, CVPR 2023; 224 px
kinetics_c     Benchmarking the Robustness of Spatial-Temporal Models Against Corruptions, NeurIPS 2021; 224 px
*_c_bar        On Interaction Between Augmentations and Corruptions, NeurIPS 2021; 224 px, CIFAR 32 px
vitta          Video Test-Time Adaptation for Action Recognition, CVPR 2023; 224 px
laion_c        LAION-C: An Out-of-Distribution Benchmark for Web-Scale Vision Models, ICML 2025; 224 px
imagenet_3dcc  3D Common Corruptions and Data Augmentation, CVPR 2022; 224 px
camera_c       none: ours, in `tables_camera`; 224 px
motion_probe   none: probes of what a network does with time, of one level
video_c        none: calibrated by measurement, in `tables_calibrated`; 224 px
=============  =====================================================================================================
"""

from collections.abc import Iterator, Mapping
from typing import Final

from corruptions.registry import REGISTRY
from corruptions.row import Level, Table

__all__ = ["SIDES", "TABLES", "Level", "Table"]

SIDES: Final[dict[str, int]] = {
    "imagenet_c": 224,
    "cifar_c": 32,
    "tiny_c": 64,
    "ucf101_p": 224,
    "kinetics_c": 224,
    "imagenet_c_bar": 224,
    "cifar_c_bar": 32,
    "vitta": 224,
    "laion_c": 224,
    "imagenet_3dcc": 224,
    "camera_c": 224,
    "motion_probe": 224,
    "video_c": 224,
}


class _Tables(Mapping[tuple[str, str], Table]):
    """{(profile, corruption): table} of every row that there is."""

    def __getitem__(self, cell: tuple[str, str]) -> Table:
        profile, name = cell
        return REGISTRY[name].levels[profile]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((profile, row.name) for row in REGISTRY.values() for profile in row.levels)

    def __len__(self) -> int:
        return sum(1 for _ in self)


TABLES: Final[Mapping[tuple[str, str], Table]] = _Tables()
