"""Corrupt frames: find the record, the level and the source frames, then let the corruption's function do the rest."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corruptions.checks import (
    Frames,
    Numbers,
    check_frames,
    check_labels,
    clock,
    frame_numbers,
    length,
    level_number,
    text,
)
from corruptions.exceptions import CorruptionError, MissingFrames, NoKeyWarning, WrongFrames, known_name
from corruptions.filling import made_of
from corruptions.motion import Scene
from corruptions.registry import MODES, Corruption, Mode, find, resolve_profile
from corruptions.severities import SIDES, Level

Temporal = Mode | Literal["default"]
Resolution = Literal["absolute", "relative"]

_warned: list[str] = []  # the corruption whose missing key was warned of in this process


@dataclass(frozen=True)
class Request:
    """Which corruption is wanted, how strong, and what it is drawn from; see `corrupt`, whose arguments they are."""

    name: str | Corruption
    severity: int
    key: str = ""
    profile: str | None = None
    temporal: Temporal = "default"
    resolution: Resolution = "absolute"
    fps: float = 25.0

    def of(
        self, frames: Frames, indices: Numbers | None, outputs: Numbers | None
    ) -> tuple[Corruption, Level | None, Scene, NDArray[np.int64]]:
        """Return the record, the level, the scene of the wanted outputs, and the numbers of the given frames."""
        record = find(self.name)
        profile = resolve_profile(record, self.profile)
        level = _level(record, self.severity, profile)
        mode = _mode(record, self.temporal)
        scale = _scale(record, frames, profile, self.resolution)
        given = np.arange(len(frames)) if indices is None else frame_numbers(indices)
        wanted = given if outputs is None else frame_numbers(outputs)
        return record, level, _scene(record, self.key, self.fps, mode, tuple(wanted.tolist()), scale), given


def corrupt(
    frames: Frames,
    name: str | Corruption,
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
    name        of a corruption, "module:attribute", or its record itself
    severity    0 is the identity, 1 to 5 are the published levels
    key         names the video and the repetition; the same key gives the same bytes, anywhere and in any order. The
                empty one is a key too: it draws the same for every video, which NoKeyWarning says once a process
    profile     the severity table, such as "imagenet_c" or "cifar_c"; None is the corruption's home
    temporal    "static" | "drift" | "independent"; "default" is the corruption's physical story
    resolution  "absolute" takes lengths in pixels as published, "relative" scales them by short side / the table's side
    indices     the numbers of the given frames in their video, by default 0 .. T-1
    outputs     the numbers of the wanted frames, by default `indices`
    n_frames    the length of the video, by default T; it matters to all that needs other frames than its own
    fps         frames a second, the clock of drift, of frame rates and of bit rates

    Raises UnknownName, UnknownProfile, WrongFrames, MissingFrames (see `frames_needed`) or CorruptionError.

    >>> corrupt(np.full((2, 16, 16, 3), 100, np.uint8), "brightness", 2)[1, 0, 0]
    array([151, 151, 151], dtype=uint8)
    """
    check_frames(frames)
    request = Request(name, severity, key, profile, temporal, resolution, fps)
    record, level, scene, given = request.of(frames, indices, outputs)
    frames, wanted = np.asarray(frames), np.array(scene.times, np.int64)  # subclasses have arithmetic of their own
    sources = _sources(record, level, scene, wanted, length(len(frames) if n_frames is None else n_frames))
    positions = _positions(given, sources, len(frames), record.name)
    if not wanted.size:
        return frames[:0].copy()
    if level is None:
        return np.take(frames, positions, axis=0)
    if record.random and not key:
        warn_of_no_key(record.name)
    return _carry_out(record, level, scene, frames, positions)


def warn_of_no_key(name: str) -> None:
    """Warn once a process: a data set is not to be told at every image."""
    if not _warned:
        _warned.append(name)
        warnings.warn(
            f"corrupt(..., {name!r}) without a key draws the same at every call, one pattern for a whole data set: "
            "give another key for each video or image, as in corrupt(frames, name, severity, key='0/mine/00017')",
            NoKeyWarning,
            stacklevel=3,
        )


