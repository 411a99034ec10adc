"""Clips that are too long for memory: corrupted, encoded, checked and written a part at a time, to the same bytes."""

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vidsparse.benchmark.formats import VIDEOS, decode_parts, encode, encode_to, is_lossless
from vidsparse.benchmark.measure import LossSum
from vidsparse.data.corrupted.cells import CLEAN_CELL, Cell
from vidsparse.data.corrupted.corruptor import Corruptor, Decoded
from vidsparse.data.corrupted.layout import Entry, Stored, frame_name
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.spill import Spilled, parts
from vidsparse.utils import files
from vidsparse.utils.errors import DataError


@dataclass
class LongClip:
    """What was written of a clip: {path below the root: [bytes, SHA-256]}, and what its sidecar says of it."""

    frames: int = 0
    sums: dict[str, list[Any]] = field(default_factory=dict)
    pixels: Any = field(default_factory=hashlib.sha256)  # of the frames that a reader will see
    content: Any = field(default_factory=hashlib.sha256)  # of the files, one after the other
    loss: LossSum | None = None


def write_long(
    stored: Stored, cell: Cell, corruptor: Corruptor, video: Decoded, entry: Entry, output: files.Together
) -> LongClip:
    """Make a clip whose frames are on disk and write its files. DataError where frames are missing."""
    assert isinstance(video.frames, Spilled)
    count, recipe, clip = video.frames.per_part, stored.recipe, LongClip()
    path, shape = stored.path(cell, entry), (len(entry.kept), *video.frames.shape[1:])

    def corrupted() -> Iterator[Frames]:
        return corruptor.parts(video, cell, entry.kept, count)

    def watched() -> Iterator[Frames]:
        for frames in corrupted():
            clip.frames += len(frames)
            if is_lossless(recipe.format):
                clip.pixels.update(np.ascontiguousarray(frames))
            yield frames

    if recipe.format == "webp":
        for frames in watched():
            for number, frame in enumerate(frames, start=clip.frames - len(frames)):
                (content,) = encode(recipe.format, frame[None], entry.rate).values()
                _place(stored, f"{path}/{frame_name(number)}", content, output, clip)
    else:
        temporary = output.place(stored.root / path)
        encode_to(temporary, recipe.format, watched(), shape, entry.rate, recipe.crf)
        if recipe.format in VIDEOS and not is_lossless(recipe.format):
            clip.loss = LossSum()
            clean = corruptor.parts(video, CLEAN_CELL, entry.kept, count)
            for shown, intended, before in zip(decode_parts(temporary, count), corrupted(), clean, strict=True):
                clip.pixels.update(shown)
                clip.loss.add(shown, intended, before)
        digest = _digest(temporary, clip.content)
        clip.sums[path] = [temporary.stat().st_size, digest]
        output.settle(stored.root / path, digest)
    if clip.frames != len(entry.kept):
        raise DataError(f"{entry.id}: {cell.corruption} left {clip.frames} of {len(entry.kept)} frames")
    return clip


def differs(stored: Stored, cell: Cell, corruptor: Corruptor, video: Decoded, entry: Entry) -> bool:
    """Whether what is stored of a clip whose frames are on disk is not what would be made of them now."""
    assert isinstance(video.frames, Spilled)
    count, recipe, shape = video.frames.per_part, stored.recipe, (len(entry.kept), *video.frames.shape[1:])
    made = corruptor.parts(video, cell, entry.kept, count)
    with tempfile.TemporaryDirectory() as scratch:
        if not is_lossless(recipe.format):
            encode_to(Path(scratch) / "clip", recipe.format, made, shape, entry.rate, recipe.crf)
            made = decode_parts(Path(scratch) / "clip", count)
        there = (stored.read(cell, entry.id, numbers) for numbers in parts(entry.kept, count))
        return not all(np.array_equal(one, other) for one, other in zip(made, there, strict=True))


def _place(stored: Stored, path: str, content: bytes, output: files.Together, clip: LongClip) -> None:
    clip.content.update(content)
    clip.sums[path] = [len(content), hashlib.sha256(content).hexdigest()]
    output.write(stored.root / path, content)


def _digest(path: Path, whole: Any) -> str:
    """SHA-256 of a file, which also goes to `whole`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            whole.update(piece)
    return digest.hexdigest()
