"""The scores of single classes, of tables of segmentation."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vidsparse.evaluation import metrics
from vidsparse.evaluation.label_maps import class_iou, consistency_by_cell, pixel_accuracy_by_cell

PIXELS, CONSISTENCY = "pixel accuracy", "consistency"


def class_board(predictions: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """IoU of each class, then pixel accuracy and temporal consistency: rows clean, each corruption and their mean.

    A corruption's row is the mean over its severities; shares 0..1, NaN where a class occurs in no cell, and for the
    consistency of images.
    """
    rows = metrics.video_level(predictions)
    table = class_iou(rows, classes)
    table[PIXELS], table[CONSISTENCY] = pixel_accuracy_by_cell(rows), consistency_by_cell(rows)
    cells = table.reset_index()
    names = metrics.cell_names(cells)
    means = table.groupby(names.to_numpy(), sort=False).mean()
    corrupted = table[cells["corruption"].ne(metrics.CLEAN).to_numpy()]
    if len(corrupted):
        means.loc["mean"] = corrupted.mean()
    kept = [name for name in means if name != CONSISTENCY or not np.isnan(means[name]).all()]
    return means[kept].rename_axis("corruption")
