"""The two decoders, made to agree: what is in a video file, which frames of it can be read, and by whom.

Frames are numbered by the order in which a tolerant decoder shows them: the file's best video stream, from its
first key frame on, bad packets skipped. decord 0.6.0 counts packets instead, and answers with a wrong frame, without
an error, where a key frame is missing (repeated frames), in AVI files with H.264 (no timestamps), after a seek in
open groups of pictures (H.265), and in MPEG-4 with B-frames, where the last frame depends on a race. So `inspect`
lets decord read a file only if it has no damage, the same number of frames, no B-frames but those of H.264, and if
frames that decord had to seek are those of the plain decode.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from vidsparse.data.frames import Frames, VideoInfo, unreadable
from vidsparse.errors import ClipDecodeError

_PROBE_SIDE = 64  # pixels; the compared frames are made this small (decord fails at widths 16, 24 and 48)
_CLAIMED = 1.1  # containers may count a little more than there is; beyond that frames are missing
_TOLERANCE = 2  # grey levels; FFmpeg's MPEG-4 inverse transforms differ by that much between versions
_UPRIGHT = {0: (), 1: ("cclock",), 2: ("clock", "clock"), 3: ("clock",)}  # quarter turns -> FFmpeg transposes


class Scaler:
    """RGB frames of one size, upright, through the FFmpeg filters that decord uses: equal bytes for 8-bit video."""

    def __init__(self, height: int, width: int) -> None:
        self._size = f"{width}:{height}:flags=bilinear"
        self._made_for: tuple[object, ...] | None = None
        self._graph: Any = None

    def __call__(self, frame: Any) -> Frames:
        """uint8 (height, width, 3) of one decoded frame."""
        kind = (frame.width, frame.height, frame.format.name, frame.rotation)
        if kind != self._made_for:
            self._graph, self._made_for = self._filters(frame), kind
        self._graph.push(frame)
        rgb: Frames = self._graph.pull().to_ndarray()
        return rgb

    def _filters(self, frame: Any) -> Any:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format.name, time_base=Fraction(1, 1000)
        )
        turns = [graph.add("transpose", turn) for turn in _UPRIGHT[_quarter_turns(frame)]]
        sink = graph.add("buffersink")
        chain = [source, *turns, graph.add("scale", self._size), graph.add("format", "rgb24"), sink]
        for upstream, downstream in pairwise(chain):
            upstream.link_to(downstream)
        graph.configure()
        return graph


def inspect(path: Path) -> VideoInfo:
    """Decode the whole file once. Never raises for a bad file: `error` says what is wrong with it."""
    errors: list[str] = []
    try:
        head = header(path)
        decord_reader = _open_decord_for_probe(path)
        probes = _probes(decord_reader) if decord_reader else ()
        n_frames, seen, trusted = _survey(path, probes, errors)
    except ClipDecodeError as error:
        return unreadable(str(error))
    by_decord = trusted and not errors and len(decord_reader or ()) == n_frames and _agrees(decord_reader, seen)
    damage = f"{len(errors)} faults in its data ({errors[0]})" if errors else ""
    if head.n_frames > n_frames * _CLAIMED:
        damage = f"{n_frames} of {head.n_frames} frames are there"
    return replace(head, n_frames=n_frames, decoder="decord" if by_decord else "pyav", damage=damage)


def header(path: Path) -> VideoInfo:
    """Rate and displayed size from the first frame that decodes; `n_frames` as the file claims. ClipDecodeError."""
    with _opened(path) as (container, stream):
        frame = next(_frames(container, stream, []), None)
        if frame is None:
            raise ClipDecodeError(f"{path}: no frame of this video can be decoded")
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        height, width = (frame.height, frame.width)[:: -1 if _quarter_turns(frame) % 2 else 1]
        return VideoInfo(stream.frames, rate, height, width, "pyav")


def decode(path: Path, errors: list[str] | None = None) -> Iterator[Any]:
    """The file's frames (av.VideoFrame) in display order; what had to be skipped or concealed goes to `errors`."""
    with _opened(path) as (container, stream):
        yield from _frames(container, stream, [] if errors is None else errors)


