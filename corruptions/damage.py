"""Seeded damage to an H.264 stream: which slices are hit never depends on severity, only how many of them are.

Each slice has its own luck, uniform in (0, 1); a severity hits the slices whose luck is below its rate, so a milder one
hits a subset. The unluckiest slice is hit at every severity: no video goes untouched. The first picture is spared, and
so are parameter sets and everything else that is no slice.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng
from corruptions.motion import Scene

Hurt = Callable[[int, bytes], bytes]

SLICES: Final = 8  # a picture, or one a row of macroblocks where there are fewer
_SLICE_TYPES = (1, 5)
# bytes of a picture in a packet of 188 (ISO/IEC 13818-1): 4 are the packet's own, and in a picture's first 14 more say
# that it begins, and its time
_TS_FIRST: Final = 188 - 4 - 14
_TS_BODY: Final = 188 - 4
_LOST_IN_BAD: Final = 0.8
_HEADER = 4  # bytes: start code 00 00 01, then the type


def spare(t: int, unit: bytes) -> bytes:
    """Return the data of a picture as they are."""
    return unit


def slices(height: int) -> int:
    """Return the number of slices of a picture of `height` pixels."""
    return min(SLICES, math.ceil(height / 16))


def lose(scene: Scene, height: int, share: float, burst: float) -> Hurt:
    """Return what turns picture t's data into what arrives when a share of the slices is lost."""
    lost = lost_slices(scene, height, share, burst)
    return lambda t, unit: b"".join(b"" if s is not None and lost[t, s] else nal for s, nal in _split(unit))


def lost_slices(scene: Scene, height: int, share: float, burst: float) -> NDArray[np.bool_]:
    """Return which slices are lost, bool (pictures, slices), in bursts of geometric length, `burst` in the mean."""
    luck = _luck(scene, slices(height))
    if len(luck) == 1:
        return np.zeros(luck.shape, np.bool_)
    starts = luck <= max(1 - (1 - share) ** (1 / burst), luck.min())
    lost = np.zeros(luck.size, np.bool_)
    seed = counter_rng.seed(scene.key, scene.corruption, "burst")
    for first in np.flatnonzero(starts).tolist():
        more = math.log(counter_rng.uniform(seed, first)) / math.log(1 - 1 / burst) if burst > 1 else 0
        lost[first : first + 1 + int(more)] = True
    return lost.reshape(luck.shape)


def lose_ts(scene: Scene, share: float, burst: float) -> Hurt:
    """Return what turns picture t's data into what a demuxer gives of a transport stream that lost packets.

    A Gilbert-Elliott channel (Elliott, Estimates of Error Rates for Codes on Burst-Noise Channels, 1963) is good, where
    nothing is lost, or bad, where `_LOST_IN_BAD` is; it stays bad for `burst` packets in the mean, and `share` of all
    packets is lost. Its luck does not depend on the share. One packet of one picture is lost at every level.
    """
    seed, sure = (counter_rng.seed(scene.key, scene.corruption, stream) for stream in ("channel", "sure"))
    bad_share = share / _LOST_IN_BAD
    stay = 1 - 1 / burst
    enter = min((1 - stay) * bad_share / (1 - bad_share), 1)
    unlucky = 1 + int(counter_rng.uniform(sure, 0) * (len(scene.times) - 1))
    bad = False

    def hurt(t: int, unit: bytes) -> bytes:
        nonlocal bad
        sizes = [_TS_FIRST, *[_TS_BODY] * math.ceil(max(len(unit) - _TS_FIRST, 0) / _TS_BODY)]
        arrived, at, lost_first = [], 0, False
        for number, size in enumerate(sizes):
            bad = counter_rng.uniform(seed, t, 2 * number) < (stay if bad else enter)
            lost = bad and counter_rng.uniform(seed, t, 2 * number + 1) < _LOST_IN_BAD
            lost |= t == unlucky and number == int(counter_rng.uniform(sure, 1) * len(sizes))
            lost_first |= lost and number == 0 and t > 0
            arrived.append(b"" if lost and t > 0 else unit[at : at + size])
            at += size
        return b"" if lost_first else b"".join(arrived)

    return hurt


def overwrite(scene: Scene, height: int, hits: float) -> Hurt:
    """Return what overwrites bytes of picture t's slices, `hits` a picture in the mean."""
    luck = _luck(scene, slices(height))
    least = luck.min() if len(luck) > 1 else 0
    seed = counter_rng.seed(scene.key, scene.corruption, "byte")

    def hurt(t: int, unit: bytes) -> bytes:
        nals = []
        for s, nal in _split(unit):
            if s is not None:
                count = max(_count(luck[t, s], hits / luck.shape[1]), int(luck[t, s] == least))
                nals.append(_overwritten(nal, seed, t * SLICES + s, count))
            else:
                nals.append(nal)
        return b"".join(nals)

    return hurt


def _luck(scene: Scene, per_picture: int) -> NDArray[np.float64]:
    """Return the luck of each slice, (pictures, slices): that of the first picture is endless."""
    seed = counter_rng.seed(scene.key, scene.corruption)
    luck = [[counter_rng.uniform(seed, t, s) for s in range(per_picture)] for t in scene.times]
    return np.array([[math.inf] * per_picture, *luck[1:]])


def _split(unit: bytes) -> Iterator[tuple[int | None, bytes]]:
    """Yield the parts of one picture's data, each from its start code on, and the number of the slice that it is."""
    number = 0
    for nal in re.split(rb"(?=\x00\x00\x01)", unit):
        if len(nal) > _HEADER and nal[3] & 31 in _SLICE_TYPES:
            yield number, nal
            number += 1
        else:
            yield None, nal


def _count(luck: float, mean: float) -> int:
    """Return the Poisson number of hits that a slice of this luck takes: the less luck, the more."""
    count, exactly = 0, math.exp(-mean)
    at_least = 1 - exactly
    while luck < at_least and exactly > 0:
        count += 1
        exactly *= mean / count
        at_least -= exactly
    return count


def _overwritten(nal: bytes, seed: int, place: int, hits: int) -> bytes:
    """Return the slice with `hits` bytes changed, never to one below 4, which could make a start code."""
    data = bytearray(nal)
    for hit in range(hits):
        word = counter_rng.word(seed, place, hit)
        at = _HEADER + (word >> 8) % (len(nal) - _HEADER)
        data[at] = 4 + word % 251
        data[at] += data[at] >= nal[at]
    return bytes(data)
