"""How what a network says becomes rows of predictions.parquet: one set of rules a task."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import torch
from torch import Tensor

from vidsparse.data.corrupted.batches import Batch
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.evaluation import pixels, predictions
from vidsparse.tasks import VOID
from vidsparse.utils.errors import ConfigError, some


@dataclass(frozen=True)
class Outcomes:
    """How what a network says becomes rows: the schema of the table, what is kept of an output, the rows of a batch.

    `rows` of (clips of the unit, cell, kept outputs (B, V, ...), batch, number of classes).
    """

    schema: pa.Schema
    kept: Callable[[Tensor], Tensor]
    rows: Callable[[Sequence[Sample], Cell, Tensor, Batch, int], pa.Table]
    dimensions: int = 2  # of the logits

    def check(self, said: object, clips: int, classes: int) -> Tensor:
        """The logits that a network gave; ConfigError where it gave something else."""
        wanted = "(clips, classes)" if self.dimensions == 2 else "(clips, classes, frames, height, width)"
        if not isinstance(said, Tensor):
            what = f"a {type(said).__name__}"
            what += f" of {some(list(map(str, said)), 6)}" if isinstance(said, Mapping) else ""
        elif said.dim() != self.dimensions or len(said) != clips:
            what = f"a tensor {tuple(said.shape)} for {clips} clips"
        elif said.shape[1] < classes:
            what = f"logits of {said.shape[1]} classes, and the data has {classes}"
        elif said.is_complex() or said.dtype == torch.bool:
            what = f"{said.dtype}"
        else:
            return said.float()
        raise ConfigError(f"model.name: the network gives {what}; what is evaluated are logits {wanted}, numbers")


def _class_rows(samples: Sequence[Sample], cell: Cell, logits: Tensor, batch: Batch, classes: int) -> pa.Table:
    return predictions.rows(samples, cell, logits, batch.ok.tolist())


def _pixel_rows(samples: Sequence[Sample], cell: Cell, maps: Tensor, batch: Batch, classes: int) -> pa.Table:
    assert batch.masks is not None
    masks = batch.masks.unflatten(0, maps.shape[:2])
    return pixels.rows(samples, cell, maps, masks, batch.ok.tolist(), classes)


def _label_maps(logits: Tensor) -> Tensor:
    """uint8 (B, T, H, W): the class of each pixel of logits (B, K, T, H, W); 255 where they decide nothing."""
    most, classes = logits.max(1)
    decided = logits.softmax(1).isfinite().all(1)
    if logits.shape[1] > 1:
        decided &= most > logits.amin(1)
    return torch.where(decided, classes, VOID).to(torch.uint8)


CLASSES = Outcomes(predictions.SCHEMA, lambda logits: logits.cpu(), _class_rows)
PIXELS = Outcomes(pixels.SCHEMA, lambda logits: _label_maps(logits).cpu(), _pixel_rows, dimensions=5)
