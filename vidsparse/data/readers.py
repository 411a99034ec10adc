"""Every kind of file as a row of one table: how its entries are counted, and how frames of one entry are read.

A video is an entry of many frames, an image one of a single frame; nothing beyond this table tells them apart. Rows
import what they need when they are used: images need no video decoder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidsparse.data import archives, images
from vidsparse.data.frames import Frames, VideoInfo
from vidsparse.data.sources import Sample
from vidsparse.errors import ClipDecodeError

if TYPE_CHECKING:
    from vidsparse.data.video import ReaderPool


@dataclass
class OpenFiles:
    """What stays open between reads, and how long one may take (seconds); a copy sent elsewhere starts empty."""

    timeout_s: float
    _videos: "ReaderPool | None" = field(default=None, repr=False)

    def videos(self) -> "ReaderPool":
        """The open videos of this process."""
        if self._videos is None:
            from vidsparse.data.video import ReaderPool

            self._videos = ReaderPool()
        return self._videos


Read = Callable[[OpenFiles, Sample, VideoInfo, int | None, Any], Frames]


@dataclass(frozen=True)
class Reader:
    """`inspect` gives one info an entry of a file and never raises for a bad one; `read` raises ClipDecodeError."""

    inspect: Callable[[Path], Sequence[VideoInfo]]
    read: Read


def _inspect_video(path: Path) -> Sequence[VideoInfo]:
    from vidsparse.data.decoders import inspect

    return (inspect(path),)


def _read_video(files: OpenFiles, sample: Sample, info: VideoInfo, short_side: int | None, indices: Any) -> Frames:
    from vidsparse.data.watchdog import limited

    with limited(sample.path, files.timeout_s):
        return files.videos().get(sample.path, short_side, info).read(indices)


def _read_image(files: OpenFiles, sample: Sample, info: VideoInfo, short_side: int | None, indices: Any) -> Frames:
    try:
        content = sample.path.read_bytes()
    except OSError as error:
        raise ClipDecodeError(f"{sample.path}: {error.strerror}") from error
    return images.repeated(images.resized(images.decode(content, sample.path), short_side), indices, sample.path)


def _read_archive(files: OpenFiles, sample: Sample, info: VideoInfo, short_side: int | None, indices: Any) -> Frames:
    picture = archives.open_pictures(sample.reader, sample.path).at(sample.entry)
    return images.repeated(images.resized(picture, short_side), indices, sample.id)


READERS: dict[str, Reader] = {
    "video": Reader(_inspect_video, _read_video),
    "image": Reader(images.inspect, _read_image),
    **{kind: Reader(partial(archives.inspect, kind), _read_archive) for kind in archives.ARCHIVES},
}
