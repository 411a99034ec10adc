"""Which way up a video is shown: the display matrix of its container, or the orientation in its H.264 or H.265 stream.

A matrix maps stored to displayed places, x' = a x + c y, y' = b x + d y (ISO/IEC 14496-12, 6.2.2; y points down). Eight
of them put pixels on pixels: four quarter turns, each with or without a mirror. Any other is shown as the nearest of
these; its scale and shift are ignored, for pixels are taken as square and frames as alone.
"""

import struct
from typing import Any, NamedTuple

from av.sidedata.sidedata import Type


class Orientation(NamedTuple):
    """The filters of FFmpeg that turn a stored frame upright, in order, and whether height and width change places."""

    filters: tuple[tuple[str, str], ...] = ()
    lying: bool = False

    @property
    def mirrored(self) -> bool:
        """Whether it is more than a turn: decord knows turns alone."""
        return self in (_HFLIP, _VFLIP, _TRANSPOSE, _ANTITRANSPOSE)


UPRIGHT = Orientation()
_HALF = Orientation((("transpose", "clock"), ("transpose", "clock")))  # as decord turns
_CLOCKWISE = Orientation((("transpose", "clock"),), True)
_COUNTER_CLOCKWISE = Orientation((("transpose", "cclock"),), True)
_HFLIP, _VFLIP = Orientation((("hflip", ""),)), Orientation((("vflip", ""),))
_TRANSPOSE = Orientation((("transpose", "cclock_flip"),), True)
_ANTITRANSPOSE = Orientation((("transpose", "clock_flip"),), True)

# by the signs of (a, d) where x stays x, of (b, c) where x becomes y: whether each is negative
_KEPT = {(False, False): UPRIGHT, (True, True): _HALF, (True, False): _HFLIP, (False, True): _VFLIP}
_SWAPPED = {
    (False, False): _TRANSPOSE,
    (True, True): _ANTITRANSPOSE,
    (False, True): _CLOCKWISE,
    (True, False): _COUNTER_CLOCKWISE,
}


def stated(frame: Any) -> Orientation | None:
    """What a decoded frame (av.VideoFrame) says of its orientation; None where it is silent."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    return None if matrix is None else of_matrix(*struct.unpack("=9i", bytes(matrix)))


def of_matrix(a: int, b: int, _u: int, c: int, d: int, *_: int) -> Orientation:
    """The orientation of a display matrix, given row by row.

    >>> of_matrix(-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30).filters
    (('hflip', ''),)
    """
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _KEPT[a < 0, d < 0]
    return _SWAPPED[b < 0, c < 0]
