"""Pictures of test clips, kept beside the predictions: a report shows them and needs neither the data nor a model."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from vidsparse.config import EvaluationConfig
from vidsparse.data.clips import Clips
from vidsparse.data.corrupted.batches import CorruptedUnits
from vidsparse.data.corrupted.cells import Cell, middle_cells
from vidsparse.utils import files

CLIPS = 16  # of a gallery, spread over the test split
FRAMES, SIDE = 4, 96  # frames of a strip; px of a frame's side, larger ones are shrunk


def save_strip(clips: Clips, evaluation: EvaluationConfig, cells: Sequence[Cell], path: Path) -> None:
    """Write path (.npz): one test clip, clean and under the middle severity of each corruption, for looking at."""
    source = CorruptedUnits(clips, evaluation, middle_cells(cells), ())
    strip = next((s for s in map(source.strip, range(len(clips.test))) if s), {})
    with files.replacing(path, sealed=True) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **strip)


def save_gallery(clips: Clips, evaluation: EvaluationConfig, cells: Sequence[Cell], path: Path) -> None:
    """Write path (.parquet): a strip of a few test clips, clean and under the middle severity of each corruption.

    One row a (clip, cell): id, corruption, profile, severity, strip (JPEG bytes, see `picture`). The clips are those of
    every run on this split, so that a comparison finds pictures of the clips on which two runs part. Clips that cannot
    be read are left out. A gallery that is there is left as it is.
    """
    if files.is_kept(path):
        return
    shown = middle_cells(cells)
    named = {f"{cell.corruption}/{cell.severity}" if cell.severity else cell.corruption: cell for cell in shown}
    source = CorruptedUnits(clips, evaluation, shown, ())
    rows = []
    for place in np.unique(np.linspace(0, len(clips.test) - 1, CLIPS).round().astype(int)):
        for name, frames in source.strip(int(place)).items():
            cell = named[name]
            rows.append((clips.test[place].id, cell.corruption, cell.profile, cell.severity, picture(frames)))
    columns = ["id", "corruption", "profile", "severity", "strip"]
    table = pd.DataFrame(rows, columns=columns)
    files.save(path, lambda temporary: table.to_parquet(temporary, index=False), sealed=True)


def picture(clip: NDArray[np.uint8]) -> bytes:
    """Up to four frames of uint8 (T, S, S, 3), evenly spaced in time, side by side as a JPEG (4:4:4, quality 88)."""
    chosen = clip[np.unique(np.linspace(0, len(clip) - 1, FRAMES).round().astype(int))]
    strip, side = Image.fromarray(np.concatenate(list(chosen), axis=1)), min(SIDE, clip.shape[1])
    buffer = BytesIO()
    strip.resize((side * len(chosen), side), Image.Resampling.BOX).save(buffer, "JPEG", quality=88, subsampling=0)
    return buffer.getvalue()
