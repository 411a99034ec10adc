"""Accuracy of single views beside that of whole videos: what looking more often is worth."""

import pandas as pd

from vidsparse.evaluation.metrics import CLEAN, accuracy


def view_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracies 0..1: a row a view (clip and crop, numbered as they were cut), `views` their mean, and `video`.

    The columns are `clean` and `corrupted` (all cells together). `views` is the accuracy of one view by itself (clip
    accuracy), `video` that of the mean softmax over the views (video accuracy); with one view both are the same.

    >>> from vidsparse.evaluation.metrics import example_table
    >>> view_accuracy(example_table()).loc["video"].round(3).tolist()
    [1.0, 0.75]
    """
    rows = {str(view): table[table["view"] == view] for view in sorted(table["view"].unique()) if view >= 0}
    rows["views"] = table[table["view"] >= 0]
    rows["video"] = table[table["view"] == -1] if (table["view"] == -1).any() else rows["views"]
    found = {name: _accuracies(each) for name, each in rows.items()}
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("view")


def _accuracies(rows: pd.DataFrame) -> dict[str, float]:
    clean = rows["corruption"] == CLEAN
    return {"clean": accuracy(rows[clean]), "corrupted": accuracy(rows[~clean])}
