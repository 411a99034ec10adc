"""The severity tables: `TABLES[profile, corruption]` is five levels, each a tuple of parameters.

Units are the papers': noise and photometric parameters for values in [0, 1], blur lengths in pixels of a frame whose
short side is `SIDES[profile]`.

=============  =====================================================================================================
profile        source of the numbers
=============  =====================================================================================================
imagenet_c     Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019; 224 px
cifar_c        the same paper's CIFAR-10-C, 32 px
tiny_c         the same paper's Tiny-ImageNet-C, 64 px
ucf101_p       A Large-Scale Robustness Analysis of Video Action Recognition Models, CVPR 2023; 224 px
kinetics_c     Benchmarking the Robustness of Spatial-Temporal Models Against Corruptions, NeurIPS 2021; 224 px
*_c_bar        On Interaction Between Augmentations and Corruptions, NeurIPS 2021: `tables_bar`; 224 px, CIFAR 32 px
video_c        none: calibrated by measurement, in `tables_calibrated`; 224 px
=============  =====================================================================================================
"""

from typing import Final

from corruptions.tables_bar import SIDES_BAR, TABLES_BAR
from corruptions.tables_calibrated import SIDES_CALIBRATED, TABLES_CALIBRATED
from corruptions.tables_video import TABLES_VIDEO

Level = tuple[float, ...]
Table = tuple[Level, Level, Level, Level, Level]

SIDES: Final[dict[str, int]] = {
    "imagenet_c": 224,
    "cifar_c": 32,
    "tiny_c": 64,
    "ucf101_p": 224,
    "kinetics_c": 224,
    **SIDES_BAR,
    **SIDES_CALIBRATED,
}


def _each(a: float, b: float, c: float, d: float, e: float) -> Table:
    """Five levels of one parameter."""
    return (a,), (b,), (c,), (d,), (e,)


_GAUSSIAN = _each(0.08, 0.12, 0.18, 0.26, 0.38)
_SHOT = _each(60, 25, 12, 5, 3)
_SHOT_TINY = _each(250, 100, 50, 30, 15)
_IMPULSE = _each(0.03, 0.06, 0.09, 0.17, 0.27)
_SPECKLE_TINY = _each(0.15, 0.2, 0.25, 0.3, 0.35)
_DEFOCUS: Table = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
_MOTION: Table = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
_BRIGHTNESS = _each(0.1, 0.2, 0.3, 0.4, 0.5)
_CONTRAST = _each(0.4, 0.3, 0.2, 0.1, 0.05)
_JPEG = _each(25, 18, 15, 10, 7)
_ZOOM: Table = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))
_ZOOM_SMALL: Table = ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01))
_FOG: Table = ((1.5, 2, 256, 0), (2, 2, 256, 0), (2.5, 1.7, 256, 0), (2.5, 1.5, 256, 0), (3, 1.4, 256, 0))
_SATURATE: Table = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))

