"""ImageNet-C-bar and CIFAR-10-C-bar (NeurIPS 2021): what is odd about each corruption, and its levels.

Levels are on that paper's scale from 0 to 10: a level l means l / 10 of the corruption's largest parameter, which
stands in its formula in `bar`. The temporal story of each stands first in its notes.
"""

from typing import Final

from corruptions.row import Corruption, displacing, each, pattern

ROWS: Final[tuple[Corruption, ...]] = (
    pattern(
        "blue_noise_sample",
        "static",
        "holes sit on the sensor: static; drift turns the phases of the noise, so that holes open and close",
        "quirk kept: mirrored points of the spectrum share a phase, so mirrored pixels are related",
        "one pixel is the grain at every resolution",
        "departure: ImageNet-C-bar is stored as JPEG of quality 85, which smears the holes",
        imagenet_c_bar=each(0.8, 1.6, 2.4, 4.0, 5.6),
        cifar_c_bar=each(0.7, 1.4, 2.1, 3.5, 4.2),
    ),
    pattern(
        "plasma_noise",
        "drift",
        "the plasma flows: its published `time` drifts, its scale, sharpness and rounds stay",
        imagenet_c_bar=each(4.75, 7.0, 8.5, 9.25, 10.0),
    ),
    pattern(
        "checkerboard_cutout",
        "static",
        "tiles stuck on the lens: static; drift turns the board about the top left corner, its published origin",
        imagenet_c_bar=each(2.0, 3.0, 4.0, 5.0, 6.0),
        cifar_c_bar=each(1.0, 2.0, 3.0, 4.0, 5.0),
    ),
    pattern(
        "cocentric_sine_waves",
        "drift",
        "the centre of the waves wanders; their shape stays",
        "it wanders by about a pixel a frame at 112 pixels a side, so that rings of less than 2 pixels shimmer: the "
        "correlation of the residual between frames is 0 for them (1 video in 6), 0.3 below 4 pixels, 0.7 above 8",
        "quirk kept: a whole number of lobes is the exception, so a seam runs up from the centre",
        "quirk kept: the name is spelt as published",
        imagenet_c_bar=each(3.0, 5.0, 8.0, 9.0, 10.0),
    ),
    pattern(
        "single_frequency_greyscale",
        "drift",
        "electrical interference: the bars roll, by a radian each tau; their direction and frequency stay",
        "frequencies are per pixel, up to half a cycle, at every resolution",
        tau=0.2,
        imagenet_c_bar=each(1.0, 1.5, 2.0, 4.5, 5.0),
    ),
    pattern(
        "brownish_noise",
        "drift",
        "stray light changes slowly: drift turns the phases of the noise by a radian each tau",
        "quirk kept: the mean of the noise is not removed, which tints the frame",
        "quirk kept: mirrored points of the spectrum share a phase, so mirrored pixels are related",
        imagenet_c_bar=each(1.0, 2.0, 3.0, 4.0, 5.0),
        cifar_c_bar=each(2.5, 4.0, 5.5, 6.5, 7.0),
    ),
    pattern(
        "perlin_noise",
        "drift",
        "smoke that churns: the 256 gradients turn, the lattice stays",
        "quirk kept: the octaves share a lattice and its origin, so the top left pixel is always blended with mid grey",
        "quirk kept: turbulence is never negative, so the noise is at least mid grey",
        tau=2.0,
        imagenet_c_bar=each(4.6, 5.2, 5.8, 7.6, 8.8),
    ),
    pattern(
        "sparkles",
        "drift",
        "lamps seen by a moving camera: the stars wander and their rays shimmer",
        "rays are at least one pixel long",
        imagenet_c_bar=each(1.0, 2.0, 3.0, 5.0, 6.0),
        cifar_c_bar=each(0.7, 3.5, 5.6, 6.3, 7.0),
    ),
    pattern(
        "inverse_sparkles",
        "drift",
        "glare about one clear spot, which wanders while its rays shimmer",
        imagenet_c_bar=each(1.0, 2.0, 4.0, 9.0, 10.0),
        cifar_c_bar=each(1.0, 1.5, 2.5, 4.5, 5.0),
    ),
    displacing(
        pattern(
            "caustic_refraction",
            "drift",
            "water that moves: the published `time` of its caustics drifts, their size stays",
            "quirk kept: light outside the frame counts as 0, so the border refracts strongly",
            "quirk kept: slopes under 2.6 degrees do not refract, and what is looked up outside the frame is black",
            imagenet_c_bar=each(2.35, 3.2, 4.9, 6.6, 9.15),
        )
    ),
    displacing(
        pattern(
            "pinch_and_twirl",
            "static",
            "a pane of moulded glass: static; a twirl has only two directions, so in drift it flips now and then",
            "a margin narrower than a disc at the right and bottom is left alone, as published",
            cifar_c_bar=each(5.5, 6.0, 6.5, 8.5, 10.0),
        )
    ),
    displacing(
        pattern(
            "ripple",
            "drift",
            "waves that travel: their phases turn by a radian each tau, their lengths stay",
            tau=0.3,
            cifar_c_bar=each(5.5, 6.0, 6.5, 7.5, 8.0),
        )
    ),
    pattern(
        "circular_motion_blur",
        None,
        "the turn of a camera within one exposure; nothing is random",
        "turned by bilinear looks at a frame enlarged by cubic convolution, not by splines: 0.16 levels off on a photo",
        "quirk kept: what is turned in from outside the frame is black, with a hard edge",
        cifar_c_bar=each(2.8, 3.6, 4.4, 5.2, 6.0),
    ),
    pattern(
        "lines",
        "static",
        "scratches on the lens: static; drift turns each about its own middle",
        "lines are laid in one go: published ones are truncated to whole grey levels after each",
        cifar_c_bar=each(0.5, 1.0, 1.5, 2.0, 2.5),
    ),
    pattern(
        "transverse_chromatic_abberation",
        "static",
        "a property of the lens: static; there are six orders of the channels, so in drift it flips now and then",
        "quirk kept: no prefilter stands before the cubic splines, so every channel is smoothed, the unscaled one too",
        "quirk kept: the name is spelt as published",
        cifar_c_bar=each(1.0, 2.0, 5.0, 9.0, 10.0),
    ),
)
