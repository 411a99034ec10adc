"""How a corruption hangs together in time: a report on a clean clip and its corrupted copy.

Definitions, with x_t the clean and y_t the corrupted frame, r_t = luma(y_t) - luma(x_t) and | | the mean magnitude:

    residual correlation   mean over t of corr(r_t, r_t+1)
    moved correlation      the same of r_t(p) and r_t+1(p + v), for a residual that travels v pixels a frame
    flicker                standard deviation over t of mean(r_t+1) - mean(r_t)
    change ratio           sum of |y_t+1 - y_t| / sum of |x_t+1 - x_t|
    warping error          mean over t of |W(y_t) - y_t+1| - |W(x_t) - x_t+1|

W follows the clean clip's optical flow backwards; places where forward and backward flow disagree do not count. Source
of the warping error: Learning Blind Video Temporal Consistency, ECCV 2018; of its mask: Artistic Style Transfer for
Videos, GCPR 2016; of the flow: Fast Optical Flow Using Dense Inverse Search, ECCV 2016.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions.exceptions import WrongFrames

Frames = NDArray[np.uint8]
Plane = NDArray[np.float32]
Velocity = tuple[float, float]

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_FLAT = 1e-6  # squared grey levels
_NOWHERE = (1e6, 1e6, 0, 0)  # pixels: the flow of what is looked up outside the frame
_SMALLEST = 32  # pixels a side: the flow reads beyond smaller pictures


@dataclass(frozen=True, slots=True)
class Consistency:
    """The temporal report of a corrupted clip. A number that its clip leaves undefined is NaN.

    residual_correlation  -1 to 1: 1 where the corruption stands still on the frame, 0 where it is drawn anew
    moved_correlation     -1 to 1: the same after the given velocity is undone; NaN without one
    flicker               grey levels (0 to 255) by which the brightness jumps from frame to frame; three frames or more
    change_ratio          corrupted change over clean change: 1 leaves the motion as it is, 0 stops it
    warping_error         grey levels (0 to 255) that are not explained by the motion, beyond those of the clean clip
    """

    residual_correlation: float
    moved_correlation: float
    flicker: float
    change_ratio: float
    warping_error: float


def consistency(clean: Frames, corrupted: Frames, velocity: Velocity | None = None) -> Consistency:
    """Report on a corrupted clip; both are uint8 (T, H, W, 3), `velocity` is (down, right) in pixels a frame.

    Raises WrongFrames unless the two have one shape. No more than two frames are worked on at a time.

    >>> ramp = np.add.outer(np.arange(3), np.arange(3072)).reshape(3, 32, 32, 3) % 200
    >>> consistency(ramp.astype(np.uint8), (ramp + 9).astype(np.uint8)).change_ratio
    1.0
    """
    for frames in (clean, corrupted):
        if not isinstance(frames, np.ndarray):
            raise WrongFrames(f"a clip is a {type(frames).__name__}, not a NumPy array: give uint8 (T, H, W, 3)")
    if clean.shape != corrupted.shape or clean.ndim != 4 or not clean.dtype == corrupted.dtype == np.uint8:
        raise WrongFrames(
            f"a clean clip {clean.dtype} {clean.shape} and a corrupted one {corrupted.dtype} {corrupted.shape}: "
            "give two uint8 clips of one shape (T, H, W, 3)"
        )
    still, moved, jumps, changes, clean_changes, errors = [], [], list[float](), [], [], []
    for (x0, y0), (x1, y1) in pairwise(zip(clean, corrupted, strict=True)):
        r0, r1 = residual(x0, y0), residual(x1, y1)
        still.append(correlation(r0, r1))
        moved.append(math.nan if velocity is None else correlation(*aligned(r0, r1, velocity)))
        jumps.append(float(r1.mean() - r0.mean()))
        changes.append(float(cv2.absdiff(y0, y1).mean()))
        clean_changes.append(float(cv2.absdiff(x0, x1).mean()))
        errors.append(warping_error(x0, x1, y0, y1))
    return Consistency(
        residual_correlation=_mean(still),
        moved_correlation=_mean(moved),
        flicker=float(np.std(jumps)) if len(jumps) > 1 else math.nan,
        change_ratio=sum(changes) / sum(clean_changes) if any(clean_changes) else math.nan,
        warping_error=_mean(errors),
    )


def residual(clean: Frames, corrupted: Frames) -> Plane:
    """Return luma(corrupted) - luma(clean) of a frame (H, W, 3): float32 (H, W), grey levels, BT.601."""
    return np.asarray(cv2.transform(cv2.subtract(corrupted, clean, dtype=cv2.CV_32F), _LUMA), np.float32)


def correlation(a: Plane, b: Plane) -> float:
    """Return Pearson's correlation of two fields of one shape; NaN where either is flat."""
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float((a * a).mean()) * float((b * b).mean()))
    return float((a * b).mean()) / spread if spread > _FLAT else math.nan


def aligned(before: Plane, after: Plane, velocity: Velocity) -> tuple[Plane, Plane]:
    """Return before(p) and after(p + velocity), bilinear, over all p for which both exist: two float32 (h, w)."""
    height, width = before.shape
    down, right = velocity
    place = np.array([[1, 0, right], [0, 1, down]], np.float64)
    back = cv2.warpAffine(after, place, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    top, left = max(0, math.ceil(-down)), max(0, math.ceil(-right))
    kept = np.s_[top : height - max(0, math.ceil(down)), left : width - max(0, math.ceil(right))]
    if not before[kept].size:
        raise WrongFrames(f"velocity {velocity} leaves frames of {height} x {width} within one frame: give pixels")
    return before[kept], np.asarray(back[kept], np.float32)


def warping_error(x0: Frames, x1: Frames, y0: Frames, y1: Frames) -> float:
    """Return |W(y0) - y1| - |W(x0) - x1| in grey levels; W is the flow of x0 and x1, uint8 (H, W, 3) each.

    NaN where the flow can be trusted nowhere.
    """
    grey0, grey1 = (np.asarray(cv2.cvtColor(x, cv2.COLOR_RGB2GRAY), np.uint8) for x in (x0, x1))
    backward, forward = flow(grey1, grey0), flow(grey0, grey1)
    y, x = np.indices(grey0.shape, np.float32)
    place = x + backward[..., 0], y + backward[..., 1]
    returned = cv2.remap(forward, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=_NOWHERE)
    trusted = _squared(np.add(backward, returned)) <= 0.01 * (_squared(backward) + _squared(returned)) + 0.5
    if not trusted.any():
        return math.nan
    corrupted, clean = (
        cv2.absdiff(cv2.remap(before, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), after)[trusted]
        for before, after in ((y0, y1), (x0, x1))
    )
    return float(corrupted.mean() - clean.mean())


def flow(before: Frames, after: Frames) -> Plane:
    """Return by how far each pixel of a grey frame moves to the next, x then y: float32 (H, W, 2) in pixels."""
    height, width = before.shape
    below, beside = max(0, _SMALLEST - height), max(0, _SMALLEST - width)
    start, end = (np.pad(grey, ((0, below), (0, beside)), mode="edge") for grey in (before, after))
    nothing = np.zeros((*start.shape, 2), np.float32)
    found = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(start, end, nothing)
    return np.asarray(found[:height, :width], np.float32)


def _squared(vectors: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((vectors * vectors).sum(axis=2))


def _mean(values: Iterable[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan
