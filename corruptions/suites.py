"""Named benchmarks: which corruptions from which tables, how severe, how they move and at what resolution."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from corruptions.errors import UnknownName
from corruptions.registry import Mode

Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark as data. `cells` are (corruption, profile); the other fields are the defaults of an evaluation."""

    name: str
    cells: tuple[Cell, ...]
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)
    temporal: Mode | Literal["default"] = "default"
    resolution: Literal["absolute", "relative"] = "absolute"


# The nine that ImageNet-C has keep its table, so that one published scale runs through the suite and the results stand
# beside the image literature; its pixels are scaled to the clip, because at 112 px they are 2-3 dB harsher than meant.
# Freezing exists only in time: its one published table is UCF101-P's.
_CORE_10 = Suite(
    "core_10",
    (
        ("gaussian_noise", "imagenet_c"),
        ("shot_noise", "imagenet_c"),
        ("impulse_noise", "imagenet_c"),
        ("speckle_noise", "imagenet_c"),
        ("defocus_blur", "imagenet_c"),
        ("motion_blur", "imagenet_c"),
        ("brightness", "imagenet_c"),
        ("contrast", "imagenet_c"),
        ("jpeg_compression", "imagenet_c"),
        ("freeze", "ucf101_p"),
    ),
    resolution="relative",
)

SUITES: Final[Mapping[str, Suite]] = MappingProxyType({suite.name: suite for suite in (_CORE_10,)})


def suite(name: str) -> tuple[str, ...]:
    """Return the names of a suite's corruptions, in its order; UnknownName names the nearest suite."""
    if name not in SUITES:
        raise UnknownName("suite", name, SUITES)
    return tuple(corruption for corruption, _ in SUITES[name].cells)
