"""Every corruption in a sentence and a formula, and the names of its severity parameters: what its page in docs says.

In the formulas x is the clean frame and x' the corrupted one, both in [0, 1] and clipped to it; t is the number of one
of T frames, from 0; N(m, s) is normal with mean m and standard deviation s, U uniform, G(s) a Gaussian kernel; q is a
place, * is convolution and <- is "looks at". In C-bar p is a tenth of the level and n the short side in pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

__all__ = ["FORMULAS", "Formula"]


@dataclass(frozen=True, slots=True)
class Formula:
    """What a corruption is, its equation, and the parameters of a severity level in the order of the table."""

    what: str
    equation: str
    parameters: tuple[str, ...]


_P: Final = ("level from 0 to 10",)
_QUANTISER: Final = ("quantiser q",)
_DIVISOR: Final = ("divisor c of the bit rate",)

FORMULAS: Final[Mapping[str, Formula]] = MappingProxyType(
    {
        "gaussian_noise": Formula(
            "Read noise of a sensor in low light.", "x' = x + N(0, c)", ("c, standard deviation for x in [0, 1]",)
        ),
        "shot_noise": Formula(
            "Light arrives as photons, and their number is random.", "x' = Poisson(c x) / c", ("c, photons at white",)
        ),
        "impulse_noise": Formula(
            "Single values are lost to black or white: salt and pepper.",
            "x' = 1 with probability c / 2, 0 with probability c / 2, else x",
            ("c, share of the channel values",),
        ),
        "speckle_noise": Formula(
            "Noise in proportion to the light.", "x' = x + x N(0, c)", ("c, standard deviation of the factor",)
        ),
        "gaussian_blur": Formula("A soft lens.", "x' = x * G(sigma), cut at 4 sigma", ("sigma in pixels",)),
        "defocus_blur": Formula(
            "A lens out of focus.",
            "x' = x * (disk(r) * G(a)), where the disk has sum 1",
            ("r, radius in pixels", "a, sigma in pixels that softens the rim"),
        ),
        "glass_blur": Formula(
            "A pane of frosted glass.",
            "x' = G(sigma) * S^k(G(sigma) * x), where S lets each pixel copy one at an offset U{-d, ..., d - 1}^2",
            ("sigma in pixels", "d, reach in pixels", "k, passes"),
        ),
        "motion_blur": Formula(
            "The camera moves while the shutter is open.",
            "x'(q) = sum over i = 0 .. 2 r of w_i x(q + i (cos a, sin a)), w_i ~ exp(-i^2 / 2 sigma^2); a = U(-45, 45)",
            ("r, half the taps", "sigma in pixels"),
        ),
        "zoom_blur": Formula(
            "The camera rushes towards the scene while the shutter is open.",
            "x' = (2 x + sum over z = 1 + s, 1 + 2 s, ... < e of zoom(x, z)) / (n + 2), n zooms",
            ("e, end of the zooms", "s, step"),
        ),
        "snow": Formula(
            "Flakes fall through the picture and the light turns white.",
            "x' = b x + (1 - b) max(x, 1.5 grey(x) + 0.5) + f + turn(f, 180), "
            "f = motion_blur(cut(zoom(N(m, s), z), c), r, sigma, a), a = U(-135, -45)",
            (
                "m, mean of the field",
                "s, its deviation",
                "z, zoom",
                "c, threshold",
                "r, half the taps of the streak",
                "sigma of the streak in pixels",
                "b, share of the frame that stays",
            ),
        ),
        "frost": Formula(
            "Ice has grown on the lens.",
            "x' = a x + b f, where f is a random window on one of five ice textures, each as likely",
            ("a, factor on the frame", "b, factor on the ice", "size of the texture"),
        ),
        "fog": Formula(
            "Banks of fog between the camera and the scene.",
            "x' = (x + c p) m / (m + c), p a plasma map in [0, 1], m the white level, or max(x) where that is 0",
            ("c, amount", "decay of the map", "side of the map in pixels", "white level"),
        ),
        "spatter": Formula(
            "Drops of water or mud on the lens.",
            "x' = x + s l pale turquoise (water), or x (1 - k) + k brown (mud); l and k are made of where "
            "G(sigma) * N(m, d) > c",
            (
                "m, mean of the field",
                "d, its deviation",
                "sigma in pixels",
                "c, threshold",
                "s, strength of the water, or sigma of the mud's rim",
                "1 for mud, 0 for water",
            ),
        ),
        "brightness": Formula("Exposed for too long.", "HSV: V' = V + c", ("c, added to V in [0, 1]",)),
        "contrast": Formula(
            "Flat light.", "x' = (x - m) c + m, where m is the mean of the frame's channel", ("c, factor",)
        ),
        "saturate": Formula("Too little colour, or too much.", "HSV: S' = a S + b", ("a, factor", "b, added")),
        "elastic_transform": Formula(
            "The scene is turned, sheared and bent, as seen through hot air.",
            "x'(q) <- A x(q + a k (G(s k) * U(-1, 1)^2)), where A moves three corners by U(-c k, c k)",
            ("k, length in pixels", "a, strength", "s, smoothness", "c, reach of the corners"),
        ),
        "pixelate": Formula(
            "Enlarged from too few pixels.",
            "x' = enlarge(box average(x, c)), by whole pixels",
            ("c, share of the sides",),
        ),
        "jpeg_compression": Formula("Stored as a JPEG.", "x' = decode(JPEG(x, q)), 4:2:0", ("quality q",)),
        "freeze": Formula(
            "The display hangs: some frames are held until the next one gets through.",
            "x'(t) = x(max{k in K: k <= t}), where K is a random set of max(c T, l) frames",
            ("c, share of the frames kept", "l, frames kept at least"),
        ),
        "sampling": Formula(
            "Recorded too slowly: every c-th frame is held until the next.",
            "x'(t) = x(c (t // c))",
            ("c, stride in frames",),
        ),
        "reverse_sampling": Formula(
            "Recorded too slowly and played backwards.",
            "x'(t) = x(c ((T - 1 - t) // c))",
            ("c, stride in frames",),
        ),
        "jumble": Formula(
            "Packets arrive in the wrong order: frames are shuffled within each segment.",
            "x'(t) = x(shuffle within t // c)",
            ("c, frames a segment",),
        ),
        "box_jumble": Formula(
            "Whole segments arrive in the wrong order.",
            "x'(t) = x(c shuffle(t // c) + t mod c)",
            ("c, frames a segment",),
        ),
        "frame_rate": Formula(
            "Recorded at a lower frame rate: each frame is held until the next tick.",
            "x'(t) = x(ceil(floor(t / s) s)), s = max(fps / c, 1)",
            ("c, frames a second",),
        ),
        "rotate": Formula(
            "The camera rolls in the hand.", "x' = turn(x, U{-c, ..., c} degrees)", ("c, largest angle in degrees",)
        ),
        "static_rotate": Formula("The camera is held askew.", "x' = turn(x, c degrees)", ("c, angle in degrees",)),
        "translate": Formula(
            "The camera shakes up, down and sideways.",
            "x'(q) = x(q + (U{0, ..., c - 1}, U{0, ..., c - 1}))",
            ("c, span of the offsets in pixels",),
        ),
        "rain": Formula(
            "Streaks of rain in front of the camera, in dull light.",
            "x' = (y - mean(y)) d + mean(y), y = blur(x with H W / a streaks of length l and grey 220)",
            ("a, pixels a streak", "l, length in pixels", "d, factor on the contrast"),
        ),
        "clip_motion_blur": Formula(
            "A shutter that stays open for many frames.",
            "x'(t) = mean of x(t - c) .. x(t + c - 1)",
            ("c, half the exposure in frames",),
        ),
        "h264_crf": Formula("Coded with H.264 (x264).", "x' = decode(H.264(x, CRF = c))", ("c, rate factor",)),
        "h265_crf": Formula("Coded with H.265 (x265).", "x' = decode(H.265(x, CRF = c))", ("c, rate factor",)),
        "h264_abr": Formula(
            "Coded with H.264 for a thin line.", "x' = decode(H.264(x, bit rate of the source / c))", _DIVISOR
        ),
        "h265_abr": Formula(
            "Coded with H.265 for a thin line.", "x' = decode(H.265(x, bit rate of the source / c))", _DIVISOR
        ),
        "mpeg2": Formula("Coded with MPEG-2.", "x' = decode(MPEG-2(x, min(q, 31)))", _QUANTISER),
        "mpeg4": Formula("Coded with MPEG-4 part 2.", "x' = decode(MPEG-4(x, min(q, 31)))", _QUANTISER),
        "bit_error": Formula(
            "A disk or a cable that changes bytes of the coded video.",
            "x' = decode(H.264(x) with one byte in c overwritten)",
            ("c, bytes for each one overwritten",),
        ),
        "packet_loss": Formula(
            "A network that loses packets of the coded video.",
            "x' = decode(H.264(x) without a share p of its slices, lost in bursts of b in the mean)",
            ("p, share of the slices", "b, mean length of a burst"),
        ),
        "blue_noise_sample": Formula(
            "Pixels are missing, evenly scattered.",
            "x' = 0 where g <= 3 p - 5/2, else x; g is noise of unit deviation whose amplitude grows as the frequency",
            _P,
        ),
        "plasma_noise": Formula(
            "Coloured plasma over the picture.",
            "x' = (1 - 64 p / 255) x + 64 p / 255 g, where g is a plane folded by 4 to 6 sine waves",
            _P,
        ),
        "checkerboard_cutout": Formula(
            "Grey tiles cover cells of a turned chequerboard.",
            "x' = 128 / 255 on a share p of one colour's cells, else x; cells are U(1/10, 1/4) n wide",
            _P,
        ),
        "cocentric_sine_waves": Formula(
            "Rings about a point, with wavy edges.",
            "x' = x + 128 p / 255 ((r + a sin(f angle)) mod w / w - 1/2); a, w = U(0, n / 10), f = U(0, 10)",
            _P,
        ),
        "single_frequency_greyscale": Formula(
            "Bars of electrical interference.", "x' = x + 196 p / 255 sin(fx column + fy row + phase)", _P
        ),
        "brownish_noise": Formula(
            "Coarse coloured stains.", "x' = x + 64 p / 255 g, where the amplitude of g falls as 1 / (r^2 + 1)", _P
        ),
        "perlin_noise": Formula(
            "Smoke, as computer graphics draw it.",
            "x' = (1 - a) x + a min(1/2 + turbulence / 2, 1), a = p / 2, cells of n / 7",
            _P,
        ),
        "sparkles": Formula(
            "Bright stars on the picture.",
            "x' = x + g (1 - x) for five stars of 50 to 199 rays, lengths N(r, r / 4), r = n p / 10",
            _P,
        ),
        "inverse_sparkles": Formula(
            "Glare everywhere but about one spot.",
            "x' = 1 + g (x - 1) for one star about the middle, rays N(n / 4, n / 16), fading as distance^(-2.6 p)",
            _P,
        ),
        "caustic_refraction": Formula(
            "Seen through moving water in the sun.",
            "x'(q) = x(q + refraction through depth n p / 2 at index 4) + 2 p slope of the light",
            _P,
        ),
        "pinch_and_twirl": Formula(
            "Moulded glass: discs on a grid are pinched and twirled.",
            "x'(r, angle) <- x(r sin(pi r / 2)^(-0.4 p - 0.1), angle +- p pi / 2 (1 - r)^2), with r from 0 to 1",
            _P,
        ),
        "ripple": Formula(
            "Waves run over the picture along both axes.",
            "x'(q) <- x(q + n p / 40 sin(2 pi q / w + phase)) on each axis, w = U(n / 10, 3 n / 10)",
            _P,
        ),
        "circular_motion_blur": Formula(
            "The camera turns about its axis while the shutter is open.",
            "x' = weighted mean of 21 turns of x from -15 p to 15 p degrees, weights exp(-2 share^2)",
            _P,
        ),
        "lines": Formula(
            "Scratches on the lens.",
            "x' = 128 / 255 along n p lines of length 2 n and width 1 in similar directions, else x",
            _P,
        ),
        "transverse_chromatic_abberation": Formula(
            "A lens that magnifies each colour differently.",
            "the channels, in random order, are enlarged by 1, 1 + p / 4 and 1 + p / 2 about the centre",
            _P,
        ),
    }
)
