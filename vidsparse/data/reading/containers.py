"""Opening video files with PyAV, and reading their packets and frames: what decoder and container complain of is kept.

FFmpeg gives frames that it knows to be wrong (a checksum of FFV1 that does not fit, MJPEG that reads beyond its end)
without raising; it only writes to its log. So the log is read while a file is judged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from vidsparse.data.reading.watchdog import got_on
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError

Log = list[tuple[int, str, str]]  # level, who writes, message

# What is checked where the stream has the means: H.265's hash of each picture, the pages of Ogg.
_CHECKS = {"err_detect": "crccheck"}
_FOOTER = 8  # bytes


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """(container, its best video stream), decoding on one thread; ClipDecodeError where there is none.

    A name is always that of a file, whatever protocol it looks like; text that is not UTF-8 is no reason to fail.
    """
    try:
        container = av.open(f"file:{path.absolute()}", options=_CHECKS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        failures.check(error, path)
        raise ClipDecodeError(f"{path}: cannot be opened as a video ({reason(error)})") from error
    with container:
        stream: Any = container.streams.best("video")
        if stream is None:
            raise ClipDecodeError(f"{path}: there is no video stream in this file")
        if stream.codec_context is None:
            raise ClipDecodeError(f"{path}: there is no decoder for the video stream in this file")
        stream.thread_type = "NONE"
        stream.codec_context.options = _CHECKS
        yield container, stream


@contextmanager
def heard() -> Iterator[Log]:
    """While the body runs, gather the errors that FFmpeg logs in this thread, also the one that another file caused."""
    before, once = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    try:
        with av.logging.Capture(local=True) as log:
            yield log
    finally:
        av.logging.set_level(before)
        av.logging.set_skip_repeated(once)


@dataclass
class Packets:
    """The packets of a stream that were read, to be held against what the container says is in it."""

    count: int = 0  # of those that are to be shown
    times: list[int] = field(default_factory=list)  # when each is decoded: in AVI the number of its place

    sliced: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # of FFV1: whole slices, or not

    def see(self, packet: Any) -> None:
        """Count a packet that was read."""
        if packet.size and not packet.is_discard:
            self.count += 1
            if packet.stream.codec_context.name == "ffv1":
                self.sliced[has_whole_slices(memoryview(packet))] += 1
            if packet.dts is not None:
                self.times.append(packet.dts)

    def hollow(self) -> int:
        """How many packets of FFV1 are no row of slices where others are: holes, whose checksum of zeros is zero."""
        return self.sliced[False] if self.sliced[True] else 0

    def missing(self, container: Any, stream: Any) -> int:
        """How many packets the container counts that are not there; 0 where it counts none.

        MP4 lists all of them, less what its edit list leaves out. AVI does too, in an index that may be cut off, and
        counts the places in its head: those of packets, and those of empty ones, which show the frame before again.
        """
        index = stream.index_entries
        if "mp4" in container.format.name and len(index):
            return max(0, sum(bool(entry.size and not entry.is_discard) for entry in index) - self.count)
        if container.format.name != "avi":
            return 0
        step = min((after - before for before, after in pairwise(self.times) if after > before), default=1)
        places = max(self.times, default=0) + step  # H.264 has two places a packet, one for each field
        whole = len(index) and index[-1].timestamp + step >= stream.frames
        listed: int = len(index) if whole else 0
        return max(0, listed - self.count, int(stream.frames - places) // step)


def has_whole_slices(packet: memoryview) -> bool:
    """Whether a packet of FFV1 is slices with checksums from its first byte to its last.

    Each ends with its length in 3 bytes, a byte of state and 4 of checksum (RFC 9043, section 4.8).
    """
    at = len(packet)
    while at > _FOOTER and (length := int.from_bytes(packet[at - _FOOTER : at - _FOOTER + 3])):
        at -= length + _FOOTER
    return at == 0


def frames(
    container: Any, stream: Any, errors: list[str], log: Log | None = None, packets: Packets | None = None
) -> Iterator[Any]:
    """The frames (av.VideoFrame) of a stream in display order, from its first key frame on.

    What had to be skipped or concealed goes to `errors`: an entry a packet, or more where several frames are flagged.
    """
    started = False  # what comes before the first key frame has nothing to refer to
    speakers = {stream.codec_context.name, stream.codec_context.codec.name, container.format.name}
    for packet in _packets(container, stream, errors):
        if packets is not None:
            packets.see(packet)
        started = started or packet.is_keyframe
        if not started:
            errors.append("no key frame at the start")
            continue
        before = len(errors)
        if packet.is_corrupt:  # MPEG-TS counts its packets
            errors.append("packets are missing or hurt")
        try:
            decoded = packet.decode()
        except av.FFmpegError as error:
            failures.check(error, container.name.removeprefix("file:"))
            errors.append(reason(error))
            decoded = ()
        errors.extend("frame with errors" for frame in decoded if frame.is_corrupt)
        said = [text.strip() for _, who, text in log or () if who in speakers]
        if said and len(errors) == before:
            errors.append(said[0])
        if log:
            log.clear()
        got_on()
        yield from decoded


def reason(error: Exception) -> str:
    """What FFmpeg says of an error, without full stop."""
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")


def _packets(container: Any, stream: Any, errors: list[str]) -> Iterator[Any]:
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        failures.check(error, container.name.removeprefix("file:"))
        errors.append(reason(error))
