"""Damaged copies of small videos, and what reading makes of them against the undamaged ones."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from vidsparse.data.reading.decoders import inspect
from vidsparse.data.reading.video_files import VideoReader
from vidsparse.utils.errors import ClipDecodeError

MADE: dict[str, tuple[str, str, str, dict[str, str]]] = {  # suffix, encoder, pixel format, options
    "ffv1": (".mkv", "ffv1", "bgr0", {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}),
    "ffv1_avi": (".avi", "ffv1", "yuv420p", {"level": "3", "slices": "4", "slicecrc": "1"}),
    "mjpeg": (".avi", "mjpeg", "yuvj420p", {"q": "3"}),
    "h264": (".mp4", "libx264", "yuv420p", {"crf": "18"}),
    "h264_ts": (".ts", "libx264", "yuv420p", {"crf": "18"}),
    "mpeg4": (".avi", "mpeg4", "yuv420p", {"qmin": "2", "qmax": "4"}),
    "vp9": (".webm", "libvpx-vp9", "yuv420p", {"crf": "20", "cpu-used": "8", "deadline": "realtime"}),
    "hevc": (".mp4", "libx265", "yuv420p", {"x265-params": "log-level=none:hash=1:keyint=6:min-keyint=6"}),
}
KINDS = ("flip", "cut", "insert")
FAR = 4  # grey levels in the mean of a frame


def pictures(n: int = 20, height: int = 52, width: int = 64) -> np.ndarray:
    """uint8 (n, height, width, 3): a sharp texture that moves, so that every frame is another."""
    canvas = np.random.default_rng(0).integers(0, 256, (height // 4, (width + 2 * n) // 4, 3), np.uint8)
    canvas = canvas.repeat(4, 0).repeat(4, 1)
    return np.stack([canvas[:height, 2 * t : 2 * t + width] for t in range(n)])


def make(folder: Path, names: Sequence[str] = tuple(MADE)) -> dict[str, Path]:
    """An undamaged video of every kind."""
    made = {}
    for name in names:
        suffix, encoder, pixels, options = MADE[name]
        made[name] = folder / f"{name}{suffix}"
        with av.open(str(made[name]), "w") as container:
            stream: Any = container.add_stream(encoder, 25, options={"g": "6", "threads": "1", **options})
            stream.height, stream.width, stream.pix_fmt = 52, 64, pixels
            for picture in pictures():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode())
    return made


def damaged(content: bytes, kind: str, seed: int) -> bytes:
    """The bytes with one to four bits flipped, some bytes cut out or inserted, or the end cut off."""
    rng = random.Random(seed)
    data, at = bytearray(content), rng.randrange(len(content) // 10, len(content))
    if kind == "flip":
        for _ in range(rng.choice((1, 1, 2, 4))):
            data[rng.randrange(len(data) // 10, len(data))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del data[at : rng.choice((at + rng.randrange(1, 40), len(data)))]
    else:
        data[at:at] = rng.randbytes(rng.randrange(1, 40))
    return bytes(data)


def outcome(path: Path, whole: np.ndarray) -> str:
    """same, said (damage or an error by name), or silent: frames are far from the undamaged and nothing is said."""
    info = inspect(path)
    if info.error or info.damage:
        return "said"
    try:
        frames = VideoReader(path, info=info).read(range(info.n_frames))
    except ClipDecodeError:
        return "said"
    if frames.shape != whole.shape:
        return "silent"
    return "silent" if np.abs(frames.astype(int) - whole).mean((1, 2, 3)).max() > FAR else "same"


def trials(folder: Path, seeds: range, names: Sequence[str] = tuple(MADE)) -> Iterator[tuple[str, str, int, str]]:
    """(kind of video, kind of damage, seed, outcome) of each damaged copy."""
    made = make(folder, names)
    for name in names:
        path = made[name]
        info = inspect(path)
        assert not info.damage, (path, info)
        whole = VideoReader(path, info=info).read(range(info.n_frames))
        content, copy = path.read_bytes(), path.with_stem(f"{path.stem}_damaged")
        for kind in KINDS:
            for seed in seeds:
                copy.write_bytes(damaged(content, kind, seed))
                yield name, kind, seed, outcome(copy, whole)
