"""The two decoders, made to agree: what is in a video file, which frames of it can be read, and by whom.

Frames are numbered by the order in which a tolerant decoder shows them: the file's best video stream, from its
first key frame on, bad packets skipped. decord 0.6.0 counts packets instead, and answers with a wrong frame, without
an error, where a key frame is missing (repeated frames), in AVI files with H.264 (no timestamps), after a seek in
open groups of pictures (H.265), and in MPEG-4 with B-frames, where the last frame depends on a race. So `inspect`
lets decord read a file only if it has no damage, the same number of frames, no mirror in its orientation, no B-frames
but those of H.264, and if frames that decord had to seek are those of the plain decode.

All frames are shown in one orientation, that of the first: the container's, else that of the stream (H.264 and H.265
may state one at each key frame). A file that states others later is said to be damaged.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from vidsparse.data.reading import containers, orientation
from vidsparse.data.reading.containers import Packets, opened
from vidsparse.data.reading.frames import Frames, VideoInfo, unreadable
from vidsparse.data.reading.orientation import UPRIGHT, Orientation
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError, plural

_PROBE_SIDE = 64  # pixels; the compared frames are made this small
_TIMED = ("mp4", "matroska")  # containers that state when each frame is shown: in display order it only grows
_SKIPPED = 1.1  # packets to a frame where a codec reorders its frames: more are packets that gave none
_LASTS = 1.1  # seconds that a container may state to each that is shown
_ENOUGH = 3  # frames whose times say more of the rate than the container does
_TOLERANCE = 2  # grey levels; FFmpeg's MPEG-4 inverse transforms differ by that much between versions
DECORD_FAILS_AT = (2, 3, 4, 6, 8, 12, 16, 24, 48, 72)  # pixels; found by trying all widths to 576 at nine heights


class Scaler:
    """RGB frames of one size, upright, through the FFmpeg filters that decord uses: equal bytes for 8-bit video.

    The orientation is what the first frame states, unless it is given.
    """

    def __init__(self, height: int, width: int, oriented: Orientation | None = None) -> None:
        self._size = f"{width}:{height}:flags=bilinear"
        self._oriented = oriented
        self._made_for: tuple[object, ...] | None = None
        self._graph: Any = None

    def __call__(self, frame: Any) -> Frames:
        """uint8 (height, width, 3) of one decoded frame."""
        if self._oriented is None:
            self._oriented = orientation.stated(frame) or UPRIGHT
        kind = (frame.width, frame.height, frame.format.name)
        if kind != self._made_for:
            self._graph, self._made_for = self._filters(frame, self._oriented), kind
        self._graph.push(frame)
        rgb: Frames = self._graph.pull().to_ndarray()
        return rgb

    def _filters(self, frame: Any, oriented: Orientation) -> Any:
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format.name, time_base=Fraction(1, 1000)
        )
        turns = [graph.add(name, how) for name, how in oriented.filters]
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
        seen = _survey(path, _probes(decord_reader) if decord_reader else (), errors)
    except ClipDecodeError as error:
        return unreadable(str(error))
    sound = seen.for_decord and not errors and len(decord_reader or ()) == seen.count
    by_decord = sound and _agrees(path, decord_reader, seen.probed)
    rate = seen.rate(head.rate)
    damage = f"{plural(len(errors), 'fault')} in its data ({errors[0]})" if errors else seen.note
    if seen.lost(rate / head.rate):
        damage = f"{seen.count} of {seen.claimed(rate / head.rate)} frames are there"
    elif seen.lasts > seen.shown(rate) * _LASTS:
        damage = f"its frames end after {seen.shown(rate):.2f} of {seen.lasts:.2f} seconds"
    return replace(head, n_frames=seen.count, rate=rate, decoder="decord" if by_decord else "pyav", damage=damage)


def header(path: Path) -> VideoInfo:
    """Rate and displayed size from the first frame that decodes; `n_frames` as the file claims. ClipDecodeError."""
    with opened(path) as (container, stream):
        frame = next(containers.frames(container, stream, []), None)
        if frame is None:
            raise ClipDecodeError(f"{path}: no frame of this video can be decoded")
        rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        lying = (orientation.stated(frame) or UPRIGHT).lying
        height, width = (frame.height, frame.width)[:: -1 if lying else 1]
        return VideoInfo(stream.frames, rate, height, width, "pyav")


def decode(path: Path, errors: list[str] | None = None) -> Iterator[Any]:
    """The file's frames (av.VideoFrame) in display order; what had to be skipped or concealed goes to `errors`."""
    with opened(path) as (container, stream):
        yield from containers.frames(container, stream, [] if errors is None else errors)


