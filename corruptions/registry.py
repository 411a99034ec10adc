"""One frozen record a corruption. To add one: a row here, its tables in `severities`, and a function of its name.

The function stands in the module named for the family, which is imported when the corruption is first used.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from corruptions.errors import UnknownProfile, known_name, nearest
from corruptions.severities import TABLES
from corruptions.tables_bar import NOTES_BAR
from corruptions.tables_video import NOTES_VIDEO

__all__ = ["REGISTRY", "Corruption", "Mode", "Moves", "Support", "find", "names", "nearest", "resolve_profile"]

Support = Literal["frame", "window", "order", "video"]
Mode = Literal["static", "drift", "independent"]
Moves = Literal["", "picture", "order"]
MODES: Final[tuple[Mode, ...]] = ("static", "drift", "independent")

IMAGENET_C: Final = "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019"
UCF101_P: Final = "A Large-Scale Robustness Analysis of Video Action Recognition Models, CVPR 2023"
KINETICS_C: Final = "Benchmarking the Robustness of Spatial-Temporal Models Against Corruptions, NeurIPS 2021"
C_BAR: Final = "On Interaction Between Augmentations and Corruptions in Natural Corruption Robustness, NeurIPS 2021"

_FIXED_PATTERN: Final = (
    'the fixed pattern of a sensor is temporal="static"; for a part of both, corrupt twice: static, then independent'
)
_JPEG_85: Final = "departure: nothing is stored as JPEG of quality 85, which takes a third of the noise off ImageNet-C"


@dataclass(frozen=True, slots=True)
class Corruption:
    """What is known of a corruption without running it.

    `support` says which source frames an output frame needs: itself (`frame`), its neighbours (`window`), those that an
    index map names (`order`) or all of them (`video`). `modes` are the temporal modes that differ; any other mode given
    by a caller means `default`. `tau` is the time constant of `drift`, in seconds. `notes` are the quirks of the
    published generator that a profile keeps and our departures from it, one line each. `displaces`: things are shown
    elsewhere in the frame, as a map says, so that labels of pixels move with them; blur, lens errors that part colours
    and damaged blocks leave things where they are.
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
    notes: tuple[str, ...] = ()
    displaces: bool = False

    @property
    def moves(self) -> Moves:
        """What becomes of labels of pixels: moved as the picture is, given another order in time, or neither."""
        if self.displaces:
            return "picture"
        return "order" if self.support == "order" else ""

    @property
    def tables(self) -> tuple[str, ...]:
        """Profiles that have a severity table for this corruption."""
        return tuple(profile for profile, name in TABLES if name == self.name)


def _noise(name: str, *notes: str) -> Corruption:
    """Sensor noise is new at each exposure; its drift is a slow boil."""
    notes = (*notes, _FIXED_PATTERN)
    return Corruption(name, "noise", "frame", True, "imagenet_c", IMAGENET_C, MODES, "independent", 0.2, notes)


def _fixed(name: str, family: str, *notes: str) -> Corruption:
    """Optics, exposure and processing that draw nothing."""
    return Corruption(name, family, "frame", False, "imagenet_c", IMAGENET_C, notes=notes)


def _moving(name: str, family: str, default: Mode, tau: float, *notes: str) -> Corruption:
    """What stands or moves before the lens."""
    return Corruption(name, family, "frame", True, "imagenet_c", IMAGENET_C, MODES, default, tau, notes)


def _bar(name: str, default: Mode | None, tau: float = 4.0, home: str = "imagenet_c_bar") -> Corruption:
    """Patterns on the sensor, the lens or the light; `default` is None where nothing is random.

    The story of each stands first in its notes.
    """
    modes: tuple[Mode, ...] = MODES if default else ("static",)
    notes = NOTES_BAR[name]
    return Corruption(name, "bar", "frame", default is not None, home, C_BAR, modes, default or "static", tau, notes)


def _video(name: str, family: str, support: Support, home: str, random: bool = False) -> Corruption:
    """What a whole video suffers: its order, its exposure or its coding."""
    source = UCF101_P if home == "ucf101_p" else KINETICS_C
    return Corruption(name, family, support, random, home, source, notes=NOTES_VIDEO[name])


def _shown(name: str, family: str, home: str, tau: float) -> Corruption:
    """The hand that shakes and the rain that falls: drift is how they move."""
    source = UCF101_P if home == "ucf101_p" else KINETICS_C
    return Corruption(name, family, "frame", True, home, source, MODES, "drift", tau, NOTES_VIDEO[name])


