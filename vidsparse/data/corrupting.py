"""One video under one cell: which frames that takes, and the corrupted frames on the canvas.

On the fly and offline alike, this is what is evaluated: nothing here depends on who asks, when, or for what else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import corruptions
from vidsparse.config import DataConfig, EvaluationConfig
from vidsparse.data.cells import Cell
from vidsparse.data.clips import Clips
from vidsparse.data.crops import center_crop
from vidsparse.data.frames import Frames
from vidsparse.data.masks import VOID
from vidsparse.data.sampling import view_indices
from vidsparse.data.sources import Sample


@dataclass(frozen=True)
class Decoded:
    """The frames of one video that any cell needs, on the canvas: `frames[i]` is frame `numbers[i]` of the video.

    `masks` are theirs, (n, H, W), where the sample has any.
    """

    sample: Sample
    frames: Frames
    numbers: NDArray[np.int64]
    n_frames: int
    fps: float
    masks: Frames | None = None


def view_numbers(data: DataConfig, evaluation: EvaluationConfig, n_frames: int) -> NDArray[np.int64]:
    """The frame numbers of the views of a video, int64 (views, T)."""
    sampling = evaluation.sampling or data.sampling
    return view_indices(n_frames, data.frames, data.stride, sampling, data.short, evaluation.views)


class Corruptor:
    """Decodes a video once for all cells, then gives its frames under each."""

    def __init__(self, clips: Clips, config: EvaluationConfig, cells: Sequence[Cell]) -> None:
        self._clips = replace(clips, full_size=config.canvas == "source")
        self._config, self._cells = config, cells

    def key(self, sample: Sample) -> str:
        """What the corruption of this sample is drawn from."""
        return f"{self._config.corruption_seed}/{self._clips.dataset.name}/{sample.id}"

    def decode(self, sample: Sample, outputs: NDArray[np.int64]) -> Decoded:
        """What most cells need of a video to give these sorted outputs; ClipDecodeError where it cannot be read."""
        n_frames = self._clips.n_frames(sample)
        needs = [self._needs(sample, cell, outputs, n_frames) for cell in self._cells]
        union = np.unique(np.concatenate([outputs, *needs]))
        numbers = union if self._megabytes(sample, len(union)) <= self._config.max_clip_mb else outputs
        frames = self._on_canvas(self._clips.read(sample, numbers, keep=True))
        masks = self._read_masks(sample, numbers)
        return Decoded(sample, frames, numbers, n_frames, self._clips.fps(sample), masks)

    def corrupt(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames:
        """The wanted frames of a video under a cell, on the canvas."""
        if not cell.severity:
            return video.frames[np.searchsorted(video.numbers, outputs)]
        frames, numbers = video.frames, self._needs(video.sample, cell, outputs, video.n_frames)
        if np.isin(numbers, video.numbers).all():
            frames = frames[np.searchsorted(video.numbers, numbers)]
        else:  # too much was needed to keep it for all cells
            frames = self._on_canvas(self._clips.read(video.sample, numbers))
        return corruptions.corrupt(frames, **self._arguments(video, cell, numbers, outputs))

    def masks(self, video: Decoded, cell: Cell, outputs: NDArray[np.int64]) -> Frames | None:
        """The class ids (n, H, W) of those frames: moved and reordered as they are; None where a sample has none."""
        if video.masks is None:
            return None
        if not cell.moves_masks:
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
            "temporal": corruptions.SUITES[self._config.suite].temporal,
            "resolution": self._config.resolution,
            "indices": numbers,
            "outputs": outputs,
            "n_frames": video.n_frames,
            "fps": video.fps,
        }

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