def corrupt_labels(
    labels: Frames,
    name: str | Corruption,
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
    fill: int = 255,
) -> Frames:
    """Return the labels of the pixels of corrupted frames: new uint8 (len(outputs), H, W).

    labels      uint8 (T, H, W), a label a pixel of each frame that `corrupt` is given
    fill        the label of what `corrupt` shows black because it lies outside the frame

    All else is as for `corrupt`, and the same arguments give labels that belong to its frames. Where the corruption
    displaces the picture (`REGISTRY[name].moves` is "picture"), labels move by the same map, at the nearest pixel;
    borders that show the frame mirrored show its labels. Where it reorders frames ("order"), labels are reordered. All
    others leave them alone, and need the labels of the outputs only.

    >>> labels = np.tile(np.repeat([1, 2], 8), (2, 16, 1)).astype(np.uint8)
    >>> corrupt_labels(labels, "static_rotate", 2)[0, 0].tolist()
    [255, 255, 255, 255, 255, 1, 2, 2, 2, 2, 2, 2, 2, 2, 255, 255]
    """
    check_labels(labels, fill)
    request = Request(name, severity, key, profile, temporal, resolution, fps)
    record, level, scene, given = request.of(labels, indices, outputs)
    sources = np.array(scene.times, np.int64)
    if record.moves == "order":
        sources = _sources(record, level, scene, sources, length(len(labels) if n_frames is None else n_frames))
    picked = np.take(np.asarray(labels), _positions(given, sources, len(labels), record.name), axis=0)
    if level is None or record.moves != "picture":
        return picked
    picked -= np.uint8(fill)  # what comes from outside is 0
    _function(record)(picked, level, scene)
    picked += np.uint8(fill)
    return picked


def _scene(
    record: Corruption, key: str, fps: float, mode: Mode, times: tuple[int, ...] = (), scale: float = 1.0
) -> Scene:
    return Scene(text(key), record.name, times, mode, record.tau, clock(fps), scale)


def frames_needed(
    name: str | Corruption,
    severity: int,
    outputs: Numbers,
    n_frames: int,
    key: str = "",
    profile: str | None = None,
    fps: float = 25.0,
) -> NDArray[np.int64]:
    """Return the source frames that the wanted outputs of a video of `n_frames` depend on: sorted, unique int64.

    Give the `fps` that `corrupt` will be given: frame_rate depends on it.

    >>> frames_needed("gaussian_noise", 3, (9, 4, 4), 16)
    array([4, 9])
    """
    record = find(name)
    level = _level(record, severity, resolve_profile(record, profile))
    scene = _scene(record, key, fps, record.default)
    return np.unique(_sources(record, level, scene, frame_numbers(outputs), length(n_frames)))


def frame_order(
    name: str | Corruption, severity: int, n_frames: int, key: str = "", profile: str | None = None, fps: float = 25.0
) -> NDArray[np.int64]:
    """Return the source frame of every output frame of an index-map corruption: int64 (n_frames,).

    >>> frame_order("freeze", 0, 4)
    array([0, 1, 2, 3])
    """
    record = find(name)
    if record.support != "order":
        raise CorruptionError(f"{name} does not reorder frames: ask frames_needed for the frames it depends on")
    level = _level(record, severity, resolve_profile(record, profile))
    scene, n = _scene(record, key, fps, record.default), length(n_frames)
    return _sources(record, level, scene, np.arange(n), n)


def damaged_frames(
    frames: Frames,
    name: str | Corruption,
    severity: int,
    key: str = "",
    *,
    profile: str | None = None,
    temporal: Temporal = "default",
    fps: float = 25.0,
) -> NDArray[np.bool_]:
    """Return which frames of a whole video `corrupt` decodes from damaged data: bool (T,).

    They are the frames that lost a slice or a byte of their own and those that the decoder reports or cannot give; what
    is predicted from them, up to the next key frame, may be wrong too and is not flagged.

    >>> film = np.stack([np.full((64, 64, 3), 20 * t, np.uint8) for t in range(8)])
    >>> damaged_frames(film, "packet_loss", 5, "0/mine/a").shape
    (8,)
    """
    record = find(name)
    if record.support != "video":
        raise CorruptionError(f"{name} damages no bitstream; all that do are in corruptions.names('codec')")
    level = _level(record, severity, resolve_profile(record, profile))
    check_frames(frames)
    scene = _scene(record, key, fps, _mode(record, temporal), tuple(range(len(frames))))
    if level is None or not len(frames):
        return np.zeros(len(frames), np.bool_)
    return np.array([damaged for _, damaged in _function(record)(iter(np.asarray(frames)), level, scene)])