def read_pyav(path: Path, indices: Sequence[int], height: int, width: int) -> Frames:
    """uint8 (n, height, width, 3): the frames of these sorted, unique numbers. ClipDecodeError if one is absent."""
    return next(pyav_parts(path, indices, len(indices), height, width))


def pyav_parts(path: Path, indices: Sequence[int], count: int, height: int, width: int) -> Iterator[Frames]:
    """The frames that `read_pyav` gives, `count` at a time, from one pass over the file."""
    wanted, scale, found = set(indices), None, 0
    out = np.empty((min(count, len(indices)), height, width, 3), np.uint8)
    for number, frame in enumerate(decode(path)):
        scale = scale or Scaler(height, width, orientation.stated(frame) or UPRIGHT)
        if number not in wanted:
            continue
        out[found % count] = scale(frame)
        found += 1
        if not found % count or found == len(indices):
            yield out
            if found == len(indices):
                return
            out = np.empty((min(count, len(indices) - found), height, width, 3), np.uint8)
    raise ClipDecodeError(f"{path}: frame {indices[found]} was asked for, but fewer can be decoded")


def open_decord(path: Path, height: int, width: int) -> Any:
    """A `decord.VideoReader` that fails where it can see that it must; whatever it raises means: use PyAV."""
    # decord reads this when its library loads. Its default, 10240, makes bad files slow; 128 refuses sound H.264.
    os.environ.setdefault("DECORD_EOF_RETRY_MAX", "2048")
    import cv2  # noqa: F401  # first: behind decord, whose zlib is another, it reads and writes no PNG
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    return decord.VideoReader(str(path.absolute()), width=width, height=height, num_threads=1, fault_tol=1)


def can_use_decord(width: int) -> bool:
    """Whether decord is installed and can give frames of this width: it fails at some, whatever their height."""
    return width not in DECORD_FAILS_AT and find_spec("decord") is not None


@dataclass
class _Survey:
    """What a decode of the whole file has shown."""

    guessed: Fraction | None  # frames a second, by container and codec together
    packets: Packets = field(default_factory=Packets)
    missing: int = 0  # packets that the container counts and that are not there
    reorders: bool = True  # whether the codec may show a frame later than its packet, or not at all
    count: int = 0
    probed: dict[int, Frames] = field(default_factory=dict)
    for_decord: bool = True  # whether decord can be trusted with this kind of stream
    note: str = ""
    lasts: float = 0.0  # seconds that the container states, 0 where it states none
    span: tuple[Fraction, Fraction] | None = None  # seconds of the first and of the last frame
    ends: Fraction = Fraction(0)  # seconds, where the frames state how long they are shown

    def see(self, seconds: Fraction, shown: Fraction) -> None:
        first, last = self.span or (seconds, seconds)
        self.span = min(first, seconds), max(last, seconds)
        self.ends = max(self.ends, seconds + shown)

    def claimed(self, share: Fraction) -> int:
        """Frames that should be there; with `share` of the stated rate, H.264 in AVI may have a packet for each field.

        share: the frames' own rate to the rate that the container states.
        """
        return max(self.count, round(self.packets.count * min(share, Fraction(1)))) + self.missing

    def lost(self, share: Fraction) -> bool:
        """Whether packets are missing, or packets gave no frame: of MPEG-4 some do not, and the last one may not."""
        few = self.count * _SKIPPED if self.reorders else self.count
        return self.missing > 0 or self.claimed(share) > few

    def shown(self, rate: Fraction) -> float:
        """Seconds from the start of the file to the end of the last frame."""
        return float(max(self.ends, self.span[1] + 1 / rate)) if self.span else 0.0

    def rate(self, stated: Fraction) -> Fraction:
        """Frames a second: as stated, unless the frames' own times say that it is another: twice it, or half."""
        first, last = self.span or (Fraction(0), Fraction(0))
        if self.count < _ENOUGH or first == last:
            return stated
        measured = (self.count - 1) / (last - first)
        nearest = min(filter(None, (self.guessed, stated / 2, stated * 2)), key=lambda rate: abs(rate - measured))
        return nearest if not _near(stated, measured, 1.5) and _near(nearest, measured, 1.2) else stated


