"""Named benchmarks: which corruptions from which tables, how severe, how they move and at what resolution."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal

from corruptions.exceptions import CorruptionError, known_name
from corruptions.measured import PSNR, SIDES
from corruptions.open_table import OpenTable
from corruptions.registry import find, resolve_profile
from corruptions.row import Mode
from corruptions.tables_calibrated import CALIBRATED
from corruptions.tables_camera import CAMERA, VIDEO_C_3

Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark as data. `cells` are (corruption, profile); the other fields are the defaults of an evaluation.

    `version` counts the changes of what its cells do: results of two versions are not to be compared. `levels`: one
    severity for each cell, where they are matched by what they do (see `matched`), to frames of `side` pixels; empty,
    each has all `severities`, at any size (`side` 0).
    """

    name: str
    cells: tuple[Cell, ...]
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)
    temporal: Mode | Literal["default"] = "default"
    resolution: Literal["absolute", "relative"] = "absolute"
    version: int = 1
    levels: tuple[int, ...] = ()
    side: int = 0


def matched(suite: Suite, psnr: float, side: int = 112, within: float = 1.5) -> Suite:
    """Return the cells of a suite that can reach a PSNR, each at the severity that comes nearest to it.

    suite     of `video_c` or `camera_c`, whose PSNR is measured
    psnr      decibels
    side      pixels of the frames that it holds for: 112 or 224, where it is measured (`corruptions.measured`)
    within    decibels by which a cell may miss it and still be in

    Raises CorruptionError where no cell comes near, and for another side.

    >>> suite = matched(SUITES["video_c"], 25)
    >>> suite.name, suite.cells[0], suite.levels[0]
    ('video_c_25db', ('gaussian_noise', 'video_c'), 2)
    """
    if side not in SIDES:
        raise CorruptionError(f"side={side}: PSNR is measured at {' and '.join(map(str, SIDES))} pixels a side")
    place = SIDES.index(side)
    near = []
    for name, profile in suite.cells:
        found = PSNR[name][place] if name in PSNR and profile in ("video_c", "camera_c") else ()
        level = min(range(len(found)), key=lambda i: abs(found[i] - psnr), default=None)
        if level is not None and abs(found[level] - psnr) <= within:
            near.append(((name, profile), level + 1))
    if not near:
        raise CorruptionError(f"{suite.name} has no measured level within {within:g} dB of {psnr:g} dB")
    cells, levels = tuple(cell for cell, _ in near), tuple(level for _, level in near)
    name = f"{suite.name}_{psnr:g}db" + (f"_{side}" if side != SIDES[0] else "")
    return replace(suite, name=name, cells=cells, severities=tuple(sorted(set(levels))), levels=levels, side=side)


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

_15 = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
_EXTRA = ("speckle_noise", "gaussian_blur", "spatter", "saturate")

# Relative to the size that each table was made for: at that size it is the published benchmark.
_C = tuple(
    Suite(f"{table}_{len(names)}", tuple((name, table) for name in names), resolution="relative")
    for table, names in (("imagenet_c", _15), ("cifar_c", _15 + _EXTRA), ("tiny_c", _15))
)

_BAR = (
    "blue_noise_sample",
    "plasma_noise",
    "checkerboard_cutout",
    "cocentric_sine_waves",
    "single_frequency_greyscale",
    "brownish_noise",
    "perlin_noise",
    "sparkles",
    "inverse_sparkles",
    "caustic_refraction",
)
_BAR_CIFAR = (
    "blue_noise_sample",
    "brownish_noise",
    "checkerboard_cutout",
    "circular_motion_blur",
    "inverse_sparkles",
    "lines",
    "pinch_and_twirl",
    "ripple",
    "sparkles",
    "transverse_chromatic_abberation",
)
_C_BAR = tuple(
    Suite(f"{profile}_10", tuple((name, profile) for name in names))
    for profile, names in (("imagenet_c_bar", _BAR), ("cifar_c_bar", _BAR_CIFAR))
)

_LAION = ("mosaic", "vertical_lines", "glitched", "luminance_checkerboard", "geometric_shapes", "stickers")
_3DCC = (
    "iso_noise",
    "low_light",
    "flash",
    "color_quant",
    "xy_motion_blur",
    "bit_error",
    "h265_crf",
    "h265_abr",
)

