"""Batches of clips in, rows of the table of predictions out."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pyarrow as pa
import torch
from torch import Tensor

from vidsparse.config import Config
from vidsparse.data.corrupted.batches import Batch
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.loader import to_input
from vidsparse.tasks import TASKS

UNIT = 16  # clips and views of a unit: fixed, so that parts made with another batch size fit
IMAGES = 256  # the same where a clip is one frame


def unit_size(frames: int) -> int:
    """Clips and views of a unit, for clips of so many frames."""
    return UNIT if frames > 1 else IMAGES


def clips_a_unit(config: Config) -> int:
    """Clips of a unit of this evaluation."""
    return max(1, unit_size(config.data.frames) // (config.evaluation.views * config.evaluation.crops))


@dataclass(frozen=True)
class Predictor:
    """A network under a protocol: its answers as rows, the same for whoever asks.

    `model` takes float (B, 3, T, H, W), normalised, on `device`, and gives logits; `classes` are those of the data.
    """

    model: Callable[[Tensor], object]
    config: Config
    classes: int
    device: torch.device
    autocast: Callable[[], AbstractContextManager[None]]

    @torch.inference_mode()
    def rows(self, samples: Sequence[Sample], cell: Cell, batch: Batch) -> pa.Table:
        """The rows of one batch: a cell of the unit of these samples."""
        parts, outcomes = [], TASKS[self.config.task].outcomes
        for clips in batch.clips.split(self.config.evaluation.batch_size):
            with self.autocast():
                said = self.model(to_input(clips.to(self.device), self.config.data.normalize))
            parts.append(outcomes.kept(outcomes.check(said, len(clips), self.classes)))
        kept = torch.cat(parts).unflatten(0, (len(samples), -1))
        return outcomes.rows(samples, cell, kept, batch, self.classes)
