"""The build of a benchmark: what its bytes depend on besides recipe and clips."""

import tempfile
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

import corruptions
from vidsparse.benchmark.formats import encode, encode_mask
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.corrupted.layout import Recipe
from vidsparse.data.reading.frames import Frames


def build(format: str, crf: int | None, videos: bool, masks: bool = False, cells: Iterable[Cell] | None = None) -> str:
    """Versions and hashes of self-tests: equal builds promise equal bytes.

    It covers the corruptions of `cells`; None is all that are shipped, as in benchmarks of before. `videos`: whether
    clips are decoded from video files, which images are not; `masks`: whether there are masks.
    """
    used = None if cells is None else [(cell.corruption, cell.profile) for cell in cells if cell.severity]
    return f"{corruptions.fingerprint(used)}, {_written(format, crf, videos, masks)}"


def same_build(recipe: Recipe) -> str:
    """The build of this process in the form in which the recipe of a benchmark has it, for a comparison.

    The form of before, of all corruptions, is looked at where the one of those that the benchmark uses is another.
    """
    what = (recipe.format, recipe.crf, "decord" in recipe.build, recipe.masks)
    here = build(*what, recipe.cells)
    return recipe.build if here != recipe.build and build(*what) == recipe.build else here


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
