"""What real cameras and links do to video, and things in front of them: ours, with levels set by measurement.

No paper has a table for these: their profile is `camera_c`, and `tools/corruption_levels.py` measures its levels.
"""

from dataclasses import replace
from typing import Final

from corruptions.row import Corruption, Mode, Table, displacing, moving, video
from corruptions.tables_camera import CAMERA

OURS: Final = "Ours: no paper has levels for it"
ARROW: Final = "Learning and Using the Arrow of Time, CVPR 2018"
APPEARANCE: Final = (
    "What Makes a Video a Video: Analyzing Temporal Information in Video Understanding Models, CVPR 2018"
)
_ONE: Final[Table] = ((1,), (1,), (1,), (1,), (1,))
_PROBE: Final = "a probe, not a corruption: it is reported apart, and is in no mean; its five levels are one"
_SIZES: Final = "pixels of the sensor are those of the canvas, in relative resolution too"


def _moves(name: str, family: str, default: Mode, tau: float, *notes: str) -> Corruption:
    return replace(moving(name, family, default, tau, *notes, camera_c=CAMERA[name]), source=OURS)


ROWS: Final[tuple[Corruption, ...]] = (
    _moves("dead_pixels", "sensor", "static", 1.0, "in drift pixels come and go, as warm ones do", _SIZES),
    _moves("fixed_pattern_noise", "sensor", "static", 4.0, _SIZES),
    _moves(
        "night",
        "sensor",
        "drift",
        0.08,
        "by default noise boils with a time constant of two frames, as a denoiser that looks back in time leaves it",
    ),
    _moves(
        "exposure_flicker",
        "exposure",
        "drift",
        0.01,
        "rows are read within 1/50 s, so that a frame shows two bands; a light's own waveform is taken for a sine",
        "drift is the clock of the video, not a random walk",
    ),
    _moves("auto_exposure", "exposure", "drift", 0.5),
    _moves("white_balance", "exposure", "drift", 2.0),
    displacing(
        _moves(
            "rolling_shutter",
            "readout",
            "drift",
            0.1,
            "rows are read within 1/50 s; drift is the clock of the video, not a random walk",
            "the shake is the camera's, so that all of the scene moves alike",
        )
    ),
    replace(
        video("interlacing", "scan", "window", "fields are whole frames apart, as no frame lies between two",
              "in a video that ends before the second field, the end is held", camera_c=CAMERA["interlacing"]),
        source=OURS,
    ),
    replace(
        video("dropped_frames", "order", "order", "each second starts in time, so that a clip stays where it is in its "
              "video; freeze holds what is lost instead", random=True, camera_c=CAMERA["dropped_frames"]),
        source=OURS,
    ),
    replace(
        video("duplicated_frames", "order", "order", "each second starts in time, so that a clip stays where it is in "
              "its video", random=True, camera_c=CAMERA["duplicated_frames"]),
        source=OURS,
    ),
    _moves("occlusion_box", "occlusion", "static", 1.0),
    _moves(
        "occlusion_across",
        "occlusion",
        "drift",
        1.0,
        "drift is a walk at a steady pace, not a random one",
        "at some moments the figure is out of the frame",
    ),
    replace(
        video("occlusion_in_scene", "occlusion", "video", "the shift from frame to frame is that of the whole picture, "
              "in quarters of a pixel: what moves alone before a camera that stands still does not carry the box",
              random=True, camera_c=CAMERA["occlusion_in_scene"]),
        source=OURS,
    ),
    replace(
        video("ts_loss", "codec", "video", "H.264 at rate factor 23 without B-frames, key frames every 48, eight "
              "slices a picture", "the first picture is spared and one packet at least is lost: an image is coded only",
              "only packets of the video are counted; tables of programs come again in time", random=True,
              camera_c=CAMERA["ts_loss"]),
        source=OURS,
    ),
    replace(video("reverse", "probe", "order", _PROBE, motion_probe=_ONE), source=ARROW),
    replace(video("shuffle", "probe", "order", _PROBE, random=True, motion_probe=_ONE), source=APPEARANCE),
    replace(video("single_frame", "probe", "order", _PROBE, motion_probe=_ONE), source=APPEARANCE),
)  # fmt: skip
