"""Accuracies of single views and of whole videos, by hand."""

import math

import pandas as pd
import pytest

from vidsparse.evaluation.views import view_accuracy


def rows(corruption, severity, answers):
    """Two clips of label 0 and 1; `answers`: {view: (prediction of the first, of the second)}."""
    return [
        {"id": f"c{i}", "view": view, "corruption": corruption, "severity": severity, "label": i, "prediction": p}
        for view, both in answers.items()
        for i, p in enumerate(both)
    ]


def test_views_and_videos():
    table = pd.DataFrame(
        rows("clean", 0, {0: (0, 1), 1: (0, 0), -1: (0, 1)}) + rows("fog", 3, {0: (1, 1), 1: (1, 0), -1: (1, 0)})
    )
    found = view_accuracy(table)
    assert found["clean"].to_dict() == {"0": 1.0, "1": 0.5, "views": 0.75, "video": 1.0}
    assert found["corrupted"].to_dict() == {"0": 0.5, "1": 0.0, "views": 0.25, "video": 0.0}


def test_one_view_is_the_video_and_no_corruption_is_nan():
    found = view_accuracy(pd.DataFrame(rows("clean", 0, {0: (0, 0)})))
    assert found["clean"].to_dict() == {"0": 0.5, "views": 0.5, "video": 0.5}
    assert math.isnan(found.loc["video", "corrupted"])
    assert found.loc["views", "clean"] == pytest.approx(0.5)
