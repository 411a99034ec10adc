"""The predictions table: one row a (clip, view, corruption, profile, severity); every number is computed from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.nn import functional as F

from vidsparse import files
from vidsparse.data.cells import Cell
from vidsparse.data.sources import Sample
from vidsparse.evaluation.groups import with_groups

WHAT = {  # was seen: what a row of every task begins with
    "id": pa.string(),
    "group": pa.dictionary(pa.int32(), pa.string()),
    "view": pa.int16(),
    "corruption": pa.dictionary(pa.int16(), pa.string()),
    "profile": pa.dictionary(pa.int16(), pa.string()),
    "severity": pa.int8(),
}
SCHEMA = pa.schema(
    {
        **WHAT,
        "label": pa.int16(),
        "prediction": pa.int16(),
        "top5": pa.list_(pa.int16()),
        "confidence": pa.float32(),
        "loss": pa.float32(),
    }
)
MEAN = -1  # the view that stands for the mean over the views
UNLABELLED = -1  # the label of a clip that nobody labelled; such a clip has no loss
UNREADABLE = -1  # the prediction of a clip that no decoder could read


def rows(samples: Sequence[Sample], cell: Cell, logits: Tensor, ok: Sequence[bool]) -> pa.Table:
    """The rows of one cell of one unit.

    Args:
        samples: the unit's B clips.
        cell: the condition they were seen under.
        logits: float (B, V, classes).
        ok: per clip, whether it could be decoded; otherwise its prediction is -1 and its numbers are null.

    With V > 1 views a further row, view -1, holds the mean of the views' softmax (Simonyan and Zisserman 2014).
    """
    probability = logits.float().softmax(-1)
    views = list(range(logits.shape[1]))
    if len(views) > 1:
        probability = torch.cat([probability, probability.mean(1, keepdim=True)], dim=1)
        views.append(MEAN)
    labels = torch.tensor([sample.label for sample in samples])
    flat = probability.flatten(0, 1)
    wanted = labels.repeat_interleave(len(views))
    loss = F.nll_loss(flat.clamp_min(1e-12).log(), wanted, reduction="none", ignore_index=UNLABELLED)
    top = flat.topk(min(5, flat.shape[1]))
    readable = [fine for fine in ok for _ in views]
    columns = {
        "id": [sample.id for sample in samples for _ in views],
        "group": [sample.group for sample in samples for _ in views],
        "view": views * len(samples),
        "corruption": [cell.corruption] * len(flat),
        "profile": [cell.profile] * len(flat),
        "severity": [cell.severity] * len(flat),
        "label": wanted.tolist(),
        "prediction": _where(readable, top.indices[:, 0].tolist(), UNREADABLE),
        "top5": _where(readable, top.indices.tolist(), []),
        "confidence": _where(readable, top.values[:, 0].tolist(), None),
        "loss": _where((torch.tensor(readable) & (wanted >= 0)).tolist(), loss.tolist(), None),
    }
    return pa.table(columns, schema=SCHEMA)


def save(path: Path, parts: Sequence[pa.Table]) -> None:
    """Write tables one after the other as a Parquet file, atomically."""
    files.save(path, lambda temporary: pq.write_table(pa.concat_tables(parts).unify_dictionaries(), temporary))


def load(path: Path) -> pd.DataFrame:
    """The predictions table of a run as a data frame; tables of before there were groups get them from their ids."""
    table: pd.DataFrame = pq.read_table(path).to_pandas()
    return with_groups(table)


def _where(keep: Sequence[bool], values: Sequence[Any], otherwise: Any) -> list[Any]:
    return [value if fine else otherwise for fine, value in zip(keep, values, strict=True)]
