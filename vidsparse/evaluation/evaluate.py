"""Evaluate one model, clean and under every corruption, in units that are done or not done."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import nn

from vidsparse import files
from vidsparse.config import Config
from vidsparse.data.cache import FrameCache
from vidsparse.data.cells import Cell
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted import Batch, CorruptedUnits
from vidsparse.data.loader import batches, make_loader, split_units, to_input
from vidsparse.engine import Engine
from vidsparse.evaluation import predictions
from vidsparse.interrupt import Stop
from vidsparse.progress import Bar, Waiting

UNIT = 16  # clips and views of a unit: fixed, so that parts made with another batch size fit
IMAGES = 256  # the same where a clip is one frame


def unit_size(frames: int) -> int:
    """Clips and views of a unit, for clips of so many frames."""
    return UNIT if frames > 1 else IMAGES


def evaluate(config: Config, clips: Clips, cells: Sequence[Cell], engine: Engine, model: nn.Module, run: Path) -> None:
    """Write run/predictions.parquet: every test clip under every cell.

    A unit is a fixed run of clips with all its cells; its part is a file in run/predictions/. Batches never cross
    units and units go whole to a process, so the table is the same for any number of processes and workers, and
    after a kill only the missing units are done. A table that is there already is left as it is.
    """
    if (run / "predictions.parquet").exists():
        return
    model.eval()
    if config.engine.cache_gb:
        clips = replace(clips, kept=FrameCache(config.folder.parent / ".frames", int(config.engine.cache_gb * 2**30)))
    per_unit = max(1, unit_size(config.data.frames) // (config.evaluation.views * config.evaluation.crops))
    units = list(enumerate(split_units(len(clips.test), per_unit)))
    parts = [run / "predictions" / f"unit-{number:05d}.parquet" for number, _ in units]
    share = units[engine.rank :: engine.world]
    mine = [unit for unit in share if not parts[unit[0]].exists()]
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
        tables = [pq.read_table(part, schema=predictions.SCHEMA) for part in parts]
        predictions.save(run / "predictions.parquet", tables)
        files.remove(run / "predictions")


@torch.inference_mode()
def _predict(
    config: Config, clips: Clips, cells: Sequence[Cell], engine: Engine, model: nn.Module, batch: Batch, unit: range
) -> pa.Table:
    """The rows of one batch: a cell of a unit."""
    parts = []
    for clips_part in batch.clips.split(config.evaluation.batch_size):
        with engine.autocast():
            parts.append(model(to_input(clips_part.to(engine.device), config.data.normalize)).float().cpu())
    logits = torch.cat(parts)
    samples = [clips.test[position] for position in unit]
    return predictions.rows(samples, cells[batch.cell], logits.unflatten(0, (len(unit), -1)), batch.ok.tolist())