TABLES: Final[dict[tuple[str, str], Table]] = {
    # standard deviation of the added noise
    ("imagenet_c", "gaussian_noise"): _GAUSSIAN,
    ("cifar_c", "gaussian_noise"): _each(0.04, 0.06, 0.08, 0.09, 0.1),
    ("tiny_c", "gaussian_noise"): _each(0.04, 0.08, 0.12, 0.15, 0.18),
    ("ucf101_p", "gaussian_noise"): _GAUSSIAN,
    # photons at full white
    ("imagenet_c", "shot_noise"): _SHOT,
    ("cifar_c", "shot_noise"): _each(500, 250, 100, 75, 50),
    ("tiny_c", "shot_noise"): _SHOT_TINY,
    ("ucf101_p", "shot_noise"): _SHOT_TINY,
    ("kinetics_c", "shot_noise"): _SHOT,
    # share of the channel values that become 0 or 255
    ("imagenet_c", "impulse_noise"): _IMPULSE,
    ("cifar_c", "impulse_noise"): _each(0.01, 0.02, 0.03, 0.05, 0.07),
    ("tiny_c", "impulse_noise"): _each(0.01, 0.02, 0.05, 0.08, 0.14),
    ("ucf101_p", "impulse_noise"): _IMPULSE,
    # standard deviation of the factor
    ("imagenet_c", "speckle_noise"): _each(0.15, 0.2, 0.35, 0.45, 0.6),
    ("cifar_c", "speckle_noise"): _each(0.06, 0.1, 0.12, 0.16, 0.2),
    ("tiny_c", "speckle_noise"): _SPECKLE_TINY,
    ("ucf101_p", "speckle_noise"): _SPECKLE_TINY,
    # disk radius, sigma that softens its rim
    ("imagenet_c", "defocus_blur"): _DEFOCUS,
    ("cifar_c", "defocus_blur"): ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
    ("tiny_c", "defocus_blur"): ((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)),
    ("ucf101_p", "defocus_blur"): _DEFOCUS,
    # radius (the streak is 2 radius + 1 taps long), sigma of its half-Gaussian
    ("imagenet_c", "motion_blur"): _MOTION,
    ("cifar_c", "motion_blur"): ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
    ("tiny_c", "motion_blur"): ((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)),
    ("ucf101_p", "motion_blur"): _MOTION,
    # added to the HSV value
    ("imagenet_c", "brightness"): _BRIGHTNESS,
    ("cifar_c", "brightness"): _each(0.05, 0.1, 0.15, 0.2, 0.3),
    ("tiny_c", "brightness"): _BRIGHTNESS,
    ("kinetics_c", "brightness"): _BRIGHTNESS,
    # factor on the distance from the channel's mean
    ("imagenet_c", "contrast"): _CONTRAST,
    ("cifar_c", "contrast"): _each(0.75, 0.5, 0.4, 0.3, 0.15),
    ("tiny_c", "contrast"): _CONTRAST,
    ("kinetics_c", "contrast"): _each(0.5, 0.4, 0.3, 0.2, 0.1),
    # JPEG quality, 4:2:0
    ("imagenet_c", "jpeg_compression"): _JPEG,
    ("cifar_c", "jpeg_compression"): _each(80, 65, 58, 50, 40),
    ("tiny_c", "jpeg_compression"): _each(65, 58, 50, 40, 25),
    ("ucf101_p", "jpeg_compression"): _JPEG,
    # sigma in pixels
    ("imagenet_c", "gaussian_blur"): _each(1, 2, 3, 4, 6),
    ("cifar_c", "gaussian_blur"): _each(0.4, 0.6, 0.7, 0.8, 1),
    ("tiny_c", "gaussian_blur"): _each(0.5, 0.75, 1, 1.25, 1.5),
    # sigma, how far a copy may come from, passes; level 4 of imagenet_c is milder than level 3, as published
    ("imagenet_c", "glass_blur"): ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
    ("cifar_c", "glass_blur"): ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    ("tiny_c", "glass_blur"): ((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
    # the factors of the zoom stop before this, step
    ("imagenet_c", "zoom_blur"): _ZOOM,
    ("cifar_c", "zoom_blur"): _ZOOM_SMALL,
    ("tiny_c", "zoom_blur"): _ZOOM_SMALL,
    ("ucf101_p", "zoom_blur"): _ZOOM,
    # mean and sd of the field, zoom, threshold, radius and sigma of the streak, share of the frame that stays
    ("imagenet_c", "snow"): (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ),
    ("cifar_c", "snow"): (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ),
    ("tiny_c", "snow"): (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
    ),
    # factors on the frame and on the frost, size of the texture
    ("imagenet_c", "frost"): ((1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)),
    ("cifar_c", "frost"): ((1, 0.2, 0.2), (1, 0.3, 0.2), (0.9, 0.4, 0.2), (0.85, 0.4, 0.2), (0.75, 0.45, 0.2)),
    ("tiny_c", "frost"): ((1, 0.3, 0.3), (0.9, 0.4, 0.3), (0.8, 0.45, 0.3), (0.75, 0.5, 0.3), (0.7, 0.55, 0.3)),
    # amount, decay, side of the map in pixels, white level (0 is the frame's own maximum)
    ("imagenet_c", "fog"): _FOG,
    ("cifar_c", "fog"): ((0.2, 3, 32, 0), (0.5, 3, 32, 0), (0.75, 2.5, 32, 0), (1, 2, 32, 0), (1.5, 1.75, 32, 0)),
    ("tiny_c", "fog"): ((0.4, 3, 64, 0), (0.7, 3, 64, 0), (1, 2.5, 64, 0), (1.5, 2, 64, 0), (2, 1.75, 64, 0)),
    ("kinetics_c", "fog"): _FOG,
    # mean and sd of the field, sigma, threshold, strength of the water or softness of the mud, 1 is mud
    ("imagenet_c", "spatter"): (
        (0.65, 0.3, 4, 0.69, 0.6, 0),
        (0.65, 0.3, 3, 0.68, 0.6, 0),
        (0.65, 0.3, 2, 0.68, 0.5, 0),
        (0.65, 0.3, 1, 0.65, 1.5, 1),
        (0.67, 0.4, 1, 0.65, 1.5, 1),
    ),
    ("cifar_c", "spatter"): (
        (0.62, 0.1, 0.7, 0.7, 0.5, 0),
        (0.65, 0.1, 0.8, 0.7, 0.5, 0),
        (0.65, 0.3, 1, 0.69, 0.5, 0),
        (0.65, 0.1, 0.7, 0.69, 0.6, 1),
        (0.65, 0.1, 0.5, 0.68, 0.6, 1),
    ),
    ("tiny_c", "spatter"): (
        (0.62, 0.1, 0.7, 0.7, 0.6, 0),
        (0.65, 0.1, 0.8, 0.7, 0.6, 0),
        (0.65, 0.3, 1, 0.69, 0.6, 0),
        (0.65, 0.1, 0.7, 0.68, 0.6, 1),
        (0.65, 0.1, 0.5, 0.67, 0.6, 1),
    ),
    # factor on the HSV saturation, added to it
    ("imagenet_c", "saturate"): _SATURATE,
    ("cifar_c", "saturate"): ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
    ("tiny_c", "saturate"): ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)),
    ("kinetics_c", "saturate"): _SATURATE,
    # a length k, and in units of it the strength of the field, its sigma and the reach of the corners
    ("imagenet_c", "elastic_transform"): (
        (244, 2, 0.7, 0.1),
        (244, 2, 0.08, 0.2),
        (244, 0.05, 0.01, 0.02),
        (244, 0.07, 0.01, 0.02),
        (244, 0.12, 0.01, 0.02),
    ),
    ("cifar_c", "elastic_transform"): (
        (32, 0, 0, 0.08),
        (32, 0.05, 0.2, 0.07),
        (32, 0.08, 0.06, 0.06),
        (32, 0.1, 0.04, 0.05),
        (32, 0.1, 0.03, 0.03),
    ),
    ("tiny_c", "elastic_transform"): (
        (64, 0, 0, 0.08),
        (64, 0.05, 0.3, 0.06),
        (64, 0.1, 0.08, 0.06),
        (64, 0.1, 0.03, 0.03),
        (64, 0.16, 0.03, 0.02),
    ),
    # share of the sides that is kept
    ("imagenet_c", "pixelate"): _each(0.6, 0.5, 0.4, 0.3, 0.25),
    ("cifar_c", "pixelate"): _each(0.95, 0.9, 0.85, 0.75, 0.65),
    ("tiny_c", "pixelate"): _each(0.9, 0.8, 0.7, 0.6, 0.5),
    # share of the frames kept, least number kept; below 30 frames level 4 keeps more than level 3, as published
    ("ucf101_p", "freeze"): ((0.4, 1), (0.2, 1), (0.1, 1), (0.05, 2), (0, 1)),
    **TABLES_BAR,
    **TABLES_VIDEO,
    **TABLES_CALIBRATED,
}
