"""`video_c`, the set that we recommend: our own levels, chosen by measurement so that they rise evenly in every cell.

The published tables were set by eye, and some run backwards or saturate. Here a level is what it does to real video:
`TARGETS[name]` is (metric, value at level 1, value at level 5), and levels 2 to 4 stand evenly between. Lengths are
pixels of a frame whose short side is 224; the targets are means over nine UCF101 clips, at 112 and at 224 pixels a side
in relative resolution. `tests/soak/test_calibration.py` measures them again and prints the table.

Version 2: version 1 was calibrated at 112 pixels alone, where snow, spatter, rain and defocus blur were not as hard as
at other sizes; its sampling held the end of the video, and its frost was grown otherwise. A run's fingerprint names
the version.

======  ==============================================================================================================
metric  definition, corrupted against clean
======  ==============================================================================================================
ssim    mean structural similarity of luma (BT.601; Gaussian window, sigma 1.5 pixels); 1 is no distortion
psnr    peak signal-to-noise ratio of the clip, decibels, mean over clips: the codecs' own measure
chroma  what is left of mean(max(r, g, b) - min(r, g, b)); 1 is all colour, 0 is grey
travel  mean distance by which a pixel is displaced, in percent of the frame's side
held    share of the frames that repeat the one before them; 0 is none
delay   log2 of the mean number of frames between a frame shown and the one due, in a video of 300 frames
======  ==============================================================================================================

SSIM ends where the process ends: no quality of JPEG and no exposure destroys as much as noise does.
"""

from typing import Final

from corruptions.row import Table, each

Target = tuple[str, float, float]

CALIBRATED: Final[dict[str, Table]] = {
    # the two noises of every sensor, read noise and photon noise; speckle is between them, impulses are rare today
    "gaussian_noise": each(0.03, 0.0505, 0.077, 0.12, 0.207),
    "shot_noise": each(360, 116, 45, 16, 4.9),
    # a lens out of focus; the rim is soft at every level
    "defocus_blur": ((3.1, 0.5), (4.3, 0.5), (5.9, 0.5), (7.8, 0.5), (10.4, 0.5)),
    # the camera turns during the exposure
    "motion_blur": ((5, 3.1), (8, 4.8), (11, 7), (16, 10), (23, 14.5)),
    # the scene moves during the exposure: a blur that only video has
    "clip_motion_blur": each(2, 3, 5, 9, 16),
    # weather: white is 1, so that fog shows on black frames and does not flicker with them
    "fog": ((0.47, 1.8, 256, 1), (0.84, 1.8, 256, 1), (1.33, 1.8, 256, 1), (2.04, 1.8, 256, 1), (3.25, 1.8, 256, 1)),
    # one size of flake, small so that the many that enter and leave keep the mean steady; more and more of them
    "snow": (
        (0.057, 0.3, 2, 0.6, 10, 4, 0.95),
        (0.107, 0.3, 2, 0.6, 10, 4, 0.91),
        (0.148, 0.3, 2, 0.6, 10, 4, 0.875),
        (0.185, 0.3, 2, 0.6, 10, 4, 0.84),
        (0.223, 0.3, 2, 0.6, 10, 4, 0.81),
    ),
    # short streaks for the same reason, more of them in less and less light
    "rain": ((500, 12, 0.95), (265, 12, 0.83), (168, 12, 0.69), (122, 12, 0.55), (97, 12, 0.42)),
    # the frame gives a third of what the ice adds, so that all that changes grows in proportion
    "frost": ((0.948, 0.157, 1), (0.916, 0.253, 1), (0.881, 0.357, 1), (0.842, 0.474, 1), (0.789, 0.632, 1)),
    # mud at every level, the same drops growing; published levels turn from water to mud halfway
    "spatter": (
        (0.607, 0.3, 3, 0.65, 1.5, 1),
        (0.6188, 0.3, 3, 0.65, 1.5, 1),
        (0.6268, 0.3, 3, 0.65, 1.5, 1),
        (0.6335, 0.3, 3, 0.65, 1.5, 1),
        (0.6401, 0.3, 3, 0.65, 1.5, 1),
    ),
    # too much light; too little of its range
    "brightness": each(0.11, 0.21, 0.31, 0.41, 0.52),
    "contrast": each(0.68, 0.47, 0.33, 0.21, 0.09),
    # colour only leaves, down to black and white, and nothing is added that could tint grey
    "saturate": ((0.8, 0), (0.6, 0), (0.4, 0), (0.2, 0), (0, 0)),
    # frame by frame compression, down to where quality makes no difference; pixelation is left out: at a hard edge its
    # error depends on where the edge meets the blocks, and a coarser grid can do less harm
    "jpeg_compression": each(26, 13, 8, 5, 3),
    # a hand that cannot hold the camera still, sideways and about the axis
    "translate": each(6, 10, 13, 16, 20),
    "rotate": each(4, 8, 12, 16, 20),
    # transport: frames that do not come in time, a camera that takes few, frames that come in the wrong order; the few
    # are each other's multiples, so that a harder level shows no clip a frame that a milder one does not
    "freeze": ((0.85, 1), (0.65, 1), (0.45, 1), (0.25, 1), (0.05, 1)),
    "sampling": each(3, 6, 12, 24, 48),
    "jumble": each(3, 6, 12, 24, 48),
    # the codec of most video and its successor, at constant quality: at a constant rate, what a short clip loses is up
    # to the rate control's first guess
    "h264_crf": each(22, 28, 34, 40, 47),
    "h265_crf": each(25, 30, 35, 40, 45),
    # a noisy line and a congested one, whose losses come in bursts
    "bit_error": each(50_000, 26_000, 13_000, 7_000, 4_500),
    "packet_loss": ((0.01, 2), (0.03, 2), (0.055, 2), (0.09, 2), (0.17, 2)),
}

TARGETS: Final[dict[str, Target]] = {
    "gaussian_noise": ("ssim", 0.85, 0.25),
    "shot_noise": ("ssim", 0.85, 0.25),
    "defocus_blur": ("ssim", 0.92, 0.64),
    "motion_blur": ("ssim", 0.92, 0.64),
    "clip_motion_blur": ("ssim", 0.92, 0.72),
    "fog": ("ssim", 0.85, 0.53),
    "snow": ("ssim", 0.85, 0.53),
    "rain": ("ssim", 0.91, 0.66),
    "frost": ("ssim", 0.85, 0.45),
    "spatter": ("ssim", 0.93, 0.61),
    "brightness": ("ssim", 0.90, 0.62),
    "contrast": ("ssim", 0.88, 0.48),
    "saturate": ("chroma", 0.8, 0.0),
    "jpeg_compression": ("ssim", 0.92, 0.66),
    "translate": ("travel", 1.45, 6.05),
    "rotate": ("travel", 1.45, 6.05),
    "freeze": ("held", 0.15, 0.95),
    "sampling": ("delay", 0.0, 4.55),
    "jumble": ("delay", 0.0, 4.0),
    "h264_crf": ("psnr", 34, 22),
    "h265_crf": ("psnr", 33, 22.6),
    "bit_error": ("psnr", 30, 20.5),
    "packet_loss": ("psnr", 31, 21),
}
