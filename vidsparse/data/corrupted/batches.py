"""Decode once, corrupt many: for each unit of videos, one uint8 batch per cell of the evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from vidsparse.config import EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.benchmarks import StoredFrames
from vidsparse.data.corrupted.cells import CLEAN, CLEAN_CELL, Cell
from vidsparse.data.corrupted.corruptor import Corruptor, Decoded, view_numbers
from vidsparse.data.corrupted.layout import resized
from vidsparse.data.corrupted.published import Published
from vidsparse.data.crops import crops
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.mask_files import resized as resized_mask
from vidsparse.plugins.travelling import Travelling
from vidsparse.tasks import VOID
from vidsparse.utils import failures
from vidsparse.utils.errors import ClipDecodeError


@dataclass(frozen=True)
class Batch:
    """A cell of a unit: clips uint8 (videos · views, T, S, S, 3) in that order; videos without frames are not `ok`.

    `masks`: the class of every pixel, uint8 (videos · views, T, S, S), 255 where nobody judges; None where no sample
    has a mask. Cells that leave masks alone share one tensor: it must not be written to.
    """

    unit: int
    cell: int
    clips: Tensor
    ok: NDArray[np.bool_]
    masks: Tensor | None = None


class CorruptedUnits(Travelling, IterableDataset[Batch]):
    """Batches of the wanted units, cell after cell; with workers, whole units go to a worker."""

    def __init__(
        self,
        clips: Clips,
        config: EvaluationConfig,
        cells: Sequence[Cell],
        units: Sequence[tuple[int, range]],
        begun: Mapping[int, int] | None = None,
    ) -> None:
        """`units`: (number, positions in the test split) of the units to make; `begun`: how many cells to leave out.

        Frames are corrupted here, or read as they are where `clips` are those of an offline benchmark.
        """
        self._clips, self._config, self._cells, self._units = clips, config, cells, units
        self._begun = begun or {}
        stored = clips.stored
        self._frames = Corruptor(clips, config, cells) if stored is None else StoredFrames(stored)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for number, positions in self._units[first::step]:
            with failures.at_work(f"unit {number} of the evaluation"):
                yield from self._unit(number, positions)

    def _unit(self, number: int, positions: range) -> Iterator[Batch]:
        videos = [self._decode(self._clips.test[position]) for position in positions]
        still = self._stacked_masks(videos, CLEAN_CELL)
        first = self._begun.get(number, 0)
        for place, cell in enumerate(self._cells[first:], start=first):
            views = [self._views(video, cell) if video else None for video in videos]
            ok = np.array([clips is not None for clips in views])
            masks = self._stacked_masks(videos, cell) if cell.moves_masks else still
            yield Batch(number, place, self._stacked(views), ok, masks)

    def _decode(self, sample: Sample) -> Decoded | None:
        """What most cells need of a video, on the canvas; None where it cannot be read and that counts as wrong."""
        try:
            if not self._clips.n_frames(sample):
                self._clips.read(sample, ())
            return self._frames.decode(sample, np.unique(self._numbers(sample)))
        except ClipDecodeError:
            if self._config.on_error == "raise":
                raise
            return None

    def _numbers(self, sample: Sample) -> NDArray[np.int64]:
        """The frame numbers of the views, (views, T)."""
        return view_numbers(self._clips.config, self._config, self._clips.n_frames(sample))

    def _stacked(self, views: Sequence[Frames | None], blank: int = 0, channels: tuple[int, ...] = (3,)) -> Tensor:
        """The views of all videos, (videos · views · crops, T, S, S, 3); `blank` where a video could not be read."""
        data, per_video = self._clips.config, self._config.views * self._config.crops
        nothing = np.full((per_video, data.frames, data.size, data.size, *channels), blank, np.uint8)
        return torch.from_numpy(np.concatenate([nothing if clips is None else clips for clips in views]))

    def _stacked_masks(self, videos: Sequence[Decoded | None], cell: Cell) -> Tensor | None:
        """The masks of those views, (videos · views · crops, T, S, S); None where no video of the split has any."""
        if not any(sample.mask for sample in self._clips.test):
            return None
        return self._stacked([self._masks(video, cell) if video else None for video in videos], VOID, ())

    def _views(self, video: Decoded, cell: Cell) -> Frames | None:
        """(views · crops, T, S, S, 3): the views of one video under one cell; None as for `_decode`."""
        outputs = np.unique(self._numbers(video.sample))
        try:
            frames = self._frames.corrupt(video, cell, outputs)
        except ClipDecodeError:
            if self._config.on_error == "raise":
                raise
            return None
        if self._config.canvas == "source":
            frames = resized(frames, self._clips.config.short_side)
        elif isinstance(self._clips.stored, Published):
            self._clips.stored.check_frames(frames, cell, self._config, self._clips.config)
        return self._probed(video, cell, self._cut(video, frames))

    def _probed(self, video: Decoded, cell: Cell, views: Frames) -> Frames:
        return self._frames.probed(video, cell, views) if isinstance(self._frames, Corruptor) else views

    def _masks(self, video: Decoded, cell: Cell) -> Frames | None:
        """(views · crops, T, S, S): the masks of those views; None where the sample has none."""
        masks = self._frames.masks(video, cell, np.unique(self._numbers(video.sample)))
        if masks is None:
            return None
        if self._config.canvas == "source":
            masks = np.stack([resized_mask(mask, self._clips.config.short_side) for mask in masks])
        return self._probed(video, cell, self._cut(video, masks))

    def _cut(self, video: Decoded, frames: Frames) -> Frames:
        """The views and crops of the frames that they need."""
        numbers = self._numbers(video.sample)
        place = np.unique(numbers, return_inverse=True)[1].reshape(numbers.shape)
        size, count = self._clips.config.size, self._config.crops
        return np.concatenate([np.stack(crops(frames[rows], size, count)) for rows in place])

    def strip(self, position: int) -> dict[str, Frames]:
        """One clip of the test split under each cell, {"name/severity": uint8 (T, S, S, 3)}; empty if unreadable."""
        video = self._decode(self._clips.test[position])
        if video is None:
            return {}
        named = {CLEAN if not c.severity else f"{c.corruption}/{c.severity}": c for c in self._cells}
        views = {name: self._views(video, cell) for name, cell in named.items()}
        return {name: clips[0] for name, clips in views.items() if clips is not None}

    def mask_strip(self, position: int) -> dict[str, Frames]:
        """The masks (T, S, S) of the clips that `strip` gives, by the same names; empty where there are none."""
        video = self._decode(self._clips.test[position])
        named = {CLEAN if not c.severity else f"{c.corruption}/{c.severity}": c for c in self._cells}
        masks = {name: self._masks(video, cell) for name, cell in named.items()} if video else {}
        return {name: clips[0] for name, clips in masks.items() if clips is not None}
