"""Rows of a predictions table of segmentation, from maps of predicted classes and the masks beside them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from torch import Tensor

from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.evaluation.confusion import confusion, temporal_consistency
from vidsparse.evaluation.label_maps import UNDECIDABLE
from vidsparse.evaluation.predictions import MEAN, WHAT
from vidsparse.tasks import VOID

SCHEMA = pa.schema({**WHAT, "confusion": pa.list_(pa.int64()), "consistency": pa.float32(), UNDECIDABLE: pa.int64()})
Maps = NDArray[np.uint8]


def rows(
    samples: Sequence[Sample], cell: Cell, maps: Tensor, masks: Tensor, ok: Sequence[bool], classes: int
) -> pa.Table:
    """The rows of one cell of one unit.

    Args:
        samples: the unit's B clips.
        cell: the condition they were seen under.
        maps: uint8 (B, V, T, H, W), the predicted class of each pixel; 255 where its logits are no numbers or the
            same for every class: counted wrong, as the class after the true one, and in the column `undecidable`.
        masks: uint8 (B, V, T, H, W), the true one, moved as the corruption moves the picture; 255 for no label.
        ok: per clip, whether it could be decoded; otherwise its numbers are null.
        classes: how many there are, K.

    With V > 1 views a further row, view -1, holds the sum of their counts and the mean of their consistency.
    """
    said: list[dict[str, object]] = []
    for sample, answers, truth, fine in zip(samples, maps.numpy(), masks.numpy(), ok, strict=True):
        blank = (answers == VOID) & (truth != VOID)
        seen = np.where(answers == VOID, (truth.astype(np.int64) + 1) % classes, answers).astype(np.uint8)
        lost = blank.reshape(len(blank), -1).sum(1).tolist()
        counts = [confusion(t, p, classes).ravel() for t, p in zip(truth, seen, strict=True)]
        steady = [temporal_consistency(p, t) for t, p in zip(truth, seen, strict=True)]
        views = list(range(len(seen)))
        if len(views) > 1:
            views, counts, steady = [*views, MEAN], [*counts, np.sum(counts, axis=0)], [*steady, float(np.mean(steady))]
            lost = [*lost, sum(lost)]
        for view, count, consistency, none in zip(views, counts, steady, lost, strict=True):
            said.append(
                {
                    "id": sample.id,
                    "group": sample.group,
                    "view": view,
                    "corruption": cell.corruption,
                    "profile": cell.profile,
                    "severity": cell.severity,
                    "confusion": count if fine else None,
                    "consistency": consistency if fine and not none else None,
                    UNDECIDABLE: none if fine else None,
                }
            )
    return pa.Table.from_pylist(said, schema=SCHEMA)
