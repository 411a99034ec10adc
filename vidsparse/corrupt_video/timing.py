"""When the frames of a video file are shown, so that a copy shows its own at the same times."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidsparse.data.reading.containers import opened

_SLACK = Fraction(11, 10_000)  # seconds: Matroska rounds times to milliseconds
_FINE = 10_000  # ticks a second at least


@dataclass(frozen=True)
class Timing:
    """Frame i is shown at `ticks[i] * tick` seconds after the file begins; `regular`: all are one interval apart."""

    rate: Fraction
    tick: Fraction
    ticks: tuple[int, ...]
    regular: bool

    @property
    def interval(self) -> int:
        """Ticks a frame, in the mean."""
        return round(1 / self.rate / self.tick)


def timing_of(path: Path, rate: Fraction, n_frames: int) -> Timing:
    """The times of the frames, as the packets of the file say them; at a constant rate where they say them not for all.

    Times that are one interval apart, but for rounding, are made exactly that.
    """
    shown = _shown(path)
    start = shown[0] if shown else Fraction(0)
    even = [start + number / rate for number in range(n_frames)]
    complete = len(shown) == n_frames
    regular = not complete or all(abs(one - other) <= _SLACK for one, other in zip(shown, even, strict=True))
    tick = 1 / (rate.numerator * Fraction(-(-_FINE // rate.numerator)))
    times = even if regular else shown
    return Timing(rate, tick, tuple(_rising([round(time / tick) for time in times])), regular)


def _shown(path: Path) -> list[Fraction]:
    """The times of all packets of the file's video, in seconds from the beginning of the file, in order."""
    with opened(path) as (container, stream):
        begins = begin_of(container)
        packets = (packet for packet in container.demux(stream) if packet.size and not packet.is_discard)
        times = [packet.pts * packet.time_base - begins for packet in packets if packet.pts is not None]
    return sorted(times)


def begin_of(container: object) -> Fraction:
    """Seconds at which the first stream of a file begins; a recording of a broadcast begins anywhere."""
    start = getattr(container, "start_time", None) or 0
    return Fraction(start, 1_000_000)


def _rising(ticks: list[int]) -> list[int]:
    """The same, where two that fall on one tick are a tick apart: encoders want that."""
    for number in range(1, len(ticks)):
        ticks[number] = max(ticks[number], ticks[number - 1] + 1)
    return ticks
