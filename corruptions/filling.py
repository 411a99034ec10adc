"""Corruptions that read one clip and fill another, which spares a copy of the whole clip before the first frame."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Filler = Callable[[Pixels, Level, Scene, Iterable[Pixels]], None]
Editor = Callable[..., None]


def from_sources(function: Filler) -> Editor:
    """Let (frames, level, scene, sources) be called without its sources too: it then edits `frames` in place.

    `sources` are the frames as they were, contiguous uint8 (H, W, 3) that share no memory with `frames` and may be
    read-only.
    """

    @wraps(function)
    def edit(frames: Pixels, level: Level, scene: Scene, sources: Iterable[Pixels] | None = None) -> None:
        function(frames, level, scene, (frame.copy() for frame in frames) if sources is None else sources)

    edit.__dict__["fills"] = True
    return edit


def made_of(function: Any, frames: Pixels, positions: Iterable[int], level: Level, scene: Scene) -> Pixels | None:
    """Return what the function makes of the frames at these positions, or None where it needs a copy of them."""
    if not getattr(function, "fills", False):
        return None
    sources = [np.ascontiguousarray(frames[p]) for p in positions]
    made = np.empty((len(sources), *frames.shape[1:]), np.uint8)
    function(made, level, scene, sources)
    return made
