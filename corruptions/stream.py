"""Corruptions of whole videos too long for memory: frames go in one after the other, and come out so."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from corruptions.apply import Request, _function
from corruptions.checks import check_frames
from corruptions.exceptions import CorruptionError


def recode(frames: Iterable[NDArray[np.uint8]], n_frames: int, request: Request) -> Iterator[NDArray[np.uint8]]:
    """Yield the `n_frames` frames (H, W, 3) that `corrupt` would give for a whole video, of a codec corruption.

    No more frames are held than the encoder looks ahead. What is raised is as for `corrupt`; CorruptionError for what
    needs no whole video, and can be asked of `corrupt` part by part.

    >>> film = (np.full((32, 32, 3), 9 * t, np.uint8) for t in range(3))
    >>> [frame.shape for frame in recode(film, 3, Request("h264_crf", 5, key="0/mine/a"))]
    [(32, 32, 3), (32, 32, 3), (32, 32, 3)]
    """
    given = iter(frames)
    first = np.asarray(next(given))
    check_frames(first[None])
    record, level, scene, _ = request.of(first[None], range(1), range(n_frames))
    if record.support != "video":
        raise CorruptionError(f"{record.name} needs no whole video: give corrupt a part of its frames at a time")
    if level is None:
        yield from chain([first], given)
        return
    coded = _function(record)(chain([first], given), level, replace(scene, times=tuple(range(n_frames))))
    for pixels, _ in islice(coded, n_frames):
        yield pixels
