"""One video under one cell: which frames that takes, and the corrupted frames on the canvas.

On the fly and offline alike, this is what is evaluated: nothing here depends on who asks, when, or for what else.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corruptions
from corruptions.apply import Request
from corruptions.stream import recode
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.cells import Cell, temporal_of
from vidsparse.data.crops import center_crop
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading.frames import Frames
from vidsparse.data.reading.spill import Spilled, frames_a_part, parts
from vidsparse.data.sampling import view_indices
from vidsparse.tasks import VOID


@dataclass(frozen=True)
class Decoded:
    """The frames of one video that any cell needs, on the canvas: `frames[i]` is frame `numbers[i]` of the video.

    `masks` are theirs, (n, H, W), where the sample has any.
    """

    sample: Sample
    frames: Frames | Spilled
    numbers: NDArray[np.int64]
    n_frames: int
    fps: float
    masks: Frames | None = None


def view_numbers(data: DataConfig, evaluation: EvaluationConfig, n_frames: int) -> NDArray[np.int64]:
    """The frame numbers of the views of a video, int64 (views, T)."""
    sampling = evaluation.sampling or data.sampling
    return view_indices(n_frames, data.frames, data.stride, sampling, data.short, evaluation.views)


def frost_of(evaluation: EvaluationConfig) -> AbstractContextManager[None]:
    """Cut frost from the photographs that `evaluation.frost_textures` names, if it does, in whatever process."""
    folder = evaluation.frost_textures
    return corruptions.frost_textures(folder) if folder else nullcontext()


class Corruptor:
    """Decodes a video once for all cells, then gives its frames under each."""

    def __init__(
        self, clips: Clips, config: EvaluationConfig, cells: Sequence[Cell], spill: Path | None = None
    ) -> None:
        """`spill`: a folder for the frames of videos of more than `max_clip_mb`, which then are read in parts."""
        self._clips = replace(clips, full_size=config.canvas == "source")
        self._config, self._cells, self._spill = config, cells, spill

    def key(self, sample: Sample) -> str:
        """What the corruption of this sample is drawn from."""
        return f"{self._config.corruption_seed}/{self._clips.dataset.name}/{sample.id}"

    def decode(self, sample: Sample, outputs: NDArray[np.int64]) -> Decoded:
        """What most cells need of a video to give these sorted outputs; ClipDecodeError where it cannot be read."""
        n_frames = self._clips.n_frames(sample)
        needs = [self._needs(sample, cell, outputs, n_frames) for cell in self._cells]
        union = np.unique(np.concatenate([outputs, *needs]))
        fits = self._megabytes(sample, len(union)) <= self._config.max_clip_mb
        folder = None if fits else self._spill
        numbers = union if fits or folder else outputs
        frames = self._on_disk(sample, numbers, folder) if folder else self._read(sample, numbers)
        masks = self._read_masks(sample, numbers)
        return Decoded(sample, frames, numbers, n_frames, self._clips.fps(sample), masks)

    def corrupt(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames:
        """The wanted frames of a video under a cell, on the canvas; as they are for a probe, which is of a view."""
        if not cell.severity or cell.is_probe:
            return video.frames[np.searchsorted(video.numbers, outputs)]
        numbers = self._needs(video.sample, cell, outputs, video.n_frames)
        if np.isin(numbers, video.numbers).all():
            frames = self._taken(video, numbers)
        else:  # too much was needed to keep it for all cells
            frames = self._on_canvas(self._clips.read(video.sample, numbers))
        with frost_of(self._config):
            return corruptions.corrupt(frames, **self._arguments(video, cell, numbers, outputs))

    def probed(self, video: Decoded, cell: Cell, views: Frames) -> Frames:
        """The views (V, T, ...) of a video in the order in which a probe shows their frames; others as they are."""
        if not cell.is_probe:
            return views
        order = corruptions.frame_order(cell.corruption, 1, views.shape[1], self.key(video.sample), cell.profile)
        return views[:, order]

    def parts(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64], count: int) -> Iterator[Frames]:
        """The frames of `corrupt`, `count` at a time: no more of the video is held than they need."""
        whole = cell.severity and corruptions.REGISTRY[cell.corruption].support == "video"
        if not whole:
            for part in parts(outputs, count):
                yield self.corrupt(video, cell, part)
            return
        source = (frame for part in parts(video.numbers, count) for frame in self._taken(video, part))
        said = self._arguments(video, cell, outputs, outputs)
        given = {name: said[name] for name in ("name", "severity", "key", "profile", "temporal", "resolution", "fps")}
        wanted, held = set(outputs.tolist()), list[Frames]()
        for number, frame in enumerate(recode(source, video.n_frames, Request(**given))):
            if number in wanted:
                held.append(frame)
            if len(held) == count or (held and number == outputs[-1]):
                yield np.stack(held)
                held = []

    def _taken(self, video: Decoded, numbers: NDArray[np.int64]) -> Frames:
        return video.frames[np.searchsorted(video.numbers, numbers)]

    def _read(self, sample: Sample, numbers: NDArray[np.int64]) -> Frames:
        return self._on_canvas(self._clips.read(sample, numbers, keep=True))

    def _on_disk(self, sample: Sample, numbers: NDArray[np.int64], folder: Path) -> Spilled:
        height, width = self._clips.size(sample)
        count = frames_a_part((height, width, 3))
        if self._config.canvas == "crop":
            height = width = self._clips.config.size
        spilled = Spilled(folder, (height, width, 3))
        for frames in self._clips.read_parts(sample, numbers, count):
            spilled.append(self._on_canvas(frames))
        return spilled

    def masks(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames | None:
        """The class ids (n, H, W) of those frames: moved and reordered as they are; None where a sample has none."""
        if video.masks is None:
            return None
        if not cell.moves_masks or cell.is_probe:
            return video.masks[np.searchsorted(video.numbers, outputs)]
        numbers = self._needs(video.sample, cell, outputs, video.n_frames)
        held = np.isin(numbers, video.numbers).all()
        masks = (
            video.masks[np.searchsorted(video.numbers, numbers)] if held else self._read_masks(video.sample, numbers)
        )
        assert masks is not None
        return corruptions.corrupt_labels(masks, **self._arguments(video, cell, numbers, outputs), fill=VOID)

    def _read_masks(self, sample: Sample, numbers: NDArray[np.int64]) -> Frames | None:
        masks = self._clips.masks(sample, numbers, keep=True)
        return None if masks is None else self._on_canvas(masks)

    def _arguments(
        self, video: Decoded, cell: Cell, numbers: NDArray[np.int64], outputs: NDArray[np.int64]
    ) -> dict[str, Any]:
        return {
            "name": cell.corruption,
            "severity": cell.severity,
            "key": self.key(video.sample),
            "profile": cell.profile,
            "temporal": temporal_of(self._config),
            "resolution": self._config.resolution,
            "indices": numbers,
            "outputs": outputs,
            "n_frames": video.n_frames,
            "fps": video.fps,
        }

    def _needs(self, sample: Sample, cell: Cell, outputs: NDArray[np.int64], n_frames: int) -> NDArray[np.int64]:
        """The frames of the video that these outputs of a cell are made from."""
        if not cell.severity or cell.is_probe:
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
