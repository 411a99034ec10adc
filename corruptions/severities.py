"""The published severity tables: `TABLES[profile, corruption]` is five levels, each a tuple of parameters.

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
=============  =====================================================================================================
"""

from typing import Final

Level = tuple[float, ...]
Table = tuple[Level, Level, Level, Level, Level]

SIDES: Final[dict[str, int]] = {"imagenet_c": 224, "cifar_c": 32, "tiny_c": 64, "ucf101_p": 224, "kinetics_c": 224}


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
    # share of the frames kept, least number kept; below 30 frames level 4 keeps more than level 3, as published
    ("ucf101_p", "freeze"): ((0.4, 1), (0.2, 1), (0.1, 1), (0.05, 2), (0, 1)),
}