def _displacing(row: Corruption) -> Corruption:
    """What shows things elsewhere in the frame; its function moves labels (T, H, W) as it moves pictures."""
    return replace(row, displaces=True)


_ROWS = (
    _noise("gaussian_noise", _JPEG_85),
    _noise(
        "shot_noise",
        "photons are counted by inverting the distribution at one uniform, so that a fixed draw stays fixed in time",
        _JPEG_85,
    ),
    _noise(
        "impulse_noise",
        "each channel is hit on its own, so that pixels turn coloured and not only black or white",
        _JPEG_85,
    ),
    _noise("speckle_noise"),
    _fixed("gaussian_blur", "blur"),
    _fixed(
        "defocus_blur",
        "blur",
        "the disk of radius 8 or 10 is softened on a grid that cuts its rim, so that its weights sum to 1.01",
    ),
    _moving(
        "glass_blur",
        "blur",
        "static",
        2.5,
        "the generator means to swap pixels and copies them: a real swap is milder by 1 to 2 dB",
        "offsets are drawn from -reach to reach - 1, so that the picture drifts by half a pixel a pass",
        "level 4 of imagenet_c is milder than level 3",
        "in relative resolution a smaller frame is seen through the pane at the table's size, and in a larger one each "
        "pixel of the pane covers several of the frame",
    ),
    # a shaking hand turns slowly: the angle drifts and never jumps
    _moving(
        "motion_blur",
        "blur",
        "drift",
        1.0,
        "the streak is half a Gaussian, so that the picture moves along it by its mean",
        "levels 3 and 4 of cifar_c look the same",
    ),
    _fixed(
        "zoom_blur",
        "blur",
        "the frame itself counts twice, and magnified frames touch the corners of their crop, not its pixel edges",
        "crops begin at whole pixels: level 1 is up to 1 dB harsher at 56 pixels a side than at 224, of cifar_c and "
        "tiny_c 2 dB, level 3 and above less than 0.5",
    ),
    _moving(
        "snow",
        "weather",
        "drift",
        math.inf,
        "the second layer is the first one turned by 180 degrees: where the snow stands still it is point-symmetric",
        "the border of a layer is held while it is smeared, which thickens the flakes there; in drift that fades "
        "within a second, as flakes come in from outside",
        "departure: in drift a flake falls its streak's length in 1/8 s, the second layer half as fast",
        "in relative resolution the layer is drawn at the table's size and fitted to the frame",
    ),
    _moving(
        "frost",
        "weather",
        "static",
        20.0,
        "departure: the five textures are grown, not photographs (five of unknown licence, two the same); each has the "
        "levels, colours, spectrum and patchiness of one of them, so that networks answer alike (docs/results.md)",
        "own photographs: `corruptions.frost_textures(FOLDER)`, or `evaluation.frost_textures: FOLDER` in a config",
        "levels 3 to 5 of imagenet_c differ little, and level 4 is milder than level 3",
        "departure: a frame larger than the texture enlarges it, where the generator fails",
    ),
    _moving(
        "fog",
        "weather",
        "drift",
        8.0,
        "the frame is dimmed by its own maximum, so that fog on a black frame vanishes and flickers with the content",
        "departure: a frame longer than the map of 256, 64 or 32 pixels takes the next power of two; in relative "
        "resolution distortion steps by up to 0.4 dB there",
    ),
    _moving(
        "spatter",
        "weather",
        "static",
        10.0,
        "levels 1 to 3 are clear water, 4 and 5 are mud",
        "the water is scaled by its own maximum, so that its brightest drop has the table's strength in every frame",
        "in relative resolution drops are drawn at the table's size and fitted to the frame at the same mean square",
    ),
    _fixed("brightness", "photometric"),
    _fixed("contrast", "photometric", "the mean is that of the frame and channel, and follows the content of a video"),
    _fixed(
        "saturate",
        "photometric",
        "grey pixels have hue 0 and turn red at levels 4 and 5",
        "levels 1 and 2 take colour away and 3 to 5 add it, so that distortion does not grow with the level",
    ),
    _displacing(
        _moving(
            "elastic_transform",
            "geometry",
            "drift",
            0.3,
            "levels 1 and 2 of imagenet_c turn and shear the frame so much that they are harder than 3 to 5",
            "cifar_c grows milder from level 1 to level 5 in mean squared error",
            "lengths are shares of 244 pixels in imagenet_c, though its frames have 224",
        )
    ),
    _fixed(
        "pixelate",
        "digital",
        "blocks are whole pixels, so that in relative resolution distortion beats with the size: level 1 of imagenet_c "
        "is 2.4 to 3.1 dB harsher at 56 and at 80 pixels than at 64, by the picture",
    ),
    _fixed(
        "jpeg_compression",
        "digital",
        "chroma has half the resolution (4:2:0)",
        "blocks have 8 pixels at any size: a photograph loses 0.5 to 1 dB more at 56 pixels a side than at 224",
    ),
    Corruption(
        "freeze",
        "order",
        "order",
        True,
        "ucf101_p",
        UCF101_P,
        notes=(
            "departure: frames before the first one kept show it ahead of its time, where the generator drops them: of "
            "a video of 186 frames the first 1.6, 4.3, 8.9, 19 and 91 in the mean at levels 1 to 5 of ucf101_p",
        ),
    ),
    _video("sampling", "order", "order", "ucf101_p"),
    _video("reverse_sampling", "order", "order", "ucf101_p"),
    _video("jumble", "order", "order", "ucf101_p", random=True),
    _video("box_jumble", "order", "order", "ucf101_p", random=True),
    _video("frame_rate", "order", "order", "kinetics_c"),
    _displacing(_shown("rotate", "shake", "ucf101_p", tau=0.4)),
    _displacing(_video("static_rotate", "shake", "frame", "ucf101_p")),
    _displacing(_shown("translate", "shake", "ucf101_p", tau=0.4)),
    _shown("rain", "rain", "kinetics_c", tau=math.inf),  # what falls keeps its direction
    _video("clip_motion_blur", "shutter", "window", "kinetics_c"),
    _video("h264_crf", "codec", "video", "kinetics_c"),
    _video("h265_crf", "codec", "video", "kinetics_c"),
    _video("h264_abr", "codec", "video", "kinetics_c"),
    _video("h265_abr", "codec", "video", "kinetics_c"),
    _video("mpeg2", "codec", "video", "ucf101_p"),
    _video("mpeg4", "codec", "video", "ucf101_p"),
    _video("bit_error", "codec", "video", "kinetics_c", random=True),
    _video("packet_loss", "codec", "video", "kinetics_c", random=True),
    _bar("blue_noise_sample", "static"),
    _bar("plasma_noise", "drift"),
    _bar("checkerboard_cutout", "static"),
    _bar("cocentric_sine_waves", "drift"),
    _bar("single_frequency_greyscale", "drift", tau=0.2),
    _bar("brownish_noise", "drift"),
    _bar("perlin_noise", "drift", tau=2.0),
    _bar("sparkles", "drift"),
    _bar("inverse_sparkles", "drift"),
    _displacing(_bar("caustic_refraction", "drift")),
    _displacing(_bar("pinch_and_twirl", "static", home="cifar_c_bar")),
    _displacing(_bar("ripple", "drift", tau=0.3, home="cifar_c_bar")),
    _bar("circular_motion_blur", None, home="cifar_c_bar"),
    _bar("lines", "static", home="cifar_c_bar"),
    _bar("transverse_chromatic_abberation", "static", home="cifar_c_bar"),
)

REGISTRY: Final[Mapping[str, Corruption]] = MappingProxyType({row.name: row for row in _ROWS})


def find(name: str) -> Corruption:
    """Return the record called `name`, or raise UnknownName with the nearest one."""
    return REGISTRY[known_name("corruption", name, REGISTRY)]


def names(family: str | None = None) -> tuple[str, ...]:
    """Return the names of every corruption, or of one family's, in the registry's order.

    >>> names("photometric")
    ('brightness', 'contrast', 'saturate')
    """
    if family is not None:
        known_name("family", family, dict.fromkeys(row.family for row in REGISTRY.values()))
    return tuple(row.name for row in REGISTRY.values() if family in (None, row.family))


def resolve_profile(record: Corruption, profile: str | None) -> str:
    """Return `profile`, or the corruption's home for None; raise UnknownProfile where it has no such table."""
    if profile is None:
        return record.home
    return known_name(f"profile for {record.name}", profile, record.tables, UnknownProfile)
