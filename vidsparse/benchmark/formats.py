"""How a clip becomes bytes. Every encoder is pinned to one thread and writes no date, version or random identifier.

Lossless video is RGB: FFV1 as bgr0 and H.264 (High 4:4:4 Predictive) as gbrp, both of which decord 0.6.0 and PyAV turn
into RGB without rounding. H.264 at 4:2:0 takes about a third of the strength of colour noise at any quality.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import write_array_header_1_0

from vidsparse.data.corrupted.layout import LOSSLESS, PACKED, SUFFIXES, frame_name
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.image_files import decode as decode_picture

# x264's macroblock tree reads memory that it never wrote, and its key frames are where they are told to be.
_X264 = {"x264-params": "mbtree=0:scenecut=0", "threads": "1", "g": "12", "bf": "0"}


@dataclass(frozen=True)
class Video:
    """An encoder, the pixel format it is given and its pinned options."""

    encoder: str
    pixels: str
    options: Mapping[str, str]


VIDEOS = {
    "ffv1": Video("ffv1", "bgr0", {"level": "3", "slices": "4", "slicecrc": "1", "g": "1", "threads": "1"}),
    "h264_rgb": Video("libx264rgb", "rgb24", {"qp": "0", "preset": "ultrafast", **_X264}),
    "h264_444": Video("libx264", "yuv444p", {"preset": "medium", **_X264}),
    "h264_420": Video("libx264", "yuv420p", {"preset": "medium", **_X264}),
}


def encode(name: str, frames: Frames, rate: Fraction, crf: int | None = None) -> dict[str, bytes]:
    """{what is added to the clip's path: bytes of the file} of a clip uint8 (T, H, W, 3) in one format.

    One file, but for a clip of several WebP frames, which is a folder. `rate`: frames a second, kept exactly.
    """
    if name in VIDEOS:
        return {SUFFIXES[name]: _video(VIDEOS[name], frames, rate, crf)}
    if name == PACKED:
        return {"": frames.tobytes()}
    if name == "npy":
        return {SUFFIXES[name]: array_bytes(frames)}
    pictures = [_webp(frame) for frame in frames]
    if len(pictures) == 1:
        return {SUFFIXES[name]: pictures[0]}
    return {f"/{frame_name(number)}": content for number, content in enumerate(pictures)}


def encode_to(
    path: Path, name: str, parts: Iterable[Frames], shape: tuple[int, ...], rate: Fraction, crf: int | None = None
) -> None:
    """Write the one file of a clip uint8 (T, H, W, 3) of this shape that comes in parts: the bytes of `encode`."""
    if name in VIDEOS:
        _video_to(path, VIDEOS[name], (frame for part in parts for frame in part), shape[1:3], rate, crf)
        return
    with path.open("wb") as file:
        write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for part in parts:
            file.write(np.ascontiguousarray(part).data)


def decode_parts(path: Path, count: int) -> Iterator[Frames]:
    """The frames of a video file of ours, `count` at a time: what a reader of the benchmark will see."""
    import av

    with av.open(str(path)) as container:
        shown = _shown(container)
        while part := list(islice(shown, count)):
            yield np.stack(part)


def encode_mask(mask: Frames) -> bytes:
    """The PNG of a mask (H, W): one 8-bit value, the class id, a pixel."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def decode(name: str, files: Mapping[str, bytes], shape: tuple[int, ...]) -> Frames:
    """The frames, of this shape, that those files give back: what a reader of the benchmark will see."""
    contents = list(files.values())
    if name in VIDEOS:
        return _decoded(contents[0])
    if name == PACKED:
        return np.frombuffer(contents[0], np.uint8).reshape(shape)
    if name == "npy":
        array: Frames = np.load(io.BytesIO(contents[0]))
        return array
    return np.stack([decode_picture(content, name) for content in contents])


def is_lossless(name: str) -> bool:
    """Whether a format gives every byte back."""
    return name in LOSSLESS


def array_bytes(array: "np.ndarray[Any, Any]") -> bytes:
    """A .npy file as bytes."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _video(video: Video, frames: Frames, rate: Fraction, crf: int | None) -> bytes:
    buffer = io.BytesIO()
    _video_to(buffer, video, frames, frames.shape[1:3], rate, crf)
    return buffer.getvalue()


def _video_to(
    file: io.BytesIO | Path,
    video: Video,
    frames: Iterable[Frames],
    size: tuple[int, ...],
    rate: Fraction,
    crf: int | None,
) -> None:
    import av
    from av.video.reformatter import Interpolation

    scaler = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    options = dict(video.options) | ({} if crf is None else {"crf": str(crf)})
    target: Any = str(file) if isinstance(file, Path) else file
    with av.open(target, "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(video.encoder, rate, options=options | {"flags": "+bitexact"})
        stream.height, stream.width, stream.pix_fmt = *size, video.pixels
        for frame in frames:
            shown = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            container.mux(stream.encode(shown.reformat(format=video.pixels, interpolation=scaler, threads=1)))
        container.mux(stream.encode())


def _decoded(content: bytes) -> Frames:
    import av

    with av.open(io.BytesIO(content), "r") as container:
        return np.stack(list(_shown(container)))


def _shown(container: Any) -> Iterator[Frames]:
    from vidsparse.data.reading.decoders import Scaler

    stream = container.streams.video[0]
    stream.thread_type = "NONE"
    scale = Scaler(stream.height, stream.width)
    yield from map(scale, container.decode(stream))


def _webp(frame: Frames) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "WEBP", lossless=True, quality=0, method=0, exact=True)
    return buffer.getvalue()
