"""Corrupted sets made before, opened: our own, and the published ones as they are distributed."""

import zlib
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidsparse.config import DataConfig
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.corrupted.layout import MASKS, PACKED, RECIPE, Stored, mask_paths, open_stored
from vidsparse.data.corrupted.published import open_published
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


def open_corrupted(
    config: DataConfig, root: Path, cache: Path, workers: int = 0, progress: Progress | None = None
) -> tuple[Dataset, Index, Kept]:
    """What a corrupted set lists, with nothing to train on, the index of its clips, and their frames as they are."""
    if not (root / RECIPE).is_file():
        return open_published(root, config, cache, workers, progress)
    stored = open_stored(root)
    _check_present(stored)
    _check_digests(stored)
    recipe = stored.recipe
    masks = {e.id: Sample(e.id, root / MASKS, -1, e.group, "class_ids") for e in stored.entries if recipe.masks}
    samples = tuple(Sample(e.id, root / e.stem, e.label, e.group, mask=masks.get(e.id)) for e in stored.entries)
    infos = {e.id: VideoInfo(e.n_frames, e.rate, e.height, e.width, recipe.format) for e in stored.entries}
    mark = zlib.crc32(recipe.to_json().encode())  # in place of a file's size, so that runs tell benchmarks apart
    index = Index({sample.id: Row(sample.label, mark, infos[sample.id]) for sample in samples})
    return Dataset(recipe.dataset, root, recipe.classes, (), samples, ()), index, stored


def load_split(root: Path, split: int) -> Dataset:
    """The clips of a corrupted set, as other sources list theirs."""
    one_split(split, "a corrupted set")
    return open_corrupted(DataConfig(source="corrupted", root=str(root)), root, root / ".index")[0]


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
