"""Faults of transport and display: index maps. Every function returns the source frame of each output frame.

The length is always kept, by holding frames: int64 (n_frames,) with values in [0, n_frames).
"""

import numpy as np
from numpy.typing import NDArray

from corruptions import draws
from corruptions.severities import Level


def freeze(n_frames: int, level: Level, seed: int) -> NDArray[np.int64]:
    """Keep a random subset of the frames and hold each until the next one; frames before the first show the first.

    Source: UCF101-P, which drops the frames before the first one kept. With one seed, a smaller subset lies within a
    larger one.
    """
    share, least = level
    kept = min(n_frames, max(int(share * n_frames), int(least)))
    luck = np.array([draws.word(seed, t) for t in range(n_frames)], np.uint64)
    shown = np.sort(np.argsort(luck, kind="stable")[:kept])
    held = np.searchsorted(shown, np.arange(n_frames), side="right") - 1
    return shown[np.maximum(held, 0)].astype(np.int64)
