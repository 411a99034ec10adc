"""Things in front of the scene: on the lens, passing by, or part of what the camera looks at.

The first two functions edit a contiguous uint8 (T, H, W, 3) clip in place. The last takes the frames of a whole video,
uint8 (H, W, 3), one after the other, and yields each with False: no data are damaged.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import fields, motion
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
Size = tuple[int, int]
# corners of neck and body, and of two legs, in shares of the width and height of the figure
_BODY = (
    ((0.42, 0.1), (0.58, 0.1), (0.6, 0.17), (0.85, 0.21), (0.95, 0.5), (0.84, 0.52), (0.74, 0.32), (0.72, 0.56),
     (0.28, 0.56), (0.26, 0.32), (0.16, 0.52), (0.05, 0.5), (0.15, 0.21), (0.4, 0.17)),
    ((0.28, 0.55), (0.5, 0.55), (0.42, 1.0), (0.2, 1.0)),
    ((0.5, 0.55), (0.72, 0.55), (0.88, 1.0), (0.66, 1.0)),
)  # fmt: skip
_SLOWEST, _FASTEST = 0.15, 0.45  # of its way that an object goes in a second


def occlusion_box(frames: Pixels, level: Level, scene: Scene) -> None:
    """Cover a share c of the frame by a box of one colour, which lies within it.

    Static it sticks to the lens; in drift it wanders; independent ones lie elsewhere in each frame.

    Meaning: Something on the lens: a box of one colour hides a part of every frame.
    Formula: x' = colour within a box of c H W pixels, else x
    Level: c, share of the frame
    """
    size = frames.shape[1], frames.shape[2]
    height, width = _sides(scene, level[0], size)
    colour = _colour(scene)
    for frame, t in zip(frames, scene.times, strict=True):
        top = motion.uniform(scene, "down", t) * (size[0] - height)
        left = motion.uniform(scene, "right", t) * (size[1] - width)
        _cover(frame, (top, left), (height, width), colour)


def occlusion_across(frames: Pixels, level: Level, scene: Scene) -> None:
    """Let a figure of a head and a body, c of the frame high, pass before the camera again and again.

    In drift it walks from one side to the other in 2 to 7 seconds; static it stands; independent it is elsewhere in
    each frame.

    Meaning: Somebody walks by, between the camera and the scene.
    Formula: x' = figure within an outline that moves across, else x
    Level: c, height of the figure in frame heights
    """
    size = frames.shape[1], frames.shape[2]
    figure, outline = _figure(scene, level[0], size)
    held = motion.still(scene)
    speed = _SLOWEST + (_FASTEST - _SLOWEST) * motion.uniform(held, "speed", 0)
    backwards = motion.uniform(held, "way", 0) > 0.5
    for frame, t in zip(frames, scene.times, strict=True):
        walked = speed * t / scene.fps if scene.mode == "drift" else 0.0
        place = (motion.uniform(held, "place", t) + walked) % 1
        place = 1 - place if backwards else place
        left = round(place * (size[1] + figure.shape[1])) - figure.shape[1]
        _lay(frame, figure, outline, (size[0] - figure.shape[0], left))


def occlusion_in_scene(frames: Iterable[Pixels], level: Level, scene: Scene) -> Iterator[tuple[Pixels, bool]]:
    """Cover a share c of the frame by a box that moves as the picture does, by phase correlation of its frames.

    A box that leaves on one side comes in on the other.

    Meaning: Something in the scene: a box hides a part of it, and goes along when the camera turns.
    Formula: x' = colour within a box at p(t), else x; p(t) = p(t - 1) + the shift from x(t - 1) to x(t)
    Level: c, share of the frame
    """
    stream = iter(frames)
    first = next(stream, None)
    if first is None:
        return
    size = first.shape[0], first.shape[1]
    sides, colour = _sides(scene, level[0], size), _colour(scene)
    window = np.asarray(cv2.createHanningWindow(size[::-1], cv2.CV_32F), np.float32)
    start = [motion.uniform(scene, way, 0) * (n - side)
             for way, n, side in zip(("down", "right"), size, sides, strict=True)]  # fmt: skip
    before, moved = None, (0.0, 0.0)
    for frame in chain((first,), stream):
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.float32)
        if before is not None:
            down, right = _step(before, grey, window)
            moved = moved[0] + down, moved[1] + right
        before, covered = grey, frame.copy()
        top, left = ((at + by + side) % (n + side) - side
                     for at, by, side, n in zip(start, moved, sides, size, strict=True))  # fmt: skip
        _cover(covered, (top, left), sides, colour)
        yield covered, False


def _step(before: Values, grey: Values, window: Values) -> tuple[float, float]:
    """Return how far down and right a picture moved, in quarters of a pixel; not at all where it has no texture.

    Of a frame of one value phase correlation answers half the frame, and a response of zero. OpenCV pads frames to a
    size that transforms are fast at; where that is odd, as 225 for 224, it counts from between two pixels.
    """
    if before.min() == before.max() or grey.min() == grey.max():
        return 0.0, 0.0
    shift, response = cv2.phaseCorrelate(before, grey, window)
    if not response:
        return 0.0, 0.0
    down, right = (round(by * 4) / 4 - cv2.getOptimalDFTSize(n) % 2 / 2
                   for by, n in zip(shift[::-1], grey.shape, strict=True))  # fmt: skip
    return down, right


def _sides(scene: Scene, share: float, size: Size) -> tuple[float, float]:
    """Return height and width of a box of this share of the frame, up to twice as long one way as the other."""
    longer = 2 ** (motion.uniform(motion.still(scene), "form", 0) - 0.5)
    side = math.sqrt(share)
    return min(side * longer, 1) * size[0], min(side / longer, 1) * size[1]


def _colour(scene: Scene) -> Values:
    held = motion.still(scene)
    return np.array([255 * motion.uniform(held, f"colour {c}", 0) for c in range(3)], np.float32)


def _cover(frame: Pixels, corner: tuple[float, float], sides: tuple[float, float], colour: Values) -> None:
    """Draw a box whose edges lie between pixels: each is covered by the share of it that lies within."""
    rows, columns = (
        np.clip(np.minimum(np.arange(n) + 1, at + side) - np.maximum(np.arange(n), at), 0, 1)
        for n, at, side in zip(frame.shape[:2], corner, sides, strict=True)
    )
    covered = np.asarray(rows[:, None] * columns, np.float32)[..., None]
    frame[...] = np.rint(frame + covered * (colour - frame))


def _figure(scene: Scene, share: float, size: Size) -> tuple[Pixels, Values]:
    """Return a figure, uint8 (h, w, 3), and its outline, float32 (h, w, 1): a head on a body, in clothes with folds."""
    height = max(4, round(share * size[0]))
    width = max(3, round(0.45 * height))
    outline = np.zeros((4 * height, 4 * width), np.uint8)
    h, w = outline.shape
    cv2.ellipse(outline, (w // 2, round(0.08 * h)), (round(0.13 * w), round(0.075 * h)), 0, 0, 360, 255, -1)
    for part in _BODY:
        cv2.fillPoly(outline, [np.rint(np.array(part) * (w, h)).astype(np.int32)], 255)
    soft = np.asarray(cv2.resize(outline, (width, height), interpolation=cv2.INTER_AREA) / 255, np.float32)
    folds = fields.normals(motion.still(scene), "folds", 0, (12, 6))
    shade = np.asarray(cv2.resize(folds, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    lit = 51 + 0.6 * _colour(scene) + 9 * shade[..., None]
    return np.asarray(np.clip(lit, 0, 255), np.uint8), soft[..., None]


def _lay(frame: Pixels, figure: Pixels, outline: Values, corner: tuple[int, int]) -> None:
    """Draw what of a figure lies within the frame; the figure may be the larger one."""
    top, left = corner
    rows = slice(max(top, 0), min(top + figure.shape[0], frame.shape[0]))
    columns = slice(max(left, 0), min(left + figure.shape[1], frame.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    seen = frame[rows, columns]
    seen[...] = np.rint(seen + outline[part] * (figure[part].astype(np.float32) - seen))
