"""Corrupted sets made before: our own, and the published ones as they are distributed. `data.source: corrupted`."""

import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.cells import Cell, chosen, evaluation_cells
from vidsparse.data.corrupted.corruptor import Decoded
from vidsparse.data.corrupted.layout import MASKS, PACKED, RECIPE, Stored, mask_paths, open_stored
from vidsparse.data.corrupted.published import Published, open_published
from vidsparse.data.corrupted.sidecars import Digests
from vidsparse.data.datasets.lists import one_split
from vidsparse.data.datasets.sources import Dataset, Sample
from vidsparse.data.indexing.index import Index, Progress, Row
from vidsparse.data.reading.frames import Frames, VideoInfo
from vidsparse.utils.errors import DataError, plural, some
from vidsparse.utils.own_commands import typed
from vidsparse.utils.progress import warn


class Kept(Protocol):
    """Clips that were corrupted before: the conditions there are, and the frames of a clip under one of them."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The conditions that it holds, in the order of evaluation."""

    def read(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> Frames:
        """Frames uint8 (n, H, W, 3) of these sorted frame numbers of the clip with this id."""

    def masks(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> Frames | None:
        """The class ids uint8 (n, H, W) of those frames; None where it holds none."""


class StoredFrames:
    """Stands in for `Corruptor` where nothing is corrupted any more."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._digests = Digests(kept) if isinstance(kept, Stored) else None

    def decode(self, sample: Sample, outputs: NDArray[np.int64]) -> Decoded:
        """Nothing is read before it is known under which cell."""
        nothing = np.empty((0, 0, 0, 3), np.uint8)
        return Decoded(sample, nothing, np.empty(0, np.int64), int(outputs[-1]) + 1, 0.0)

    def corrupt(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames:
        """The wanted frames of a video under a cell, as they are stored. DataError where they are damaged."""
        if self._digests:
            self._digests.check(cell, video.sample.id, outputs)
        return self._kept.read(cell, video.sample.id, outputs)

    def masks(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames | None:
        """The class ids of those frames, as they are stored. DataError where they are damaged."""
        if self._digests and isinstance(self._kept, Stored) and self._kept.recipe.masks:
            self._digests.check_masks(cell, video.sample.id, outputs)
        return self._kept.masks(cell, video.sample.id, outputs)


def load_corrupted(
    config: DataConfig, root: Path, cache: Path, workers: int = 0, progress: Progress | None = None
) -> Clips:
    """The clips of a corrupted set: nothing to train on, and frames that are read as they are."""
    if not (root / RECIPE).is_file():
        dataset, index, published = open_published(root, config, cache, workers, progress)
        return Clips(config, dataset, index, (), (), dataset.test, stored=published)
    stored = open_stored(root)
    _check_present(stored)
    _check_digests(stored)
    recipe = stored.recipe
    masks = {e.id: Sample(e.id, root / MASKS, -1, e.group, "class_ids") for e in stored.entries if recipe.masks}
    samples = tuple(Sample(e.id, root / e.stem, e.label, e.group, mask=masks.get(e.id)) for e in stored.entries)
    infos = {e.id: VideoInfo(e.n_frames, e.rate, e.height, e.width, recipe.format) for e in stored.entries}
    mark = zlib.crc32(recipe.to_json().encode())  # in place of a file's size, so that runs tell benchmarks apart
    index = Index({sample.id: Row(sample.label, mark, infos[sample.id]) for sample in samples})
    dataset = Dataset(recipe.dataset, root, recipe.classes, (), samples, ())
    return Clips(config, dataset, index, (), (), samples, stored=stored)


def load_split(root: Path, split: int) -> Dataset:
    """The clips of a corrupted set, as other sources list theirs."""
    one_split(split, "a corrupted set")
    return load_corrupted(DataConfig(source="corrupted", root=str(root)), root, root / ".index").dataset


def cells_of(clips: Clips, evaluation: EvaluationConfig) -> tuple[Cell, ...]:
    """The conditions of an evaluation: those of its suite, or those that a corrupted set holds."""
    if clips.stored is None:
        return evaluation_cells(evaluation)
    if isinstance(clips.stored, Published):
        clips.stored.check(evaluation, clips.config)
    return chosen(evaluation, clips.stored.cells)


def _check_present(stored: Stored) -> None:
    """Raise DataError where files are not there, before the evaluation of the others begins."""
    cells, entries = stored.cells, stored.entries[:: len(stored.entries) if stored.recipe.format == PACKED else 1]
    paths = [stored.path(cell, entry) for cell in cells for entry in entries]
    paths += [
        path for cell in cells for entry in entries for path in mask_paths(cell, entry)[:1] if stored.recipe.masks
    ]
    absent = [path for path in dict.fromkeys(paths) if not (stored.root / path).exists()]
    if absent:
        raise DataError(
            f"{stored.root}: {len(absent)} files of this benchmark are missing ({some(absent)}): run "
            f"{typed('generate')} with stage=verify, then stage=repair, or stage=write if it was never finished"
        )


def _check_digests(stored: Stored) -> None:
    """Say that there are no digests at all; DataError where some are not there, for their files would go unchecked."""
    digests = Digests(stored)
    if not digests.are_there:
        warn(f"{stored.root} holds no digests of its files, so damage in them may go unnoticed")
    elif digests.missing:
        raise DataError(
            f"{stored.root}: {plural(len(digests.missing), 'list')} of digests of this benchmark are missing "
            f"({some(digests.missing)}), so damage in their files would go unnoticed: run {typed('generate')} with "
            "stage=verify, then stage=repair"
        )
