"""Corrupt frames: find the record, the level and the source frames, then let the corruption's function do the rest."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corruptions import draws
from corruptions.errors import CorruptionError, MissingFrames, UnknownName, WrongFrames
from corruptions.motion import Scene
from corruptions.registry import MODES, Corruption, Mode, find, resolve_profile
from corruptions.severities import SIDES, TABLES, Level

Frames = NDArray[np.uint8]
Numbers = Sequence[int] | NDArray[np.int64]
Temporal = Mode | Literal["default"]
Resolution = Literal["absolute", "relative"]
SMALLEST = 16


def corrupt(
    frames: Frames,
    name: str,
    severity: int,
    key: str = "",
    *,
    profile: str | None = None,
    temporal: Temporal = "default",
    resolution: Resolution = "absolute",
    indices: Numbers | None = None,
    outputs: Numbers | None = None,
    n_frames: int | None = None,
    fps: float = 25.0,
) -> Frames:
    """Return corrupted frames: new uint8 (len(outputs), H, W, 3).

    frames      uint8 (T, H, W, 3) RGB, at least 16 x 16; an image is a clip of one frame
    severity    0 is the identity, 1 to 5 are the published levels
    key         names the video and the repetition; the same key gives the same bytes, anywhere and in any order
    profile     the severity table, such as "imagenet_c" or "cifar_c"; None is the corruption's home
    temporal    "static" | "drift" | "independent"; "default" is the corruption's physical story
    resolution  "absolute" takes lengths in pixels as published, "relative" scales them by short side / the table's side
    indices     the numbers of the given frames in their video, by default 0 .. T-1
    outputs     the numbers of the wanted frames, by default `indices`
    n_frames    the length of the video, by default T; it matters to index maps only
    fps         frames a second, the clock of drift

    Raises UnknownName, UnknownProfile, WrongFrames, MissingFrames (see `frames_needed`) or CorruptionError.

    >>> corrupt(np.full((2, 16, 16, 3), 100, np.uint8), "brightness", 2)[1, 0, 0]
    array([151, 151, 151], dtype=uint8)
    """
    record = find(name)
    profile = resolve_profile(record, profile)
    level = _level(record, severity, profile)
    mode = _mode(record, temporal)
    if not fps > 0:
        raise CorruptionError(f"fps {fps!r}: give the frames a second of the video, such as 25")
    _check_frames(frames)
    scale = _scale(frames, profile, resolution)
    given = np.arange(len(frames)) if indices is None else _numbers(indices)
    wanted = given if outputs is None else _numbers(outputs)
    sources = _sources(record, level, wanted, len(frames) if n_frames is None else n_frames, key)
    picked = np.take(frames, _positions(given, sources, len(frames), name), axis=0)
    if level is not None and record.support == "frame":
        edit: Callable[[Frames, Level, Scene], None] = _function(record)
        edit(picked, level, Scene(key, name, tuple(wanted.tolist()), mode, record.tau, fps, scale))
    return picked


def frames_needed(
    name: str, severity: int, outputs: Numbers, n_frames: int, key: str = "", profile: str | None = None
) -> NDArray[np.int64]:
    """Return the source frames that the wanted outputs of a video of `n_frames` depend on: sorted, unique int64.

    >>> frames_needed("gaussian_noise", 3, (9, 4, 4), 16)
    array([4, 9])
    """
    record = find(name)
    level = _level(record, severity, resolve_profile(record, profile))
    return np.unique(_sources(record, level, _numbers(outputs), n_frames, key))


def frame_order(
    name: str, severity: int, n_frames: int, key: str = "", profile: str | None = None
) -> NDArray[np.int64]:
    """Return the source frame of every output frame of an index-map corruption: int64 (n_frames,).

    >>> frame_order("freeze", 0, 4)
    array([0, 1, 2, 3])
    """
    record = find(name)
    if record.support != "order":
        raise CorruptionError(f"{name} does not reorder frames: ask frames_needed for the frames it depends on")
    level = _level(record, severity, resolve_profile(record, profile))
    return _sources(record, level, np.arange(n_frames), n_frames, key)


def _function(record: Corruption) -> Any:
    """Return the function that carries a record out, importing its family when it is first used."""
    return getattr(import_module(f"corruptions.{record.family}"), record.name)


def _level(record: Corruption, severity: int, profile: str) -> Level | None:
    """Return the published parameters, or None for severity 0."""
    if not isinstance(severity, int | np.integer) or not 0 <= severity <= 5:
        raise CorruptionError(f"severity {severity!r} of {record.name}: it is a whole number from 0 (clean) to 5")
    return TABLES[profile, record.name][severity - 1] if severity else None


def _mode(record: Corruption, temporal: str) -> Mode:
    for mode in MODES:
        if mode == temporal:
            return mode if mode in record.modes else record.default
    if temporal != "default":
        raise UnknownName("temporal mode", temporal, ("default", *MODES))
    return record.default


def _scale(frames: Frames, profile: str, resolution: str) -> float:
    if resolution not in ("absolute", "relative"):
        raise UnknownName("resolution", resolution, ("absolute", "relative"))
    return min(frames.shape[1:3]) / SIDES[profile] if resolution == "relative" else 1.0


def _check_frames(frames: object) -> None:
    fix = f"give uint8 RGB of shape (T, H, W, 3), at least {SMALLEST} x {SMALLEST}"
    if not isinstance(frames, np.ndarray):
        raise WrongFrames(f"frames are a {type(frames).__name__}, not a NumPy array: {fix}")
    if frames.dtype != np.uint8:
        raise WrongFrames(f"frames are {frames.dtype}: {fix} with values 0 to 255")
    if frames.ndim != 4 or frames.shape[3] != 3 or min(frames.shape[1:3]) < SMALLEST:
        raise WrongFrames(f"frames have shape {frames.shape}: {fix}; repeat a grey channel three times")


def _numbers(numbers: Numbers) -> NDArray[np.int64]:
    array = np.asarray(numbers)
    if array.ndim != 1 or (array.size and (array.dtype.kind not in "iu" or array.min() < 0)):
        raise WrongFrames(f"frame numbers are a flat list of whole numbers from 0, not {numbers!r}")
    return array.astype(np.int64)


def _sources(
    record: Corruption, level: Level | None, wanted: NDArray[np.int64], n_frames: int, key: str
) -> NDArray[np.int64]:
    """Return the source frame of each wanted output frame."""
    if level is None or record.support == "frame":
        return wanted
    if wanted.size and wanted.max() >= n_frames:
        raise WrongFrames(f"{record.name} of frame {wanted.max()} in a video of {n_frames}: give the right n_frames")
    order: Callable[[int, Level, int], NDArray[np.int64]] = _function(record)
    return order(n_frames, level, draws.seed(key, record.name))[wanted]


def _positions(given: NDArray[np.int64], sources: NDArray[np.int64], n_given: int, name: str) -> NDArray[np.int64]:
    """Return where each source frame stands among the given ones."""
    if len(given) != n_given:
        raise WrongFrames(f"{n_given} frames with {len(given)} indices: number each frame once")
    missing = np.setdiff1d(sources, given)
    if missing.size:
        some = ", ".join(map(str, missing[:5])) + (", ..." if missing.size > 5 else "")
        raise MissingFrames(f"{name} needs {missing.size} frames that were not given ({some}): ask frames_needed")
    by_number = np.argsort(given, kind="stable")
    return by_number[np.searchsorted(given[by_number], sources)]
