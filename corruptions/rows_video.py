"""What exists only in video (order, camera, rain, shutter, codec): what is known of each, and its published levels.

Degrees, pixels, frames, frames a second, rate factors, quantisers, bytes and shares, as each function says.
"""

import math
from typing import Final

from corruptions.row import Corruption, Table, displacing, each, shown, video

_DIVISORS: Final[Table] = each(2, 4, 8, 16, 32)
_BYTES: Final[Table] = each(100_000, 50_000, 30_000, 20_000, 10_000)
_HELD: Final = (
    "departure: frames are repeated in place, as the authors' program for files does; their evaluation shortens the "
    "clip, of which a network then sees every c-th frame"
)
_CODED: Final = "departure: the frames on the canvas are coded (4:2:0, BT.601), not the file; severity 0 is not coded"
_RATE: Final = "departure: the rate that is divided is 0.27 bits a pixel, UCF101's mean, as a canvas has no container's"
_THEIRS: Final = "beside the authors' program (FFmpeg 9, a drawn clip of 48 frames of 224 px)"
_LEVELS: Final = "ours is lighter by the grey level that FFmpeg's own conversion to 4:2:0 loses:"
_RICHER: Final = "that clip was stored without loss, and so has more bits to divide"
_SLICED: Final = "departure: H.264 at rate factor 23 without B-frames, key frames every 48, eight slices a picture"
_SPARED: Final = "departure: one hit at least; the first picture and all headers are spared, so an image is coded only"
_COARSEST: Final = "quantisers beyond 31, the coarsest there is, are 31, so that the levels saturate"

