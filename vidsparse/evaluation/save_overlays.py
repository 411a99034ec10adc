"""What a network for segmentation saw, what was there and what it said: a test clip under each corruption."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import CLEAN, Cell, middle_cells
from vidsparse.data.loader import to_input
from vidsparse.training.session import Session
from vidsparse.utils import files


@torch.inference_mode()
def save_overlays(session: Session, cells: Sequence[Cell], model: nn.Module) -> None:
    """Write overlays.npz into the run folder: the first test clip that can be read, clean and under each corruption.

    Corruptions are those of the middle severity. Arrays "frames/CELL" uint8 (T, S, S, 3), "truth/CELL" and
    "prediction/CELL" uint8 (T, S, S), CELL being "clean" or "corruption/severity".
    """
    clips, engine, middle = session.clips, session.engine, middle_cells(cells)
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = {}
    for position in range(len(clips.test)):
        for batch in CorruptedUnits(clips, session.config.evaluation, middle, [(0, range(position, position + 1))]):
            if not batch.ok.all() or batch.masks is None:
                break
            cell = middle[batch.cell]
            name = f"{cell.corruption}/{cell.severity}" if cell.severity else CLEAN
            first = batch.clips[:1]
            with engine.autocast():
                said = model.eval()(to_input(first.to(engine.device), session.config.data.normalize)).argmax(1)
            arrays[f"frames/{name}"], arrays[f"truth/{name}"] = first[0].numpy(), batch.masks[0].numpy()
            arrays[f"prediction/{name}"] = said[0].to(torch.uint8).cpu().numpy()
        if arrays:
            break
    with files.replacing(session.folder.path / "overlays.npz", sealed=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
