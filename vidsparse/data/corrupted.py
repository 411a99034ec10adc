"""Decode once, corrupt many: for each unit of videos, one uint8 batch per cell of the evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

import corruptions
from vidsparse.config import EvaluationConfig
from vidsparse.data.augment import center_crop, crops
from vidsparse.data.cells import CLEAN, Cell
from vidsparse.data.clips import Clips
from vidsparse.data.decoders import Frames
from vidsparse.data.sampling import view_indices
from vidsparse.data.sources import Sample
from vidsparse.data.stored import resized
from vidsparse.errors import ClipDecodeError

@dataclass(frozen=True)
class Batch:
    """A cell of a unit: clips uint8 (videos · views, T, S, S, 3) in that order; videos without frames are not `ok`."""

    unit: int
    cell: int
    clips: Tensor
    ok: NDArray[np.bool_]


@dataclass(frozen=True)
class Decoded:
    """The frames of one video that any cell needs, on the canvas: `frames[i]` is frame `numbers[i]` of the video."""

    sample: Sample
    frames: Frames
    numbers: NDArray[np.int64]
    views: NDArray[np.int64]  # (views, T) frame numbers
    n_frames: int
    fps: float


class CorruptedUnits(IterableDataset[Batch]):
    """Batches of the wanted units, cell after cell; with workers, whole units go to a worker."""

    def __init__(
        self, clips: Clips, config: EvaluationConfig, cells: Sequence[Cell], units: Sequence[tuple[int, range]]
    ) -> None:
        """`units`: (number, positions in the test split) of the units to make."""
        self._clips = replace(clips, full_size=config.canvas == "source")
        self._config, self._cells, self._units = config, cells, units

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for number, positions in self._units[first::step]:
            videos = [self._decode(self._clips.test[position]) for position in positions]
            for cell in range(len(self._cells)):
                views = [self._views(video, self._cells[cell]) if video else None for video in videos]
                ok = np.array([clips is not None for clips in views])
                yield Batch(number, cell, torch.from_numpy(self._stacked(views)), ok)

    def key(self, sample: Sample) -> str:
        """What the corruption of this sample is drawn from."""
        return f"{self._config.corruption_seed}/{self._clips.dataset.name}/{sample.id}"

    def _decode(self, sample: Sample) -> Decoded | None:
        """What most cells need of a video, on the canvas; None where it cannot be read and that counts as wrong."""
        data = self._clips.config
        n_frames = self._clips.n_frames(sample)
        try:
            if not n_frames:
                self._clips.read(sample, ())
            views = view_indices(n_frames, data.frames, data.stride, data.sampling, data.short, self._config.views)
            outputs = np.unique(views)
            needs = [self._needs(sample, cell, outputs, n_frames) for cell in self._cells]
            union = np.unique(np.concatenate([outputs, *needs]))
            numbers = union if self._megabytes(sample, len(union)) <= self._config.max_clip_mb else outputs
            frames = self._on_canvas(self._clips.read(sample, numbers))
        except ClipDecodeError:
            if self._config.on_error == "raise":
                raise
            return None
        return Decoded(sample, frames, numbers, views, n_frames, self._clips.fps(sample))

    def _needs(self, sample: Sample, cell: Cell, outputs: NDArray[np.int64], n_frames: int) -> NDArray[np.int64]:
        """The frames of the video that these outputs of a cell are made from."""
        if not cell.severity:
            return outputs
        name, key = cell.corruption, self.key(sample)
        return corruptions.frames_needed(
            name, cell.severity, outputs, n_frames, key, cell.profile, fps=self._clips.fps(sample)
        )

    def _megabytes(self, sample: Sample, count: int) -> float:
        height, width = self._clips.size(sample)
        if self._config.canvas == "crop":
            height = width = self._clips.config.size
        return count * height * width * 3 / 2**20

    def _on_canvas(self, frames: Frames) -> Frames:
        if self._config.canvas != "crop":
            return frames
        return np.ascontiguousarray(center_crop(frames, self._clips.config.size))

    def _stacked(self, views: Sequence[Frames | None]) -> Frames:
        """The views of all videos, (videos · views · crops, T, S, S, 3); black where a video could not be read."""
        data, per_video = self._clips.config, self._config.views * self._config.crops
        blank = np.zeros((per_video, data.frames, data.size, data.size, 3), np.uint8)
        return np.concatenate([blank if clips is None else clips for clips in views])

    def _views(self, video: Decoded, cell: Cell) -> Frames | None:
        """(views · crops, T, S, S, 3): the views of one video under one cell; None as for `_decode`."""
        outputs, place = np.unique(video.views, return_inverse=True)
        try:
            frames = self.corrupt(video, cell, outputs)
        except ClipDecodeError:
            if self._config.on_error == "raise":
                raise
            return None
        if self._config.canvas == "source":
            frames = resized(frames, self._clips.config.short_side)
        size, count = self._clips.config.size, self._config.crops
        return np.concatenate([np.stack(crops(frames[rows], size, count)) for rows in place.reshape(video.views.shape)])

    def corrupt(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames:
        """The wanted frames of a video under a cell, on the canvas."""
        if not cell.severity:
            return video.frames[np.searchsorted(video.numbers, outputs)]
        frames, numbers = video.frames, self._needs(video.sample, cell, outputs, video.n_frames)
        if np.isin(numbers, video.numbers).all():
            frames = frames[np.searchsorted(video.numbers, numbers)]
        else:  # too much was needed to keep it for all cells
            frames = self._on_canvas(self._clips.read(video.sample, numbers))
        return corruptions.corrupt(
            frames,
            cell.corruption,
            cell.severity,
            self.key(video.sample),
            profile=cell.profile,
            temporal=corruptions.SUITES[self._config.suite].temporal,
            resolution=self._config.resolution,
            indices=numbers,
            outputs=outputs,
            n_frames=video.n_frames,
            fps=video.fps,
        )

    def strip(self, position: int) -> dict[str, Frames]:
        """One clip of the test split under each cell, {"name/severity": uint8 (T, S, S, 3)}; empty if unreadable."""
        video = self._decode(self._clips.test[position])
        if video is None:
            return {}
        named = {CLEAN if not c.severity else f"{c.corruption}/{c.severity}": c for c in self._cells}
        views = {name: self._views(video, cell) for name, cell in named.items()}
        return {name: clips[0] for name, clips in views.items() if clips is not None}