ROWS: Final[tuple[Corruption, ...]] = (
    video(
        "freeze",
        "order",
        "order",
        "departure: frames before the first one kept show it ahead of its time, where the generator drops them: of "
        "a video of 186 frames the first 1.6, 4.3, 8.9, 19 and 91 in the mean at levels 1 to 5 of ucf101_p",
        random=True,
        ucf101_p=((0.4, 1), (0.2, 1), (0.1, 1), (0.05, 2), (0, 1)),
    ),
    video("sampling", "order", "order", _HELD, ucf101_p=_DIVISORS),
    video("reverse_sampling", "order", "order", _HELD, ucf101_p=_DIVISORS),
    video(
        "jumble",
        "order",
        "order",
        "segments shrink with the level, so that level 1 of ucf101_p is the hardest and level 5 the mildest",
        "a last segment that is shorter is shuffled too: every frame is shown once, none is held at either end",
        random=True,
        ucf101_p=each(32, 16, 8, 4, 2),
    ),
    video(
        "box_jumble",
        "order",
        "order",
        "segments grow with the level, so that a clip shorter than one stays as it is: 32 consecutive frames are cut "
        "7.8, 3.4, 1.9, 1.2 and 0.9 times in the mean at levels 1 to 5",
        "a last segment that is shorter takes its place by lot like any other, which moves all after it",
        random=True,
        ucf101_p=each(4, 9, 16, 25, 36),
    ),
    video(
        "frame_rate",
        "order",
        "order",
        "departure: frames are held and the length is kept; the generator's own option is not a valid one",
        "ticks of two rates fall apart, so that a clip of fewer than 16 frames may see one more at the lower rate",
        kinetics_c=each(20, 16, 12, 9, 6),
    ),
    displacing(
        shown(
            "rotate",
            "shake",
            "the generator turns each frame anew (independent); by default the hand has inertia (drift)",
            "the nearest pixel is taken and corners are black",
            tau=0.4,
            ucf101_p=each(7, 13, 19, 25, 31),
        )
    ),
    displacing(
        video(
            "static_rotate",
            "shake",
            "frame",
            "the nearest pixel is taken and corners are black",
            ucf101_p=each(7.5, 15, 30, 45, 90),
        )
    ),
    displacing(
        shown(
            "translate",
            "shake",
            "the generator displaces a clip once (static); by default the hand has inertia (drift)",
            "offsets go to one side only",
            "departure: what lies beyond the border is mirrored, where the generator cuts from larger frames",
            tau=0.4,
            ucf101_p=each(8, 16, 24, 32, 40),
        )
    ),
    shown(
        "rain",
        "rain",
        "the generator draws new drops in each frame (independent); by default they fall in three layers (drift), at "
        "3.3, 2.4 and 1.6 frame heights a second: drops of 2 mm at 6.5 m/s where the frame is 2, 2.7 and 4 m high",
        "streaks are one pixel wide, in relative resolution one pixel of a frame of 224",
        "in relative resolution level 1 is up to 2 dB milder at 56 than at 224 pixels: beneath a streak the frame is "
        "blurred, and small frames have little to lose",
        "streaks lean by one pixel whatever the slant, which only narrows the columns where they start",
        tau=math.inf,  # what falls keeps its direction
        kinetics_c=((770, 10, 0.8), (770, 30, 0.8), (770, 60, 0.7), (500, 60, 0.6), (400, 80, 0.5)),
    ),
    video(
        "clip_motion_blur",
        "shutter",
        "window",
        "the window is half a frame off centre",
        "departure: the window is clamped at both ends, where the generator drops 2 c frames",
        kinetics_c=each(3, 5, 7, 9, 11),
    ),
    video(
        "h264_crf",
        "codec",
        "video",
        _CODED,
        "departure: x264's macroblock tree is off: with it, equal calls give different bytes; ours is milder by 0.3, "
        "0.5, 0.5, 0.7 and 1.3 dB at rate factors 23 to 51 (three UCF101 clips, 48 frames of 320 x 240)",
        f"{_THEIRS} milder by 0.9, 1.4, 1.6, 1.3 and 1.2 dB at levels 1 to 5; {_LEVELS} 1.1 to 1.2, at level 4 0.3",
        kinetics_c=each(23, 30, 37, 44, 51),
    ),
    video(
        "h265_crf",
        "codec",
        "video",
        _CODED,
        f"{_THEIRS} milder by 0.3, 0.2, 0.1, 0.2 and 0.0 dB at levels 1 to 5; {_LEVELS} 1.1, at level 5 0.9",
        kinetics_c=each(27, 33, 39, 45, 51),
        imagenet_3dcc=each(24, 26, 32, 39, 41),
    ),
    video(
        "h264_abr",
        "codec",
        "video",
        _CODED,
        _RATE,
        f"{_THEIRS} harder by 1.7, 3.1, 2.3, 1.7 and 0.9 dB at levels 1 to 5: {_RICHER}",
        kinetics_c=_DIVISORS,
    ),
    video(
        "h265_abr",
        "codec",
        "video",
        _CODED,
        _RATE,
        f"{_THEIRS} harder by 2.7, 2.3, 1.4, 0.9 and 0.3 dB at levels 1 to 5: {_RICHER}",
        kinetics_c=_DIVISORS,
        imagenet_3dcc=_DIVISORS,
    ),
    video(
        "mpeg2",
        "codec",
        "video",
        _CODED,
        _COARSEST,
        "published under the name MPEG-1",
        ucf101_p=each(20, 40, 60, 80, 100),
    ),
    video(
        "mpeg4",
        "codec",
        "video",
        _CODED,
        _COARSEST,
        "published under the name MPEG-2",
        ucf101_p=each(15, 30, 45, 60, 75),
    ),
    video(
        "bit_error",
        "codec",
        "video",
        _CODED,
        _SLICED,
        _SPARED,
        "departure: hits a picture are those of a source of 320 x 240 pixels at 0.27 bits, whatever the canvas",
        "milder than FFmpeg's noise filter on a file of one slice a picture, because a hit ends at its slice: 31.1 for "
        "28.6 dB at level 4, 26.1 for 21.5 at level 5; with one slice ours falls by 7 and 11 dB (three UCF101 clips of "
        "48 frames)",
        random=True,
        kinetics_c=_BYTES,
        imagenet_3dcc=_BYTES,
    ),
    video(
        "packet_loss",
        "codec",
        "video",
        _CODED,
        _SLICED,
        _SPARED,
        "a packet is a slice",
        random=True,
        kinetics_c=((0.01, 1), (0.02, 1), (0.03, 1), (0.04, 1), (0.06, 1)),
    ),
)