def read_pyav(path: Path, indices: Sequence[int], height: int, width: int) -> Frames:
    """uint8 (n, height, width, 3): the frames of these sorted, unique numbers. ClipDecodeError if one is absent."""
    wanted, scale = set(indices), Scaler(height, width)
    out = np.empty((len(indices), height, width, 3), np.uint8)
    found = 0
    for number, frame in enumerate(decode(path)):
        if number in wanted:
            out[found] = scale(frame)
            found += 1
            if found == len(out):
                return out
    raise ClipDecodeError(f"{path}: frame {indices[found]} was asked for, but fewer can be decoded")


def open_decord(path: Path, height: int, width: int) -> Any:
    """A `decord.VideoReader` that fails where it can see that it must; whatever it raises means: use PyAV."""
    # decord reads this when its library loads. Its default, 10240, makes bad files slow; 128 refuses sound H.264.
    os.environ.setdefault("DECORD_EOF_RETRY_MAX", "2048")
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return decord.VideoReader(str(path), width=width, height=height, num_threads=1, fault_tol=1)


def can_use_decord(width: int) -> bool:
    """Whether decord is installed and reads frames of this width; it fails at 16, 24 and 48 pixels."""
    return width not in (16, 24, 48) and find_spec("decord") is not None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise ClipDecodeError(f"{path}: cannot be opened as a video ({_reason(error)})") from error
    with container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise ClipDecodeError(f"{path}: there is no video stream in this file")
        stream.thread_type = "NONE"
        yield container, stream


def _frames(container: Any, stream: Any, errors: list[str]) -> Iterator[Any]:
    started = False  # what comes before the first key frame has nothing to refer to
    for packet in _packets(container, stream, errors):
        started = started or packet.is_keyframe
        if not started:
            errors.append("no key frame at the start")
            continue
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            errors.append(_reason(error))
            continue
        errors.extend("frame with errors" for frame in frames if frame.is_corrupt)
        yield from frames


def _packets(container: Any, stream: Any, errors: list[str]) -> Iterator[Any]:
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        errors.append(_reason(error))


def _survey(path: Path, probes: Sequence[int], errors: list[str]) -> tuple[int, dict[int, Frames], bool]:
    """Count of frames, the probed ones made small, and whether decord can be trusted with this kind of stream."""
    scale, seen, count, reordered = Scaler(_PROBE_SIDE, _PROBE_SIDE), dict[int, Frames](), 0, False
    with _opened(path) as (container, stream):
        for frame in _frames(container, stream, errors):
            if count in probes:
                seen[count] = scale(frame)
            count += 1
            reordered = reordered or frame.pict_type == PictureType.B
        return count, seen, stream.codec_context.name == "h264" or not reordered


def _quarter_turns(frame: Any) -> int:
    degrees: float = frame.rotation  # counter-clockwise, as stored in the display matrix
    return round(degrees / 90) % 4


def _open_decord_for_probe(path: Path) -> Any:
    try:
        return open_decord(path, _PROBE_SIDE, _PROBE_SIDE)
    except Exception:  # decord raises RuntimeError, DECORDError and others, and is absent on some systems
        return None


def _probes(reader: Any) -> tuple[int, ...]:
    """Frames where seeking would show a fault: the two from each of a few key frames on, and the last."""
    keys, last = reader.get_key_indices(), len(reader) - 1
    some = [keys[i] for i in np.linspace(0, len(keys) - 1, min(len(keys), 6)).astype(int)]
    return tuple(sorted({last, *(min(key + step, last) for key in some for step in (0, 1))}))


def _agrees(reader: Any, seen: dict[int, Frames]) -> bool:
    try:
        frames = reader.get_batch(sorted(seen, reverse=True)).asnumpy()  # backwards, so that each one is sought
    except Exception:  # see _open_decord_for_probe
        return False
    expected = np.stack([seen[number] for number in sorted(seen, reverse=True)]).astype(np.int16)
    return frames.shape == expected.shape and int(np.abs(frames - expected).max()) <= _TOLERANCE


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
