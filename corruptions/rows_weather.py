"""Weather: what is known of each, and its published levels."""

import math
from typing import Final

from corruptions.row import Corruption, Table, moving

_FOG: Table = ((1.5, 2, 256, 0), (2, 2, 256, 0), (2.5, 1.7, 256, 0), (2.5, 1.5, 256, 0), (3, 1.4, 256, 0))

ROWS: Final[tuple[Corruption, ...]] = (
    moving(
        "snow",
        "weather",
        "drift",
        math.inf,
        "the second layer is the first one turned by 180 degrees: where the snow stands still it is point-symmetric",
        "the border of a layer is held while it is smeared, which thickens the flakes there; in drift that fades "
        "within a second, as flakes come in from outside",
        "departure: in drift a flake falls its streak's length in 1/8 s, the second layer half as fast",
        "in relative resolution the layer is drawn at the table's size and fitted to the frame",
        imagenet_c=(
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
        cifar_c=(
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ),
        tiny_c=(
            (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
        ),
    ),
    moving(
        "frost",
        "weather",
        "static",
        20.0,
        "departure: the five textures are grown, not photographs (five of unknown licence, two the same); each has the "
        "levels, colours, spectrum and patchiness of one of them, so that networks answer alike (docs/results.md)",
        "own photographs: `corruptions.frost_textures(FOLDER)`, or `evaluation.frost_textures: FOLDER` in a config",
        "levels 3 to 5 of imagenet_c differ little, and level 4 is milder than level 3",
        "departure: a frame larger than the texture enlarges it, where the generator fails",
        imagenet_c=((1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)),
        cifar_c=((1, 0.2, 0.2), (1, 0.3, 0.2), (0.9, 0.4, 0.2), (0.85, 0.4, 0.2), (0.75, 0.45, 0.2)),
        tiny_c=((1, 0.3, 0.3), (0.9, 0.4, 0.3), (0.8, 0.45, 0.3), (0.75, 0.5, 0.3), (0.7, 0.55, 0.3)),
    ),
    moving(
        "fog",
        "weather",
        "drift",
        8.0,
        "the frame is dimmed by its own maximum, so that fog on a black frame vanishes and flickers with the content",
        "departure: a frame longer than the map of 256, 64 or 32 pixels takes the next power of two; in relative "
        "resolution distortion steps by up to 0.4 dB there",
        imagenet_c=_FOG,
        cifar_c=((0.2, 3, 32, 0), (0.5, 3, 32, 0), (0.75, 2.5, 32, 0), (1, 2, 32, 0), (1.5, 1.75, 32, 0)),
        tiny_c=((0.4, 3, 64, 0), (0.7, 3, 64, 0), (1, 2.5, 64, 0), (1.5, 2, 64, 0), (2, 1.75, 64, 0)),
        kinetics_c=_FOG,
    ),
    moving(
        "spatter",
        "weather",
        "static",
        10.0,
        "levels 1 to 3 are clear water, 4 and 5 are mud",
        "the water is scaled by its own maximum, so that its brightest drop has the table's strength in every frame",
        "in relative resolution drops are drawn at the table's size and fitted to the frame at the same mean square",
        imagenet_c=(
            (0.65, 0.3, 4, 0.69, 0.6, 0),
            (0.65, 0.3, 3, 0.68, 0.6, 0),
            (0.65, 0.3, 2, 0.68, 0.5, 0),
            (0.65, 0.3, 1, 0.65, 1.5, 1),
            (0.67, 0.4, 1, 0.65, 1.5, 1),
        ),
        cifar_c=(
            (0.62, 0.1, 0.7, 0.7, 0.5, 0),
            (0.65, 0.1, 0.8, 0.7, 0.5, 0),
            (0.65, 0.3, 1, 0.69, 0.5, 0),
            (0.65, 0.1, 0.7, 0.69, 0.6, 1),
            (0.65, 0.1, 0.5, 0.68, 0.6, 1),
        ),
        tiny_c=(
            (0.62, 0.1, 0.7, 0.7, 0.6, 0),
            (0.65, 0.1, 0.8, 0.7, 0.6, 0),
            (0.65, 0.3, 1, 0.69, 0.6, 0),
            (0.65, 0.1, 0.7, 0.68, 0.6, 1),
            (0.65, 0.1, 0.5, 0.67, 0.6, 1),
        ),
    ),
)
