"""Faults of transport and display: index maps. Every function returns the source frame of each output frame.

The length is always kept, by holding frames: int64 (n_frames,) with values in [0, n_frames). Of a scene they read the
key, so that every frame (or block) has its own luck whatever the severity, and the frames a second.
"""

import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng
from corruptions.motion import Scene
from corruptions.row import Level

Order = NDArray[np.int64]


def _luck(scene: Scene, n: int) -> NDArray[np.uint64]:
    """Return one random word for each of n frames or blocks: uint64 (n,)."""
    seed = counter_rng.seed(scene.key, scene.corruption)
    return np.array([counter_rng.word(seed, number) for number in range(n)], np.uint64)


def freeze(n_frames: int, level: Level, scene: Scene) -> Order:
    """Keep a random subset of the frames and hold each until the next one; frames before the first show the first.

    Source: UCF101-P, which drops the frames before the first one kept. With one key, a smaller subset lies within a
    larger one.

    Meaning: The display hangs: some frames are held until the next one gets through.
    Formula: x'(t) = x(max{k in K: k <= t}), where K is a random set of max(c T, l) frames
    Level: c, share of the frames kept; l, frames kept at least
    """
    share, least = level
    kept = min(n_frames, max(int(share * n_frames), int(least)))
    shown = np.sort(np.argsort(_luck(scene, n_frames), kind="stable")[:kept])
    held = np.searchsorted(shown, np.arange(n_frames), side="right") - 1
    return shown[np.maximum(held, 0)].astype(np.int64)


def sampling(n_frames: int, level: Level, scene: Scene) -> Order:
    """Show every c-th frame until the next one, as a slower camera would have (UCF101-P).

    A clip is cut from the whole video, so that it sees the frames of its own time at any place and stride.

    Meaning: Recorded too slowly: every c-th frame is held until the next.
    Formula: x'(t) = x(c (t // c))
    Level: c, stride in frames
    """
    return _held(n_frames, level[0])


def reverse_sampling(n_frames: int, level: Level, scene: Scene) -> Order:
    """Play what `sampling` shows backwards (UCF101-P).

    Meaning: Recorded too slowly and played backwards.
    Formula: x'(t) = x(c ((T - 1 - t) // c))
    Level: c, stride in frames
    """
    return _held(n_frames, level[0])[::-1].copy()


def jumble(n_frames: int, level: Level, scene: Scene) -> Order:
    """Shuffle the frames within each segment of c frames (UCF101-P).

    Meaning: Packets arrive in the wrong order: frames are shuffled within each segment.
    Formula: x'(t) = x(shuffle within t // c)
    Level: c, frames a segment
    """
    segment = np.arange(n_frames) // int(level[0])
    return np.lexsort((_luck(scene, n_frames), segment))


def box_jumble(n_frames: int, level: Level, scene: Scene) -> Order:
    """Shuffle the segments of c frames, each in its own order (UCF101-P).

    Meaning: Whole segments arrive in the wrong order.
    Formula: x'(t) = x(c shuffle(t // c) + t mod c)
    Level: c, frames a segment
    """
    segment = np.arange(n_frames) // int(level[0])
    return np.lexsort((np.arange(n_frames), _luck(scene, n_frames)[segment]))


def frame_rate(n_frames: int, level: Level, scene: Scene) -> Order:
    """Show the video at c frames a second: each tick's first frame is held until the next tick (Mini Kinetics-C).

    A video that is no faster than c frames a second stays as it is.

    Meaning: Recorded at a lower frame rate: each frame is held until the next tick.
    Formula: x'(t) = x(ceil(floor(t / s) s)), s = max(fps / c, 1)
    Level: c, frames a second
    """
    return _held(n_frames, max(scene.fps / level[0], 1.0))


def dropped_frames(n_frames: int, level: Level, scene: Scene) -> Order:
    """Lose a share of the frames of each second; those after them come early, and its last one is held to its end.

    The first and the last frame of a second are not lost, so that every one that is lost displaces what follows.

    With one key, what is lost at a milder level is lost at a harder one.

    Meaning: Frames are lost: the picture jumps ahead, and waits for its clock each second.
    Formula: x'(t) = x(k_i), i = t within its second, k the frames of the second that are not lost
    Level: c, share of the frames lost
    """
    return _paced(n_frames, level, scene, False)


def duplicated_frames(n_frames: int, level: Level, scene: Scene) -> Order:
    """Show a share of the frames of each second twice; those after them come late, and the last of it are cut.

    With one key, what is shown twice at a milder level is so at a harder one.

    Meaning: Frames are shown twice: the picture falls behind, and skips to catch up each second.
    Formula: x'(t) = x(k_i), i = t within its second, k its frames with some of them twice
    Level: c, share of the frames shown twice
    """
    return _paced(n_frames, level, scene, True)


def _paced(n_frames: int, level: Level, scene: Scene, twice: bool) -> Order:
    """Return an order that loses, or repeats, the unluckiest frames of each second, and starts each second in time."""
    second, luck, shown = max(3, round(scene.fps)), _luck(scene, n_frames), []
    for first in range(0, n_frames, second):
        frames = np.arange(first, min(first + second, n_frames))
        inner = frames[:-1] if twice else frames[1:-1]
        hit = inner[np.argsort(luck[inner], kind="stable")[: round(level[0] * len(frames))]]
        order = np.sort(np.concatenate([frames, hit])) if twice else np.setdiff1d(frames, hit)
        shown.append(order[np.minimum(np.arange(len(frames)), len(order) - 1)])
    return np.concatenate([np.empty(0, np.int64), *shown])


def _held(n_frames: int, step: float) -> Order:
    """Return for each frame the first one at or after the latest tick, where ticks are `step` >= 1 frames apart."""
    tick = np.floor(np.arange(n_frames) / step + 1e-9)
    return np.ceil(tick * step - 1e-9).astype(np.int64)
