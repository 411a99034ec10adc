"""LAION-C, ViTTA's noises and what of 3DCC needs no depth: what is known of each, and its published levels."""

from dataclasses import replace
from typing import Final

from corruptions.row import Corruption, each, fixed, moving, noise

LAION_C: Final = "LAION-C: An Out-of-Distribution Benchmark for Web-Scale Vision Models, ICML 2025"
THREE_D_CC: Final = "3D Common Corruptions and Data Augmentation, CVPR 2022"
VITTA: Final = "Video Test-Time Adaptation for Action Recognition, CVPR 2023"

_DRAWN: Final = (
    "departure: the published pictures are cut from ImageNet; here 64 small scenes are drawn, the same for every frame"
)
_STUCK: Final = "the generator knows images alone; by default everything keeps its place for a whole video (static)"
_SHARES: Final = "the generator is not published: shares are those that reimplementations use, 10 % a level"


def _of(source: str, row: Corruption) -> Corruption:
    return replace(row, source=source)


ROWS: Final[tuple[Corruption, ...]] = (
    _of(VITTA, noise("pepper_noise", _SHARES, vitta=each(0.1, 0.2, 0.3, 0.4, 0.5))),
    _of(VITTA, noise("salt_noise", _SHARES, vitta=each(0.1, 0.2, 0.3, 0.4, 0.5))),
    _of(LAION_C, moving(
        "mosaic", "laion", "static", 4.0, _DRAWN, _STUCK,
        "a drawn picture is moved to the mean of its tile, where the generator looks for one of that mean in a million",
        laion_c=each(4, 6, 8, 16, 28),
    )),
    _of(LAION_C, fixed(
        "vertical_lines", "laion",
        "drawn anew for each frame from its own pixels",
        laion_c=((224, 1), (178, 2), (112, 4), (84, 6), (60, 8)),
    )),
    _of(LAION_C, moving(
        "glitched", "laion", "independent", 0.2,
        "departure: the generator's glitch is the same for every image (seed 1); here it is drawn from the key",
        laion_c=each(2, 4, 5, 8, 10),
    )),
    _of(LAION_C, moving(
        "luminance_checkerboard", "laion", "static", 1.0, _STUCK,
        laion_c=((0, 50), (50, 100), (100, 125), (125, 150), (150, 255)),
    )),
    _of(LAION_C, moving(
        "geometric_shapes", "laion", "static", 4.0, _STUCK, laion_c=each(150, 300, 600, 800, 1000),
    )),
    _of(LAION_C, moving(
        "stickers", "laion", "static", 4.0, _DRAWN, _STUCK, laion_c=each(100, 200, 400, 600, 1200),
    )),
    _of(THREE_D_CC, moving(
        "iso_noise", "sensor", "independent", 0.2, imagenet_3dcc=each(0.08, 0.12, 0.18, 0.26, 0.38),
    )),
    _of(THREE_D_CC, moving(
        "low_light", "sensor", "independent", 0.2,
        "darkest and brightest are those of the frame, and follow the content of a video",
        imagenet_3dcc=each(0.6, 0.5, 0.4, 0.3, 0.2),
    )),
    _of(THREE_D_CC, fixed(
        "flash", "exposure",
        "departure: the generator lights the scene by a network's picture of its surfaces; here a flash falls off from "
        "the middle of the frame",
        imagenet_3dcc=each(2.4, 1.4, 0.9, 0.6, 0.4),
    )),
    _of(THREE_D_CC, fixed("color_quant", "digital", imagenet_3dcc=each(5, 4, 3, 2, 1))),
    _of(THREE_D_CC, moving(
        "xy_motion_blur", "blur", "drift", 0.5,
        "departure: without depth all of the scene moves alike; the generator moves what is near further",
        imagenet_3dcc=each(20, 30, 40, 50, 60),
    )),
)  # fmt: skip
