"""The sound of a video file, copied as it is beside the new picture, where the new file can hold it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vidsparse.corrupt_video.timing import begin_of

IN_BROWSERS = ("aac", "mp3", "opus", "flac")  # what they play in an MP4


class Sound:
    """The packets of an audio stream, given out as far as the picture has come."""

    def __init__(self, container: Any, stream: Any) -> None:
        self._begins = begin_of(container)
        self._packets = iter(packet for packet in container.demux(stream) if packet.dts is not None)
        self._next = next(self._packets, None)
        self.stream = stream
        self.copy: Any = None  # the stream that is written

    def until(self, seconds: Fraction | None) -> Iterator[Any]:
        """The packets up to this time, all that are left for None, as they are written."""
        while self._next is not None:
            packet, base = self._next, self._next.time_base
            if seconds is not None and packet.dts * base - self._begins > seconds:
                return
            shift = round(self._begins / base)
            packet.dts, packet.pts = packet.dts - shift, None if packet.pts is None else packet.pts - shift
            packet.stream = self.copy
            self._next = next(self._packets, None)
            yield packet


@contextmanager
def sound_of(path: Path, out: Path, muxer: str) -> Iterator[tuple[Sound | None, str]]:
    """The sound of a file that a new one of this kind can hold, or None, and what to say of it."""
    with av.open(f"file:{path.absolute()}", metadata_errors="replace") as container:
        streams = container.streams.audio
        if not streams:
            yield None, "no sound"
            return
        stream, others = container.streams.best("audio") or streams[0], len(streams) - 1
        codec = stream.codec_context.codec.canonical_name if stream.codec_context else "an unknown codec"
        fits = muxer != "mp4" or out.suffix != ".mp4" or codec in IN_BROWSERS
        if not fits or not _holds(muxer, stream):
            yield None, f"the sound ({codec}) is left out: {out.suffix} does not play it; an --out of .mkv keeps it"
            return
        more = f", {others} other track{'s' * (others > 1)} left out" if others else ""
        yield Sound(container, stream), f"sound copied ({codec}{more})"


def _holds(muxer: str, stream: Any) -> bool:
    """Whether a file of this kind takes such a stream: a header with it is written to memory."""
    try:
        with av.open(io.BytesIO(), "w", format=muxer) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True
