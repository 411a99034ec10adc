"""Opening video files with PyAV, and reading their packets and frames: what decoder and container complain of is kept.

FFmpeg gives frames that it knows to be wrong (a checksum of FFV1 that does not fit, MJPEG that reads beyond its end)
without raising; it only writes to its log. So the log is read while a file is judged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from vidsparse.data.reading.watchdog import got_on
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError

Log = list[tuple[int, str, str]]  # level, who writes, message

# What is checked where the stream has the means: H.265's hash of each picture, the pages of Ogg.
_CHECKS = {"err_detect": "crccheck"}


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
    """While the body runs, gather the errors that FFmpeg logs in this thread."""
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(local=True) as log:
            yield log
    finally:
        av.logging.set_level(before)


def frames(container: Any, stream: Any, errors: list[str], log: Log | None = None) -> Iterator[Any]:
    """The frames (av.VideoFrame) of a stream in display order, from its first key frame on.

    What had to be skipped or concealed goes to `errors`: an entry a packet, or more where several frames are flagged.
    """
    started = False  # what comes before the first key frame has nothing to refer to
    speakers = {stream.codec_context.name, stream.codec_context.codec.name, container.format.name}
    for packet in _packets(container, stream, errors):
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
