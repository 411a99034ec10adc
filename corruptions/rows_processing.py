"""Exposure, geometry and processing: what is known of each, and its published levels."""

from typing import Final

from corruptions.row import Corruption, Table, displacing, each, fixed, moving

_BRIGHTNESS = each(0.1, 0.2, 0.3, 0.4, 0.5)
_CONTRAST = each(0.4, 0.3, 0.2, 0.1, 0.05)
_JPEG = each(25, 18, 15, 10, 7)
_SATURATE: Table = ((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2))

ROWS: Final[tuple[Corruption, ...]] = (
    fixed(
        "brightness",
        "photometric",
        imagenet_c=_BRIGHTNESS,
        cifar_c=each(0.05, 0.1, 0.15, 0.2, 0.3),
        tiny_c=_BRIGHTNESS,
        kinetics_c=_BRIGHTNESS,
    ),
    fixed(
        "contrast",
        "photometric",
        "the mean is that of the frame and channel, and follows the content of a video",
        imagenet_c=_CONTRAST,
        cifar_c=each(0.75, 0.5, 0.4, 0.3, 0.15),
        tiny_c=_CONTRAST,
        kinetics_c=each(0.5, 0.4, 0.3, 0.2, 0.1),
    ),
    fixed(
        "saturate",
        "photometric",
        "grey pixels have hue 0 and turn red at levels 4 and 5",
        "levels 1 and 2 take colour away and 3 to 5 add it, so that distortion does not grow with the level",
        imagenet_c=_SATURATE,
        cifar_c=((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)),
        tiny_c=((0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)),
        kinetics_c=_SATURATE,
    ),
    displacing(
        moving(
            "elastic_transform",
            "geometry",
            "drift",
            0.3,
            "levels 1 and 2 of imagenet_c turn and shear the frame so much that they are harder than 3 to 5",
            "cifar_c grows milder from level 1 to level 5 in mean squared error",
            "lengths are shares of 244 pixels in imagenet_c, though its frames have 224",
            imagenet_c=(
                (244, 2, 0.7, 0.1),
                (244, 2, 0.08, 0.2),
                (244, 0.05, 0.01, 0.02),
                (244, 0.07, 0.01, 0.02),
                (244, 0.12, 0.01, 0.02),
            ),
            cifar_c=(
                (32, 0, 0, 0.08),
                (32, 0.05, 0.2, 0.07),
                (32, 0.08, 0.06, 0.06),
                (32, 0.1, 0.04, 0.05),
                (32, 0.1, 0.03, 0.03),
            ),
            tiny_c=(
                (64, 0, 0, 0.08),
                (64, 0.05, 0.3, 0.06),
                (64, 0.1, 0.08, 0.06),
                (64, 0.1, 0.03, 0.03),
                (64, 0.16, 0.03, 0.02),
            ),
        )
    ),
    fixed(
        "pixelate",
        "digital",
        "blocks are whole pixels, so that in relative resolution distortion beats with the size: level 1 of imagenet_c "
        "is 2.4 to 3.1 dB harsher at 56 and at 80 pixels than at 64, by the picture",
        imagenet_c=each(0.6, 0.5, 0.4, 0.3, 0.25),
        cifar_c=each(0.95, 0.9, 0.85, 0.75, 0.65),
        tiny_c=each(0.9, 0.8, 0.7, 0.6, 0.5),
    ),
    fixed(
        "jpeg_compression",
        "digital",
        "chroma has half the resolution (4:2:0)",
        "blocks have 8 pixels at any size: a photograph loses 0.5 to 1 dB more at 56 pixels a side than at 224",
        imagenet_c=_JPEG,
        cifar_c=each(80, 65, 58, 50, 40),
        tiny_c=each(65, 58, 50, 40, 25),
        ucf101_p=_JPEG,
    ),
)
