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

    >>> from vidsparse.evaluation.label_maps import example_maps
    >>> maps = example_maps().assign(view=0, label=-1, consistency=float("nan"))
    >>> class_board(maps, ["road", "car"]).round(3).to_dict("index")
    {'clean': {'road': 0.5, 'car': 0.636, 'pixel accuracy': 0.733}}
    """
    rows = metrics.video_level(predictions)
    table = class_iou(rows, classes)
    table[PIXELS], table[CONSISTENCY] = pixel_accuracy_by_cell(rows), consistency_by_cell(rows)
    cells = table.reset_index()
    names = metrics.cell_names(cells)
    means = table.groupby(names.to_numpy(), sort=False).mean()
    corrupted = table[(cells["corruption"].ne(metrics.CLEAN) & cells["profile"].ne(metrics.PROBE)).to_numpy()]
    if len(corrupted):
        means.loc["mean"] = corrupted.mean()
    kept = [name for name in means if name != CONSISTENCY or not np.isnan(means[name]).all()]
    return means[kept].rename_axis("corruption")