def _module(record: Corruption) -> Any:
    """Return the module of a record's family, imported when it is first used."""
    name = f"corruptions.{record.family}"
    try:
        return sys.modules.get(name) or import_module(name)
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise
        raise CorruptionError(f"{record.name} codes real video with PyAV, which is not here: pip install av") from error


def _function(record: Corruption) -> Any:
    """Return the function that carries a record out."""
    if record.function is not None:
        return record.function
    return getattr(_module(record), record.name)


def _carry_out(record: Corruption, level: Level, scene: Scene, frames: Frames, positions: NDArray[np.int64]) -> Frames:
    """Call the function of a record as its support asks; `positions` are the places in `frames` of its sources."""
    function = _function(record)
    if record.support == "window":
        used, rows = np.unique(positions, return_inverse=True)
        blended: Frames = function(np.take(frames, used, axis=0), rows.reshape(positions.shape))
        return blended
    if record.support == "video":
        times = np.array(scene.times)
        recoded = np.empty((len(times), *frames.shape[1:]), np.uint8)
        coded = function((frames[p] for p in positions), level, replace(scene, times=tuple(range(len(positions)))))
        for t, (pixels, _) in enumerate(islice(coded, max(scene.times, default=-1) + 1)):
            recoded[times == t] = pixels
        return recoded
    filled = made_of(function, frames, positions, level, scene) if record.support == "frame" else None
    if filled is not None:
        return filled
    picked = np.take(frames, positions, axis=0)
    if record.support == "frame":
        made = function(picked, level, scene)
        if record.function is not None and made is not None:
            return _checked(record, made, picked.shape)
    return picked


def _checked(record: Corruption, made: Any, shape: tuple[int, ...]) -> Frames:
    """Return what a function of somebody's own gives back, or raise CorruptionError where it is no frames."""
    frames: Frames = np.asarray(made)
    if frames.dtype != np.uint8 or frames.shape != shape:
        raise CorruptionError(
            f"{record.name} gives {frames.dtype} {frames.shape}, not uint8 {shape}: change the frames in place, or "
            "return as many of the same size"
        )
    return frames


def _level(record: Corruption, severity: int, profile: str) -> Level | None:
    """Return the published parameters, or None for severity 0."""
    severity = level_number(severity, record.name)
    return record.levels[profile][severity - 1] if severity else None


def _mode(record: Corruption, temporal: str) -> Mode:
    asked = known_name("temporal mode", temporal, ("default", *MODES))
    return next((mode for mode in record.modes if mode == asked), record.default)


def _scale(record: Corruption, frames: Frames, profile: str, resolution: str) -> float:
    asked = known_name("resolution", resolution, ("absolute", "relative"))
    return min(frames.shape[1:3]) / SIDES.get(profile, record.side) if asked == "relative" else 1.0


def _sources(
    record: Corruption, level: Level | None, scene: Scene, wanted: NDArray[np.int64], n_frames: int
) -> NDArray[np.int64]:
    """Return the source frame of each wanted output (outputs,), its window (outputs, n), or all frames (n_frames,)."""
    if level is None or record.support == "frame":
        return wanted
    if wanted.size and wanted.max() >= n_frames:
        raise WrongFrames(f"{record.name} of frame {wanted.max()} in a video of {n_frames}: give the right n_frames")
    if record.support == "video":
        return np.arange(n_frames)
    if record.support == "window":
        window = record.window if record.window is not None else _module(record).window
        needed: NDArray[np.int64] = window(wanted, level, n_frames)
        return needed
    order: Callable[[int, Level, Scene], NDArray[np.int64]] = _function(record)
    return order(n_frames, level, scene)[wanted]


def _positions(given: NDArray[np.int64], sources: NDArray[np.int64], n_given: int, name: str) -> NDArray[np.int64]:
    """Return where each source frame stands among the given ones."""
    if len(given) != n_given:
        raise WrongFrames(f"{n_given} frames with {len(given)} indices: number each frame once")
    by_number = np.argsort(given, kind="stable")
    ordered = given[by_number]
    places = np.searchsorted(ordered, sources)
    here = ordered.take(places, mode="clip") == sources if n_given else np.zeros(sources.shape, np.bool_)
    if not here.all():
        missing = np.unique(sources[~here])
        some = ", ".join(map(str, missing[:5])) + (", ..." if missing.size > 5 else "")
        raise MissingFrames(f"{name} needs {missing.size} frames that were not given ({some}): ask frames_needed")
    return np.asarray(by_number[places], np.int64)