_VIDEO = (
    Suite(
        "ucf101_p_16",
        (
            ("gaussian_noise", "ucf101_p"),
            ("shot_noise", "ucf101_p"),
            ("impulse_noise", "ucf101_p"),
            ("speckle_noise", "ucf101_p"),
            ("defocus_blur", "ucf101_p"),
            ("motion_blur", "ucf101_p"),
            ("zoom_blur", "ucf101_p"),
            ("jpeg_compression", "ucf101_p"),
            ("rotate", "ucf101_p"),
            ("static_rotate", "ucf101_p"),
            ("translate", "ucf101_p"),
            ("sampling", "ucf101_p"),
            ("reverse_sampling", "ucf101_p"),
            ("jumble", "ucf101_p"),
            ("box_jumble", "ucf101_p"),
            ("freeze", "ucf101_p"),
        ),
        severities=(1, 2, 3, 4),  # as the paper reports them
        resolution="relative",
    ),
    Suite(
        "kinetics_c_12",
        (
            ("shot_noise", "kinetics_c"),
            ("clip_motion_blur", "kinetics_c"),
            ("rain", "kinetics_c"),
            ("contrast", "kinetics_c"),
            ("brightness", "kinetics_c"),
            ("saturate", "kinetics_c"),
            ("fog", "kinetics_c"),
            ("bit_error", "kinetics_c"),
            ("packet_loss", "kinetics_c"),
            ("h265_crf", "kinetics_c"),
            ("h264_crf", "kinetics_c"),
            ("frame_rate", "kinetics_c"),
        ),
        resolution="relative",
    ),
)

_PUBLISHED = (
    Suite(
        "vitta_12",
        (
            ("gaussian_noise", "imagenet_c"),
            ("pepper_noise", "vitta"),
            ("salt_noise", "vitta"),
            ("shot_noise", "imagenet_c"),
            ("zoom_blur", "imagenet_c"),
            ("impulse_noise", "imagenet_c"),
            ("defocus_blur", "imagenet_c"),
            ("clip_motion_blur", "kinetics_c"),
            ("jpeg_compression", "imagenet_c"),
            ("contrast", "imagenet_c"),
            ("rain", "kinetics_c"),
            ("h265_abr", "kinetics_c"),
        ),
        severities=(5,),  # as the paper's sets have it
        resolution="relative",
    ),
    Suite("laion_c_6", tuple((name, "laion_c") for name in _LAION), resolution="relative"),
    Suite("imagenet_3dcc_nodepth", tuple((name, "imagenet_3dcc") for name in _3DCC), resolution="relative"),
)

# Ours: what real cameras and links do, and things in front of them.
_CAMERA = Suite("camera_c", tuple((name, "camera_c") for name in CAMERA), resolution="relative")
# Not corruptions: does a network use time at all? Reported apart from every mean.
_PROBE = Suite(
    "motion_probe",
    (("reverse", "motion_probe"), ("shuffle", "motion_probe"), ("single_frame", "motion_probe")),
    severities=(1,),
)
# Ours: each kind of fault once or twice, evenly graded; `tables_calibrated` and `tables_camera` say why each is in.
_VIDEO_C_2 = Suite("video_c_2", tuple((name, "video_c") for name in CALIBRATED), resolution="relative", version=2)
_VIDEO_C = Suite(
    "video_c", tuple((name, "video_c") for name in (*CALIBRATED, *VIDEO_C_3)), resolution="relative", version=3
)


# Each corruption at the severity that comes nearest to one PSNR, for studies of matched distortion.
_MATCHED = tuple(matched(_VIDEO_C, psnr, side) for side in SIDES for psnr in (20, 25, 30))


def _made(name: str, row: object) -> Suite:
    """Return the suite, once it is certain that its corruptions have those tables."""
    if not isinstance(row, Suite):
        raise CorruptionError(f"suite {name}: it is a corruptions.Suite, not a {type(row).__name__}")
    if not row.cells or not row.severities or not set(row.severities) <= {1, 2, 3, 4, 5}:
        raise CorruptionError(f"suite {row.name}: it has one cell and one severity, from 1 to 5, at least")
    for corruption, profile in row.cells:
        resolve_profile(find(corruption), profile)
    return row


SUITE_ROWS: Final[OpenTable[Suite]] = OpenTable(
    "suite",
    "corruptions.SUITES",
    CorruptionError,
    _made,
    {
        suite.name: suite
        for suite in (_CORE_10, *_C, *_C_BAR, *_VIDEO, *_PUBLISHED, _CAMERA, _PROBE, _VIDEO_C, _VIDEO_C_2, *_MATCHED)
    },
)
SUITES: Final[Mapping[str, Suite]] = MappingProxyType(SUITE_ROWS)


def find_suite(name: str | Suite) -> Suite:
    """Return the suite called `name`, or given itself; UnknownName names the nearest."""
    if isinstance(name, Suite):
        return _made(name.name, name)
    return SUITE_ROWS[known_name("suite", name, SUITE_ROWS)]


def suite(name: str | Suite) -> tuple[str, ...]:
    """Return the names of a suite's corruptions, in its order; UnknownName names the nearest suite.

    >>> suite("core_10")[:3]
    ('gaussian_noise', 'shot_noise', 'impulse_noise')
    """
    return tuple(corruption for corruption, _ in find_suite(name).cells)