def _near(one: Fraction, other: Fraction, factor: float) -> bool:
    return 1 / factor < one / other < factor


def _stated_duration(container: Any, stream: Any) -> float:
    """Seconds of a stream in Matroska, which does not count frames: by its tag, else by a file of this stream alone."""
    hours, _, rest = str(stream.metadata.get("DURATION", "")).partition(":")
    minutes, _, seconds = rest.partition(":")
    if "matroska" not in container.format.name:
        return 0.0
    with suppress(ValueError):
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def _survey(path: Path, probes: Sequence[int], errors: list[str]) -> _Survey:
    with containers.heard() as log, opened(path) as (container, stream):
        seen = _Survey(stream.guessed_rate, lasts=_stated_duration(container, stream))
        seen.reorders = stream.codec_context.codec.reorder
        timed = any(kind in container.format.name for kind in _TIMED)
        reordered, oriented, scale = False, UPRIGHT, Scaler(_PROBE_SIDE, _PROBE_SIDE)
        for frame in containers.frames(container, stream, errors, log, seen.packets):
            stated = orientation.stated(frame)
            if not seen.count:
                oriented = stated or UPRIGHT
                scale = Scaler(_PROBE_SIDE, _PROBE_SIDE, oriented)
            elif stated not in (None, oriented) and not seen.note:
                seen.note = f"its orientation changes at frame {seen.count}; all are shown as the first states it"
            if seen.count in probes:
                seen.probed[seen.count] = scale(frame)
            if frame.pts is not None:
                if timed and seen.span and frame.pts * frame.time_base < seen.span[1] and not seen.note:
                    seen.note = f"the times of its frames go back at frame {seen.count}"
                seen.see(frame.pts * frame.time_base, (frame.duration or 0) * frame.time_base)
            seen.count += 1
            reordered = reordered or frame.pict_type == PictureType.B
        if seen.packets.hollow():
            errors.append("slices with holes")
        seen.missing = seen.packets.missing(container, stream)
        seen.for_decord = not oriented.mirrored and (stream.codec_context.name == "h264" or not reordered)
        return seen


def _open_decord_for_probe(path: Path) -> Any:
    try:
        return open_decord(path, _PROBE_SIDE, _PROBE_SIDE)
    except ImportError:  # there is none for this system
        return None
    except Exception as error:  # decord raises RuntimeError, DECORDError and others
        failures.check_hidden(error, path)
        return None


def _probes(reader: Any) -> tuple[int, ...]:
    """Frames where seeking would show a fault: the two from each of a few key frames on, and the last."""
    keys, last = reader.get_key_indices(), len(reader) - 1
    some = [keys[i] for i in np.linspace(0, len(keys) - 1, min(len(keys), 6)).astype(int)]
    return tuple(sorted({last, *(min(key + step, last) for key in some for step in (0, 1))}))


def _agrees(path: Path, reader: Any, seen: dict[int, Frames]) -> bool:
    try:
        frames = reader.get_batch(sorted(seen, reverse=True)).asnumpy()  # backwards, so that each one is sought
    except Exception as error:  # see _open_decord_for_probe
        failures.check_hidden(error, path)
        return False
    expected = np.stack([seen[number] for number in sorted(seen, reverse=True)]).astype(np.int16)
    return frames.shape == expected.shape and int(np.abs(frames - expected).max()) <= _TOLERANCE
