"""Built-in sample data: a small video set in UCF101's own layout, made in seconds, and damaged files of every kind.

A class is a look and a motion. Looks are textures with natural statistics (amplitude falls as a power of frequency,
around the 1/f of photographs) that differ in shape, never in colour; motions move the whole frame. The classes of a
pair have the very same textures, so only motion tells them apart. A group (gNN) keeps texture, colours and speed, as
in UCF101, where a group is one recording; its clips differ in place, phase, light and length. The test groups of a
split are never seen in its training.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from vidsparse.data.reading.decoders import decode
from vidsparse.data.reading.frames import Frames
from vidsparse.utils.files import made_once
from vidsparse.utils.machine import user_cache

Rng = np.random.Generator
Field = NDArray[np.float64]

VERSION = 1  # part of the folder's name: a change of anything below needs the next number
WIDTH, HEIGHT, RATE = 96, 72, 25
_CANVAS = 256  # pixels; textures repeat seamlessly, frames are windows into them
_GROUPS, _CLIPS = 11, 2  # per class; groups 1-3 are the test groups of split 1, 4-6 of split 2, 7-9 of split 3


@dataclass(frozen=True)
class Look:
    """A texture: power of amplitude over frequency, its stretch along x and y, and what becomes of the field."""

    slope: float
    stretch: tuple[float, float] = (1.0, 1.0)
    shape: Callable[[Field], Field] = np.tanh


@dataclass(frozen=True)
class Scene:
    """A class: its look, and its motion (frame, speed) -> (dx, dy in pixels, radians, log zoom)."""

    look: str
    motion: Callable[[float, float], tuple[float, float, float, float]]


_LOOKS = {
    "layers": Look(1.0, (6, 1), lambda field: np.tanh(2 * field)),
    "trunks": Look(1.0, (1, 6), lambda field: np.tanh(2 * field)),
    "ridges": Look(1.6, shape=lambda field: 1 - 2 * np.minimum(1, 2 * np.abs(field))),
    "gravel": Look(0.3),
    "islands": Look(1.8, shape=lambda field: np.tanh(6 * field)),
}
# Time runs from the middle of the clip, so that the two directions of a pair show the same range.
_SCENES = {
    "Bounce": Scene("layers", lambda t, v: (0, 12 * np.sin(0.25 * v * t), 0, 0)),
    "DriftLeft": Scene("trunks", lambda t, v: (1.2 * v * t, 0, 0, 0)),
    "DriftRight": Scene("trunks", lambda t, v: (-1.2 * v * t, 0, 0, 0)),
    "SpinClockwise": Scene("ridges", lambda t, v: (0, 0, -0.05 * v * t, 0)),
    "SpinCounterclockwise": Scene("ridges", lambda t, v: (0, 0, 0.05 * v * t, 0)),
    "Sway": Scene("gravel", lambda t, v: (12 * np.sin(0.25 * v * t), 0, 0, 0)),
    "ZoomIn": Scene("islands", lambda t, v: (0, 0, 0, 0.025 * v * t)),
    "ZoomOut": Scene("islands", lambda t, v: (0, 0, 0, -0.025 * v * t)),
}
SAMPLE_CLASSES = tuple(_SCENES)


def ensure_sample(cache_dir: Path | None = None) -> Path:
    """The folder of the sample set (read it with the source "ucf101"); made at the first call, then found again.

    It stands in `cache_dir`, by default the user's cache ($VIDSPARSE_CACHE, $XDG_CACHE_HOME/vidsparse or
    ~/.cache/vidsparse), or in the temporary folder where that cannot be written.
    """
    return made_once((cache_dir or user_cache()) / f"sample-v{VERSION}", _make)


def write_video(
    path: Path, frames: Iterable[Frames], codec: str = "mpeg4", options: Mapping[str, str] | None = None
) -> Path:
    """Write uint8 (height, width, 3) frames at 25 a second, a key frame every 12; the same bytes each time."""
    settings = {"g": "12", "threads": "1", "flags": "+bitexact", **(options or {})}
    if codec == "mpeg4":
        settings = {"qmin": "2", "qmax": "4", **settings}
    with av.open(str(path), "w", options={"fflags": "bitexact"}) as container:
        stream: Any = None
        for frame in frames:
            stream = stream or _add_stream(container, codec, frame, settings)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def damage(path: Path, kind: str, seed: int = 0) -> Path:
    """Write a damaged or awkward copy of a video beside it, named <stem>.<kind><suffix>; `kind` is one of DAMAGES."""
    target = path.with_name(f"{path.stem}.{kind}{'.mp4' if kind in _NEED_MP4 else path.suffix}")
    _DAMAGERS[kind](path, target, np.random.default_rng(seed))
    return target


def _make(root: Path) -> None:
    for number, (name, scene) in enumerate(_SCENES.items()):
        (root / "videos" / name).mkdir(parents=True)
        for group in range(1, _GROUPS + 1):
            recording = np.random.default_rng([VERSION, list(_LOOKS).index(scene.look), group])
            canvas, speed = _canvas(_LOOKS[scene.look], recording), recording.uniform(0.8, 1.25)
            for clip in range(1, _CLIPS + 1):
                rng = np.random.default_rng([VERSION, 100 + number, group, clip])
                write_video(root / "videos" / _clip_name(name, group, clip), _shoot(canvas, scene, speed, rng))
    _write_lists(root / "ucfTrainTestlist")


def _canvas(look: Look, rng: Rng) -> Frames:
    """uint8 (256, 256, 3): the look's texture between two colours, with a little 1/f variation of each channel."""
    tone = look.shape(_field(look.slope, look.stretch, rng))[..., None]
    tint = np.stack([_field(1.0, (1, 1), rng) for _ in range(3)], axis=-1)
    middle, contrast = rng.uniform(115, 140), rng.uniform(40, 50)
    colour = rng.uniform(-12, 12, size=(2, 3))
    levels = middle + contrast * tone + np.where(tone > 0, *colour) * np.abs(tone) + 8 * tint
    return np.asarray(levels.clip(0, 255), np.uint8)


