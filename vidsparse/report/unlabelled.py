"""Predictions with the names of their classes, for clips whose labels nobody knows."""

from pathlib import Path

import pandas as pd

from vidsparse.evaluation.metrics import video_level
from vidsparse.evaluation.predictions import load
from vidsparse.report.tables import reading
from vidsparse.utils import csv_text, files, json_text


def write_named_predictions(run: Path) -> Path:
    """Write run/predictions.csv: a row a clip and corruption with the predicted class, its confidence, the first five.

    Confidence is the softmax (mean over views); a clip that could not be decoded has no class.
    """
    with reading(run / "run.json"):
        classes = json_text.parsed((run / "run.json").read_text())["data"]["classes"]
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
