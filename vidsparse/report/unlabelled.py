"""Predictions with the names of their classes, for clips whose labels nobody knows."""

from pathlib import Path

import pandas as pd

from vidsparse.evaluation.metrics import video_level
from vidsparse.evaluation.predictions import load
from vidsparse.run_dir.record import read_record
from vidsparse.utils import csv_text, files
from vidsparse.utils.errors import RunFolderError


def write_named_predictions(run: Path) -> Path:
    """Write run/predictions.csv: a row a clip and corruption with the predicted class, its confidence, the first five.

    Confidence is the softmax (mean over views); a clip that could not be decoded has no class.
    """
    data = read_record(run).data
    if data is None:
        raise RunFolderError(f"{run / 'run.json'} says nothing of data, and so of no classes; put back a whole copy")
    classes = data.classes
    rows = video_level(load(run / "predictions.parquet"))
    table = pd.DataFrame(
        {
            "id": rows["id"],
            "corruption": rows["corruption"],
            "severity": rows["severity"],
            "class": [classes[number] if number >= 0 else "" for number in rows["prediction"]],
            "confidence": rows["confidence"],
            "first_five": ["; ".join(classes[number] for number in five) for five in rows["top5"]],
        }
    )
    files.write(run / "predictions.csv", csv_text.safe(table.to_csv(index=False)))
    return run / "predictions.csv"