def _field(slope: float, stretch: tuple[float, float], rng: Rng) -> Field:
    """(256, 256), mean 0, variance 1: periodic noise whose amplitude falls as 1 / frequency^slope."""
    x, y = np.meshgrid(np.fft.rfftfreq(_CANVAS) * stretch[0], np.fft.fftfreq(_CANVAS) * stretch[1])
    frequency = np.hypot(x, y)
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((_CANVAS, _CANVAS))) * frequency**-slope)
    return np.asarray(field / field.std())


def _shoot(canvas: Frames, scene: Scene, speed: float, rng: Rng) -> Iterator[Frames]:
    """The frames of one clip: 40 to 60 windows into the texture, moved as the scene says."""
    length, start, light = int(rng.integers(40, 61)), rng.uniform(0, _CANVAS, size=2), rng.uniform(0.9, 1.1)
    lit = cv2.convertScaleAbs(canvas, alpha=light)
    for time in np.arange(length) - length / 2 + rng.uniform(-4, 4):
        dx, dy, angle, zoom = scene.motion(time, speed)
        turn = np.exp(-zoom) * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        centre = turn @ [-WIDTH / 2, -HEIGHT / 2] + [dx, dy] + start
        window = np.column_stack([turn, centre])
        frame = cv2.warpAffine(lit, window, (WIDTH, HEIGHT), flags=_INVERSE_LINEAR, borderMode=cv2.BORDER_WRAP)
        yield np.asarray(frame, np.uint8)


def _clip_name(name: str, group: int, clip: int) -> str:
    return f"{name}/v_{name}_g{group:02d}_c{clip:02d}.avi"


