"""Noise and blur: what is known of each, and its published levels."""

from typing import Final

from corruptions.row import Corruption, Table, each, fixed, moving, noise

_JPEG_85: Final = "departure: nothing is stored as JPEG of quality 85, which takes a third of the noise off ImageNet-C"
_GAUSSIAN = each(0.08, 0.12, 0.18, 0.26, 0.38)
_SHOT = each(60, 25, 12, 5, 3)
_SHOT_TINY = each(250, 100, 50, 30, 15)
_IMPULSE = each(0.03, 0.06, 0.09, 0.17, 0.27)
_SPECKLE_TINY = each(0.15, 0.2, 0.25, 0.3, 0.35)
_DEFOCUS: Table = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
_MOTION: Table = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))
_ZOOM: Table = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))
_ZOOM_SMALL: Table = ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01))

ROWS: Final[tuple[Corruption, ...]] = (
    noise(
        "gaussian_noise",
        _JPEG_85,
        imagenet_c=_GAUSSIAN,
        cifar_c=each(0.04, 0.06, 0.08, 0.09, 0.1),
        tiny_c=each(0.04, 0.08, 0.12, 0.15, 0.18),
        ucf101_p=_GAUSSIAN,
    ),
    noise(
        "shot_noise",
        "photons are counted by inverting the distribution at one uniform, so that a fixed draw stays fixed in time",
        _JPEG_85,
        imagenet_c=_SHOT,
        cifar_c=each(500, 250, 100, 75, 50),
        tiny_c=_SHOT_TINY,
        ucf101_p=_SHOT_TINY,
        kinetics_c=_SHOT,
    ),
    noise(
        "impulse_noise",
        "each channel is hit on its own, so that pixels turn coloured and not only black or white",
        _JPEG_85,
        imagenet_c=_IMPULSE,
        cifar_c=each(0.01, 0.02, 0.03, 0.05, 0.07),
        tiny_c=each(0.01, 0.02, 0.05, 0.08, 0.14),
        ucf101_p=_IMPULSE,
    ),
    noise(
        "speckle_noise",
        imagenet_c=each(0.15, 0.2, 0.35, 0.45, 0.6),
        cifar_c=each(0.06, 0.1, 0.12, 0.16, 0.2),
        tiny_c=_SPECKLE_TINY,
        ucf101_p=_SPECKLE_TINY,
    ),
    fixed(
        "gaussian_blur",
        "blur",
        imagenet_c=each(1, 2, 3, 4, 6),
        cifar_c=each(0.4, 0.6, 0.7, 0.8, 1),
        tiny_c=each(0.5, 0.75, 1, 1.25, 1.5),
    ),
    fixed(
        "defocus_blur",
        "blur",
        "the disk of radius 8 or 10 is softened on a grid that cuts its rim, so that its weights sum to 1.01",
        imagenet_c=_DEFOCUS,
        cifar_c=((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)),
        tiny_c=((0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)),
        ucf101_p=_DEFOCUS,
    ),
    moving(
        "glass_blur",
        "blur",
        "static",
        2.5,
        "the generator means to swap pixels and copies them: a real swap is milder by 1 to 2 dB",
        "offsets are drawn from -reach to reach - 1, so that the picture drifts by half a pixel a pass",
        "level 4 of imagenet_c is milder than level 3",
        "in relative resolution a smaller frame is seen through the pane at the table's size, and in a larger one each "
        "pixel of the pane covers several of the frame",
        imagenet_c=((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
        cifar_c=((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
        tiny_c=((0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)),
    ),
    moving(
        "motion_blur",
        "blur",
        "drift",  # a shaking hand turns slowly: the angle drifts and never jumps
        1.0,
        "the streak is half a Gaussian, so that the picture moves along it by its mean",
        "levels 3 and 4 of cifar_c look the same",
        imagenet_c=_MOTION,
        cifar_c=((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)),
        tiny_c=((10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)),
        ucf101_p=_MOTION,
    ),
    fixed(
        "zoom_blur",
        "blur",
        "the frame itself counts twice, and magnified frames touch the corners of their crop, not its pixel edges",
        "crops begin at whole pixels: level 1 is up to 1 dB harsher at 56 pixels a side than at 224, of cifar_c and "
        "tiny_c 2 dB, level 3 and above less than 0.5",
        imagenet_c=_ZOOM,
        cifar_c=_ZOOM_SMALL,
        tiny_c=_ZOOM_SMALL,
        ucf101_p=_ZOOM,
    ),
)
