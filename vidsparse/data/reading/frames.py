"""What every kind of source has in common: frames, and what is known of a source before it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]

STILL = Fraction(1)  # frames a second of an image, which has one


@dataclass(frozen=True)
class VideoInfo:
    """What a source holds: frames, frames a second, size in pixels as displayed (upright), the decoder to use.

    `decoder` is "" where nothing can be read; then `n_frames` is 0 and `error` says why. `damage` says what is wrong
    with a source of which a part can be read. An image is a source of one frame. `top` is the highest class id in a
    mask, -1 in what is none.
    """

    n_frames: int
    rate: Fraction
    height: int
    width: int
    decoder: str
    error: str = ""
    damage: str = ""
    top: int = -1


class Tally(Protocol):
    """The entries of a file that are counted so far, in order; whoever counts begins behind them."""

    @property
    def found(self) -> Sequence[VideoInfo]:
        """What is counted."""

    def add(self, info: VideoInfo) -> None:
        """Take the next entry."""


def unreadable(reason: str) -> VideoInfo:
    """What is known of a source in which nothing can be read."""
    return VideoInfo(0, Fraction(0), 0, 0, "", reason)


def output_size(height: int, width: int, short_side: int | None) -> tuple[int, int]:
    """(height, width) with the short side resized to `short_side` pixels, aspect kept, both sides even.

    None keeps the size as it is. Pixels are taken as square.

    >>> output_size(240, 320, 128)
    (128, 170)
    """
    if short_side is None:
        return height, width
    scale = short_side / min(height, width)
    return _even(height * scale), _even(width * scale)


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))
