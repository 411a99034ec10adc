"""The conditions of an evaluation, and the frames of sets that were corrupted before. `data.source: corrupted`."""

import numpy as np
from numpy.typing import NDArray

from vidsparse.config import EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.cells import Cell, chosen, evaluation_cells
from vidsparse.data.corrupted.corruptor import Decoded
from vidsparse.data.corrupted.layout import Stored
from vidsparse.data.corrupted.opening import Kept
from vidsparse.data.corrupted.published import Published
from vidsparse.data.corrupted.sidecars import Digests
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.reading.frames import Frames


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


def cells_of(clips: Clips, evaluation: EvaluationConfig) -> tuple[Cell, ...]:
    """The conditions of an evaluation: those of its suite, or those that a corrupted set holds."""
    if clips.stored is None:
        return evaluation_cells(evaluation)
    if isinstance(clips.stored, Published):
        clips.stored.check(evaluation, clips.config)
    return chosen(evaluation, clips.stored.cells)
