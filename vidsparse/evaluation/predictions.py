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
from vidsparse.data.corrupted import Cell
from vidsparse.data.sources import Sample

SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "view": pa.int16(),
        "corruption": pa.dictionary(pa.int16(), pa.string()),
        "profile": pa.dictionary(pa.int16(), pa.string()),
        "severity": pa.int8(),
        "label": pa.int16(),
        "prediction": pa.int16(),
        "top5": pa.list_(pa.int16()),
        "confidence": pa.float32(),
        "loss": _where((torch.tensor(readable) & (wanted >= 0)).tolist(), loss.tolist(), None),
    }
    return pa.table(columns, schema=SCHEMA)


def save(path: Path, parts: Sequence[pa.Table]) -> None:
    """Write tables one after the other as a Parquet file, atomically."""
    files.save(path, lambda temporary: pq.write_table(pa.concat_tables(parts).unify_dictionaries(), temporary))


def load(path: Path) -> pd.DataFrame:
    """The predictions table of a run as a data frame."""
    table: pd.DataFrame = pq.read_table(path).to_pandas()
    return table


def _where(keep: Sequence[bool], values: Sequence[Any], otherwise: Any) -> list[Any]:
    return [value if fine else otherwise for fine, value in zip(keep, values, strict=True)]
