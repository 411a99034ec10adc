"""Corruptions of whole videos too long for memory: frames go in one after the other, and come out so."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from corruptions.apply import Resolution, Temporal, _asked, _function
from corruptions.exceptions import CorruptionError


def recode(
    frames: Iterable[NDArray[np.uint8]],
    n_frames: int,
    name: str,
    severity: int,
    key: str = "",
    *,
    profile: str | None = None,
    temporal: Temporal = "default",
    resolution: Resolution = "absolute",
    fps: float = 25.0,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the `n_frames` frames (H, W, 3) that `corrupt` would give for a whole video, of a codec corruption.

    No more frames are held than the encoder looks ahead. The other arguments, and what is raised, are those of
    `corrupt`; CorruptionError for what needs no whole video, and can be asked of `corrupt` part by part.
    """
    given = iter(frames)
    first = np.asarray(next(given))
    record, level, scene, _ = _asked(
        first[None], name, severity, key, profile, temporal, resolution, range(1), range(n_frames), fps
    )
    if record.support != "video":
        raise CorruptionError(f"{name} needs no whole video: give corrupt a part of its frames at a time")
    if level is None:
        yield from chain([first], given)
        return
    coded = _function(record)(chain([first], given), level, replace(scene, times=tuple(range(n_frames))))
    for pixels, _ in islice(coded, n_frames):
        yield pixels