def _write_lists(folder: Path) -> None:
    folder.mkdir()
    _write_lines(folder / "classInd.txt", (f"{label} {name}" for label, name in enumerate(SAMPLE_CLASSES, start=1)))
    clips = [
        (label, group, _clip_name(name, group, clip))
        for label, name in enumerate(SAMPLE_CLASSES, start=1)
        for group in range(1, _GROUPS + 1)
        for clip in range(1, _CLIPS + 1)
    ]
    for split in (1, 2, 3):
        tested = range(3 * split - 2, 3 * split + 1)
        train = (f"{name} {label}" for label, group, name in clips if group not in tested)
        _write_lines(folder / f"trainlist{split:02d}.txt", train)
        _write_lines(folder / f"testlist{split:02d}.txt", (name for _, group, name in clips if group in tested))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())  # CRLF, as in the official lists


def _add_stream(container: Any, codec: str, frame: Frames, options: Mapping[str, str]) -> Any:
    stream = container.add_stream(codec, RATE, options=dict(options))
    stream.height, stream.width, stream.pix_fmt = *frame.shape[:2], "yuv420p"
    if container.format.name == "avi" and codec == "mpeg4":
        stream.codec_context.codec_tag = "XVID"
    return stream


def _truncate(source: Path, target: Path, rng: Rng) -> None:
    content = source.read_bytes()
    target.write_bytes(content[: len(content) // 2])


def _flip_bits(source: Path, target: Path, rng: Rng) -> None:
    content = np.frombuffer(source.read_bytes(), np.uint8).copy()
    hit = rng.integers(len(content) // 4, len(content) * 3 // 4, size=60)  # headers and index stay whole
    content[hit] ^= (1 << rng.integers(0, 8, size=len(hit))).astype(np.uint8)
    target.write_bytes(content.tobytes())


def _empty(source: Path, target: Path, rng: Rng) -> None:
    target.write_bytes(b"")


def _without_key_frame(source: Path, target: Path, rng: Rng) -> None:
    with av.open(str(source)) as whole, av.open(str(target), "w") as container:
        copied = container.add_stream_from_template(whole.streams.video[0])
        for number, packet in enumerate(whole.demux(video=0)):
            if number and packet.dts is not None:
                packet.stream = copied
                container.mux(packet)


def _one_frame(source: Path, target: Path, rng: Rng) -> None:
    write_video(target, _pictures(source)[:1])


def _odd_size(source: Path, target: Path, rng: Rng) -> None:
    write_video(target, [np.ascontiguousarray(frame[:-1, :-1]) for frame in _pictures(source)])


def _rotated(source: Path, target: Path, rng: Rng) -> None:
    """As a telephone held upright writes it: frames lie on their side, the container says how to turn them."""
    with av.open(str(target), "w") as container:
        pictures = _pictures(source)
        stream = _add_stream(container, "mpeg4", pictures[0], {"g": "12"})
        stream.set_display_rotation(90)
        _encode(container, stream, pictures)


def _two_streams(source: Path, target: Path, rng: Rng) -> None:
    """A small black stream comes first; the best one, which players show, is the second."""
    with av.open(str(target), "w") as container:
        pictures = _pictures(source)
        dark = [np.zeros_like(frame[::2, ::2]) for frame in pictures]
        streams = [_add_stream(container, "mpeg4", some[0], {"g": "12"}) for some in (dark, pictures)]
        streams[1].disposition = Disposition.default
        for stream, some in zip(streams, (dark, pictures), strict=True):
            _encode(container, stream, some)


def _encode(container: Any, stream: Any, frames: Iterable[Frames]) -> None:
    for frame in frames:
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
    container.mux(stream.encode())


def _pictures(path: Path) -> list[Frames]:
    return [frame.to_ndarray(format="rgb24") for frame in decode(path)]


_INVERSE_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_NEED_MP4 = ("rotated", "two_streams")  # what AVI cannot say
_DAMAGERS: dict[str, Callable[[Path, Path, Rng], None]] = {
    "truncated": _truncate,
    "bit_flipped": _flip_bits,
    "empty": _empty,
    "no_key_frame": _without_key_frame,
    "one_frame": _one_frame,
    "odd_size": _odd_size,
    "rotated": _rotated,
    "two_streams": _two_streams,
}
DAMAGES = tuple(_DAMAGERS)
