"""`camera_c`: the levels of what real cameras and links do to video, set by measurement as those of `video_c` are.

`TARGETS_CAMERA[name]` is (metric, value at level 1, value at level 5), in the terms of `tables_calibrated`.
"""

from typing import Final

from corruptions.row import Table, each

Target = tuple[str, float, float]

# in `video_c` since its version 3, one or two of each kind: light, colour, the sensor in the dark, its rows read one
# after the other, two fields in a frame, a clock that is lost, what hides the scene, a broadcast; the others are near
# one of these, or need a whole video to move a box
VIDEO_C_3: Final = (
    "night",
    "fixed_pattern_noise",
    "exposure_flicker",
    "auto_exposure",
    "white_balance",
    "rolling_shutter",
    "interlacing",
    "dropped_frames",
    "occlusion_box",
    "occlusion_across",
    "ts_loss",
)

CAMERA: Final[dict[str, Table]] = {
    "dead_pixels": each(0.0082, 0.0192, 0.0335, 0.0526, 0.0784),
    "fixed_pattern_noise": each(0.0131, 0.0218, 0.031, 0.0425, 0.0582),
    "night": (
        (0.7, 0.0191, 0.0191),
        (0.553, 0.0285, 0.0285),
        (0.461, 0.0388, 0.0388),
        (0.379, 0.0541, 0.0541),
        (0.304, 0.0788, 0.0788),
    ),
    "exposure_flicker": each(0.248, 0.345, 0.479, 0.654, 0.861),
    "auto_exposure": each(0.28, 0.4, 0.572, 0.833, 1.21),
    "white_balance": each(0.448, 0.6, 0.815, 1.12, 1.54),
    "rolling_shutter": each(1.73, 3.55, 5.33, 7.13, 9),
    "interlacing": each(1, 2, 4, 7, 12),
    "dropped_frames": each(0.0975, 0.142, 0.215, 0.32, 0.514),
    "duplicated_frames": each(0.0894, 0.142, 0.232, 0.4, 0.749),
    "occlusion_box": each(0.03, 0.0593, 0.115, 0.224, 0.425),
    "occlusion_across": each(0.333, 0.43, 0.56, 0.72, 0.926),
    "occlusion_in_scene": each(0.03, 0.0593, 0.115, 0.224, 0.425),
    "ts_loss": ((0.0025, 4), (0.0117, 4), (0.0265, 4), (0.053, 4), (0.096, 4)),
}

TARGETS_CAMERA: Final[dict[str, Target]] = {
    "dead_pixels": ("ssim", 0.9, 0.46),
    "fixed_pattern_noise": ("ssim", 0.9, 0.46),
    "night": ("ssim", 0.85, 0.33),
    "exposure_flicker": ("psnr", 29, 17),
    "auto_exposure": ("psnr", 30, 18),
    "white_balance": ("psnr", 30, 20),
    "rolling_shutter": ("travel", 0.8, 4.0),
    "dropped_frames": ("delay", 0.0, 2.4),
    "duplicated_frames": ("delay", 0.0, 2.4),
    "occlusion_box": ("psnr", 24, 12),
    "occlusion_across": ("psnr", 26, 18.5),
    "occlusion_in_scene": ("psnr", 25, 13.2),
    "ts_loss": ("psnr", 30, 20),
}
