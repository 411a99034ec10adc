"""Frames to a video file: H.264 that browsers play, or FFV1 that gives every byte back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from vidsparse.corrupt_video.audio import Sound
from vidsparse.corrupt_video.timing import Timing
from vidsparse.data.reading.frames import Frames

_SCALER = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)
_HIGH = 720  # rows from which colours are those of HDTV, as players take them to be
_LIMITED = 1  # ITU-T H.273: levels 16 to 235


@dataclass(frozen=True)
class Encoding:
    """An encoder, the pixel format it is given, its options, and the side that sizes are multiples of."""

    encoder: str
    pixels: str
    options: Mapping[str, str]
    multiple: int = 1


PLAYABLE = Encoding("libx264", "yuv420p", {"crf": "18", "preset": "medium"}, multiple=2)
LOSSLESS = Encoding("ffv1", "bgr0", {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"})
MUXERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}


@dataclass(frozen=True)
class Target:
    """What is written: where, as what, of which size (H, W) and shape of pixels, when each frame is shown."""

    path: Path
    muxer: str
    encoding: Encoding
    size: tuple[int, int]
    aspect: Fraction
    timing: Timing
    comment: str

    @property
    def coded(self) -> tuple[int, int]:
        """Height and width as they are coded: those of the frames, or the next that the encoder takes."""
        step = self.encoding.multiple
        return (-(-self.size[0] // step) * step, -(-self.size[1] // step) * step)


def write(target: Target, frames: Iterable[Frames], sound: Sound | None) -> None:
    """Write frames uint8 (H, W, 3) and the sound beside them, in the order of time, so that little is held.

    Odd sides are made even by showing the last row or column twice, where the encoder needs that.
    """
    fast = {"movflags": "+faststart"} if target.muxer in ("mp4", "mov") else {}
    with av.open(str(target.path), "w", format=target.muxer, options=fast) as container:
        container.metadata["comment"] = target.comment
        stream = _stream(container, target)
        if sound is not None:
            sound.copy = container.add_stream_from_template(sound.stream)
        paint = _Painter(target)
        for number, frame in enumerate(frames):
            ticks = target.timing.ticks[number]
            for packet in sound.until(ticks * target.timing.tick) if sound else ():
                container.mux(packet)
            container.mux(stream.encode(paint(frame, ticks)))
        container.mux(stream.encode())
        for packet in sound.until(None) if sound else ():
            container.mux(packet)


def _stream(container: Any, target: Target) -> Any:
    encoding, timing = target.encoding, target.timing
    stream = container.add_stream(encoding.encoder, timing.rate, options=dict(encoding.options))
    coder = stream.codec_context
    coder.height, coder.width = target.coded
    coder.pix_fmt, coder.time_base = encoding.pixels, timing.tick
    coder.sample_aspect_ratio = target.aspect
    if encoding.pixels == "yuv420p":
        coder.color_range = _LIMITED
        coder.colorspace = coder.color_primaries = coder.color_trc = _matrix(target.size[0])[1]
    return stream


def _matrix(height: int) -> tuple[Colorspace, int]:
    """How colours become YUV, and its number in ITU-T H.273: BT.709 from 720 rows on, else BT.601."""
    return (Colorspace.ITU709, 1) if height >= _HIGH else (Colorspace.ITU601, 6)


class _Painter:
    """Frames as the encoder takes them."""

    def __init__(self, target: Target) -> None:
        self._target, self._scaler = target, VideoReformatter()
        (height, width), (below, beside) = target.size, target.coded
        self._padding = ((0, below - height), (0, beside - width), (0, 0))

    def __call__(self, frame: Frames, ticks: int) -> av.VideoFrame:
        padded = np.pad(frame, self._padding, "edge") if any(map(any, self._padding)) else frame
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), "rgb24")
        wanted: dict[str, Any] = {"format": self._target.encoding.pixels, "interpolation": _SCALER}
        if self._target.encoding.pixels == "yuv420p":
            wanted |= {"dst_colorspace": _matrix(self._target.size[0])[0], "dst_color_range": ColorRange.MPEG}
        shown = self._scaler.reformat(picture, **wanted)
        shown.pts, shown.time_base = ticks, self._target.timing.tick
        shown.duration = self._target.timing.interval
        return shown
