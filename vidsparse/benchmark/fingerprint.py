"""The build of a benchmark: what its bytes depend on besides recipe and clips."""

import tempfile
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import corruptions
from vidsparse.benchmark.formats import encode, encode_mask
from vidsparse.data.reading.frames import Frames


def build(format: str, crf: int | None, videos: bool, masks: bool = False) -> str:
    """Versions and hashes of self-tests: equal builds promise equal bytes.

    `videos`: whether clips are decoded from video files, which images are not; `masks`: whether there are masks.
    """
    return f"{corruptions.fingerprint()}, {_written(format, crf, videos, masks)}"


@lru_cache(maxsize=8)
def _written(format: str, crf: int | None, videos: bool, masks: bool) -> str:
    """What comes after the corruptions: writing and reading."""
    written = blake2b(digest_size=4)
    for content in encode(format, _clip(), Fraction(25), crf).values():
        written.update(content)
    parts = [f"{format} {written.hexdigest()}"]
    parts += [f"decord {_version('decord')}, read {_reading()}"] if videos else []
    parts += [f"masks {blake2b(encode_mask(_clip()[0, ..., 0]), digest_size=4).hexdigest()}"] if masks else []
    return ", ".join(parts)


def _clip() -> Frames:
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (1, 36, 52, 3), np.uint8)
    return np.concatenate([np.roll(still, step, axis=2) for step in range(5)])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _reading() -> str:
    """Hash of what decoding and resizing gives."""
    from vidsparse.data.datasets.sample_videos import write_video
    from vidsparse.data.reading.video_files import VideoReader

    with tempfile.TemporaryDirectory() as folder:
        reader = VideoReader(write_video(Path(folder) / "clip.avi", _clip()), 20)
        return blake2b(reader.read(range(reader.n_frames)).tobytes(), digest_size=4).hexdigest()
