"""Evaluate one model, clean and under every corruption, in units that are done or not done."""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from vidsparse.config.identity import digest
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.indexing.cache import FrameCache
from vidsparse.data.loader import batches, make_loader, split_units
from vidsparse.evaluation import predictions
from vidsparse.evaluation.open_units import OpenUnits
from vidsparse.evaluation.predictions import Owner
from vidsparse.evaluation.predictor import Predictor, clips_a_unit
from vidsparse.tasks import TASKS
from vidsparse.training.session import Session
from vidsparse.utils import files
from vidsparse.utils.interrupt import Stop
from vidsparse.utils.progress import Bar, Waiting


def evaluate(session: Session, cells: Sequence[Cell], model: nn.Module) -> None:
    """Write predictions.parquet into the run folder: every test clip under every cell.

    A unit is a fixed run of clips with all its cells; its part is a file in predictions/. Batches never cross
    units and units go whole to a process, so the table is the same for any number of processes and workers, and
    after a kill only the missing units are done, those that were begun from where they were kept last, and those whose
    part is damaged or of another run. A table that is there already, and as it was written, is left as it is; a damaged
    one, or one of other clips, is made again.
    """
    config, clips, engine, run = session.config, session.clips, session.engine, session.folder.path
    whole, schema = run / "predictions.parquet", TASKS[config.task].outcomes.schema
    if engine.any(engine.rank == 0 and predictions.is_whole(whole, None, Owner(clips.test, cells, ""))):
        return
    run_mark = _mark(session)  # after the first process has saved the weights
    model.eval()
    if config.engine.cache_gb:
        clips = replace(clips, kept=FrameCache(config.folder.parent / ".frames", int(config.engine.cache_gb * 2**30)))
    units = list(enumerate(split_units(len(clips.test), clips_a_unit(config))))
    parts = [run / "predictions" / f"unit-{number:05d}.parquet" for number, _ in units]
    share = units[engine.rank :: engine.world]
    owners = {number: Owner([clips.test[place] for place in unit], cells, run_mark) for number, unit in share}
    mine = [unit for unit in share if not predictions.is_whole(parts[unit[0]], schema, owners[unit[0]])]
    units_open = OpenUnits({number: parts[number] for number, _ in mine}, owners, schema)
    source = CorruptedUnits(clips, config.evaluation, cells, mine, dict(units_open.cells))
    predictor = Predictor(model, config, len(clips.dataset.classes), engine.device, engine.autocast)
    before = (len(share) - len(mine)) * len(cells) + sum(units_open.cells.values())
    loader, waiting = make_loader(source, engine.workers, batch_size=None), Waiting()
    with Stop() as stop, Bar("evaluating", len(share) * len(cells), before) as bar:
        for count, batch in enumerate(waiting.timed(batches(loader)), start=1):
            samples = [clips.test[place] for place in units[batch.unit][1]]
            units_open.add(batch.unit, predictor.rows(samples, cells[batch.cell], batch))
            bar.advance(before + count, now=cells[batch.cell].corruption, waiting_for_data=f"{waiting.share:.0%}")
            if stop.wanted:
                units_open.keep()
                raise KeyboardInterrupt
    engine.barrier()
    if engine.rank == 0:
        predictions.save(whole, [predictions.read_part(part, schema) for part in parts])
        files.remove(run / "predictions")


def _mark(session: Session) -> str:
    """A digest of what decides the rows: what the run is, and the weights that it came to."""
    seal = files.seal_of(session.folder.path / "checkpoints" / "final.safetensors")
    return digest([dict(session.folder.record.identity), seal.read_text() if seal.exists() else ""])
