"""Evaluate one model, clean and under every corruption, in units that are done or not done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import torch
from torch import Tensor, nn

from vidsparse.config import Config
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.batches import Batch, CorruptedUnits
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.data.indexing.cache import FrameCache
from vidsparse.data.loader import batches, make_loader, split_units, to_input
from vidsparse.evaluation import pixels, predictions
from vidsparse.evaluation.confusion import IGNORE
from vidsparse.training.engine import Engine
from vidsparse.utils import files
from vidsparse.utils.errors import ConfigError, some
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.progress import Bar, Waiting

UNIT = 16  # clips and views of a unit: fixed, so that parts made with another batch size fit
IMAGES = 256  # the same where a clip is one frame


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
    return torch.where(decided, classes, IGNORE).to(torch.uint8)


OUTCOMES = {
    "classification": Outcomes(predictions.SCHEMA, lambda logits: logits.cpu(), _class_rows),
    "segmentation": Outcomes(pixels.SCHEMA, lambda logits: _label_maps(logits).cpu(), _pixel_rows, dimensions=5),
}


def unit_size(frames: int) -> int:
    """Clips and views of a unit, for clips of so many frames."""
    return UNIT if frames > 1 else IMAGES


def evaluate(config: Config, clips: Clips, cells: Sequence[Cell], engine: Engine, model: nn.Module, run: Path) -> None:
    """Write run/predictions.parquet: every test clip under every cell.

    A unit is a fixed run of clips with all its cells; its part is a file in run/predictions/. Batches never cross
    units and units go whole to a process, so the table is the same for any number of processes and workers, and
    after a kill only the missing units are done, and those whose part is damaged. A table that is there already, and
    as it was written, is left as it is; a damaged one is made again.
    """
    whole, schema = run / "predictions.parquet", OUTCOMES[config.task].schema
    if engine.any(engine.rank == 0 and predictions.is_whole(whole)):
        return
    model.eval()
    if config.engine.cache_gb:
        clips = replace(clips, kept=FrameCache(config.folder.parent / ".frames", int(config.engine.cache_gb * 2**30)))
    per_unit = max(1, unit_size(config.data.frames) // (config.evaluation.views * config.evaluation.crops))
    units = list(enumerate(split_units(len(clips.test), per_unit)))
    parts = [run / "predictions" / f"unit-{number:05d}.parquet" for number, _ in units]
    share = units[engine.rank :: engine.world]
    mine = [unit for unit in share if not predictions.is_whole(parts[unit[0]], schema)]
    source = CorruptedUnits(clips, config.evaluation, cells, mine)
    open_units: dict[int, list[pa.Table]] = {}
    before = (len(share) - len(mine)) * len(cells)
    loader, waiting = make_loader(source, engine.workers, batch_size=None), Waiting()
    with Stop() as stop, Bar("evaluating", len(share) * len(cells), before) as bar:
        for count, batch in enumerate(waiting.timed(batches(loader)), start=1):
            done = open_units.setdefault(batch.unit, [])
            done.append(_predict(config, clips, cells, engine, model, batch, units[batch.unit][1]))
            bar.advance(before + count, now=cells[batch.cell].corruption, waiting_for_data=f"{waiting.share:.0%}")
            if len(done) == len(cells):
                predictions.save(parts[batch.unit], open_units.pop(batch.unit))
            if stop.wanted:
                raise KeyboardInterrupt
    engine.barrier()
    if engine.rank == 0:
        predictions.save(whole, [predictions.read_part(part, schema) for part in parts])
        files.remove(run / "predictions")


@torch.inference_mode()
def _predict(
    config: Config, clips: Clips, cells: Sequence[Cell], engine: Engine, model: nn.Module, batch: Batch, unit: range
) -> pa.Table:
    """The rows of one batch: a cell of a unit."""
    parts, outcomes = [], OUTCOMES[config.task]
    for clips_part in batch.clips.split(config.evaluation.batch_size):
        with engine.autocast():
            said = model(to_input(clips_part.to(engine.device), config.data.normalize))
        parts.append(outcomes.kept(outcomes.check(said, len(clips_part), len(clips.dataset.classes))))
    kept = torch.cat(parts).unflatten(0, (len(unit), -1))
    samples = [clips.test[position] for position in unit]
    return outcomes.rows(samples, cells[batch.cell], kept, batch, len(clips.dataset.classes))
