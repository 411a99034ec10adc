"""One frozen record a corruption. To add one: a row here, its tables in `severities`, and a function of its name.

The function stands in the module named for the family, which is imported when the corruption is first used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from corruptions.errors import UnknownName, UnknownProfile, nearest
from corruptions.severities import TABLES

__all__ = ["REGISTRY", "Corruption", "Mode", "Support", "find", "names", "nearest", "resolve_profile"]

Support = Literal["frame", "window", "order", "video"]
Mode = Literal["static", "drift", "independent"]
MODES: Final[tuple[Mode, ...]] = ("static", "drift", "independent")

IMAGENET_C: Final = "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019"
UCF101_P: Final = "A Large-Scale Robustness Analysis of Video Action Recognition Models, CVPR 2023"


@dataclass(frozen=True, slots=True)
class Corruption:
    """What is known of a corruption without running it.

    `support` says which source frames an output frame needs: itself (`frame`), its neighbours (`window`), those that an
    index map names (`order`) or all of them (`video`). `modes` are the temporal modes that differ; any other mode given
    by a caller means `default`. `tau` is the time constant of `drift`, in seconds.
    """

    name: str
    family: str
    support: Support
    random: bool
    home: str
    source: str
    modes: tuple[Mode, ...] = ("static",)
    default: Mode = "static"
    tau: float = 0.5

    @property
    def tables(self) -> tuple[str, ...]:
        """Profiles that have a severity table for this corruption."""
        return tuple(profile for profile, name in TABLES if name == self.name)


def _noise(name: str) -> Corruption:
    """Sensor noise is new at each exposure; its drift is a slow boil."""
    return Corruption(name, "noise", "frame", True, "imagenet_c", IMAGENET_C, MODES, "independent", tau=0.2)


def _fixed(name: str, family: str) -> Corruption:
    """Optics, exposure and processing that draw nothing."""
    return Corruption(name, family, "frame", False, "imagenet_c", IMAGENET_C)


_ROWS = (
    _noise("gaussian_noise"),
    _noise("shot_noise"),
    _noise("impulse_noise"),
    _noise("speckle_noise"),
    _fixed("defocus_blur", "blur"),
    # a shaking hand turns slowly: the angle drifts and never jumps
    Corruption("motion_blur", "blur", "frame", True, "imagenet_c", IMAGENET_C, MODES, "drift", tau=0.5),
    _fixed("brightness", "photometric"),
    _fixed("contrast", "photometric"),
    _fixed("jpeg_compression", "digital"),
    Corruption("freeze", "order", "order", True, "ucf101_p", UCF101_P),
)

REGISTRY: Final[Mapping[str, Corruption]] = MappingProxyType({row.name: row for row in _ROWS})


def find(name: str) -> Corruption:
    """Return the record called `name`, or raise UnknownName with the nearest one."""
    if name not in REGISTRY:
        raise UnknownName("corruption", name, REGISTRY)
    return REGISTRY[name]


def names(family: str | None = None) -> tuple[str, ...]:
    """Return the names of every corruption, or of one family's, in the registry's order.

    >>> names("photometric")
    ('brightness', 'contrast')
    """
    families = dict.fromkeys(row.family for row in REGISTRY.values())
    if family is not None and family not in families:
        raise UnknownName("family", family, families)
    return tuple(row.name for row in REGISTRY.values() if family in (None, row.family))


def resolve_profile(record: Corruption, profile: str | None) -> str:
    """Return `profile`, or the corruption's home for None; raise UnknownProfile where it has no such table."""
    if profile is None:
        return record.home
    if profile not in record.tables:
        raise UnknownProfile(f"profile for {record.name}", profile, record.tables)
    return profile
