"""Probes of what a network does with time: index maps that no camera makes, reported apart from corruptions.

Every function returns the source frame of each frame shown: int64 (n_frames,). An evaluation asks them of the clip that
the network sees, not of the whole video, so that the frames are the same ones as in the clean clip.
"""

import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng
from corruptions.motion import Scene
from corruptions.row import Level

Order = NDArray[np.int64]


def reverse(n_frames: int, level: Level, scene: Scene) -> Order:
    """Show the clip from its last frame to its first.

    Meaning: Time runs backwards.
    Formula: x'(t) = x(T - 1 - t)
    Level: 1, as there is one way
    """
    return np.arange(n_frames)[::-1].copy()


def shuffle(n_frames: int, level: Level, scene: Scene) -> Order:
    """Show the frames of the clip in an order drawn from the key.

    Meaning: Time is gone: the same frames in any order.
    Formula: x'(t) = x(shuffle(t))
    Level: 1, as there is one way
    """
    seed = counter_rng.seed(scene.key, scene.corruption)
    luck = np.array([counter_rng.word(seed, t) for t in range(n_frames)], np.uint64)
    return np.argsort(luck, kind="stable").astype(np.int64)


def single_frame(n_frames: int, level: Level, scene: Scene) -> Order:
    """Show the middle frame all the time.

    Meaning: Nothing moves: what a single picture tells.
    Formula: x'(t) = x(T // 2)
    Level: 1, as there is one way
    """
    return np.full(n_frames, n_frames // 2, np.int64)
