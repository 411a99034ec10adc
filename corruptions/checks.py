"""What callers give, and one sentence where it cannot be used: what is wrong and what would be right."""

from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from corruptions.exceptions import CorruptionError, WrongFrames, short

Frames = NDArray[np.uint8]
Numbers = Sequence[int] | NDArray[np.int64]
SMALLEST = 16
LONGEST = 10**8  # frames: 46 days at 25 a second
SLOWEST, FASTEST = 0.001, 1e6  # frames a second that encoders can count in


def check_frames(frames: object) -> None:
    """Raise WrongFrames unless these are uint8 (T, H, W, 3) of sides that every corruption can work on."""
    fix = f"give uint8 RGB of shape (T, H, W, 3), at least {SMALLEST} x {SMALLEST}"
    if not isinstance(frames, np.ndarray):
        raise WrongFrames(f"frames are a {type(frames).__name__}, not a NumPy array: {fix}")
    if frames.dtype != np.uint8:
        raise WrongFrames(f"frames are {frames.dtype}: {fix} with values 0 to 255")
    if frames.ndim != 4 or frames.shape[3] != 3 or min(frames.shape[1:3]) < SMALLEST:
        raise WrongFrames(f"frames have shape {frames.shape}: {fix}{_hint(frames.shape)}")


def _hint(shape: tuple[int, ...]) -> str:
    """What to do about the wrong shapes that frames often have, or nothing."""
    match shape:
        case (_, _, 4):
            return "; an image is a clip of one frame, and leave transparency out: frames[None, ..., :3]"
        case (_, _, 3):
            return "; an image is a clip of one frame: frames[None]"
        case (_, _, _, 3):
            return ""
        case (_, 3, _, _):
            return "; channels come last: frames.transpose(0, 2, 3, 1)"
        case (_, _, _, 4):
            return "; leave transparency out: frames[..., :3]"
    return "; repeat a grey channel three times"


def check_labels(labels: object, fill: int) -> None:
    """Raise WrongFrames unless these are uint8 (T, H, W), and `fill` is one of them."""
    fix = f"give uint8 labels of shape (T, H, W), at least {SMALLEST} x {SMALLEST}"
    if not isinstance(labels, np.ndarray) or labels.dtype != np.uint8:
        raise WrongFrames(f"labels are {getattr(labels, 'dtype', type(labels).__name__)}: {fix}")
    if labels.ndim != 3 or min(labels.shape[1:]) < SMALLEST:
        raise WrongFrames(f"labels have shape {labels.shape}: {fix}")
    if not isinstance(fill, Integral) or not 0 <= fill <= 255:
        raise WrongFrames(f"fill {short(fill)}: it is a label, 0 to 255")


def frame_numbers(numbers: Numbers) -> NDArray[np.int64]:
    """Return the numbers as int64 (n,), or raise WrongFrames."""
    try:
        array = np.asarray(numbers)
    except ValueError:  # lists of several lengths
        array = np.empty((0, 0))
    whole = array.dtype.kind in "iu" and (not array.size or 0 <= array.min() <= array.max() <= np.iinfo(np.int64).max)
    if array.ndim != 1 or (array.size and not whole):
        raise WrongFrames(f"frame numbers are a flat list of whole numbers from 0, not {short(numbers)}")
    return array.astype(np.int64)


def length(n_frames: int) -> int:
    """Return the length of a video, or raise WrongFrames."""
    if not isinstance(n_frames, Integral) or not 0 <= n_frames <= LONGEST:
        raise WrongFrames(
            f"n_frames {short(n_frames)}: it is the number of frames of the video, a whole number to {LONGEST:,}"
        )
    return int(n_frames)


def level_number(severity: int, name: str) -> int:
    """Return the severity, 0 to 5, or raise CorruptionError. True is a mistake, not a 1."""
    if not isinstance(severity, Integral) or isinstance(severity, bool) or not 0 <= severity <= 5:
        raise CorruptionError(f"severity {short(severity)} of {name}: it is a whole number from 0 (clean) to 5")
    return int(severity)


def text(key: str) -> str:
    """Return the key, or raise CorruptionError."""
    if not isinstance(key, str):
        raise CorruptionError(f"key {short(key)}: give a text that names video and repetition, such as '0/clip_7'")
    return key


def clock(fps: float) -> float:
    """Return the frames a second, or raise CorruptionError."""
    if not isinstance(fps, Real) or not SLOWEST <= fps <= FASTEST:
        raise CorruptionError(f"fps {short(fps)}: give the frames a second of the video, such as 25")
    return float(fps)
