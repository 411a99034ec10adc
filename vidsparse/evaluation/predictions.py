"""The predictions table: one row a (clip, view, corruption, profile, severity); every number is computed from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor
from torch.nn import functional as F

from vidsparse.data.corrupted.cells import Cell
from vidsparse.data.datasets.sources import Sample
from vidsparse.evaluation.groups import with_groups
from vidsparse.utils import failures, files
from vidsparse.utils.errors import DamagedFile, first_line
from vidsparse.utils.progress import warn

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
_RUN = "vidsparse run"  # the key of a part's metadata
MEAN = -1  # the view that stands for the mean over the views
UNLABELLED = -1  # the label of a clip that nobody labelled; such a clip has no loss
UNREADABLE = -1  # the prediction of a clip that no decoder could read
UNDECIDABLE = -2  # the prediction where the logits are no numbers, or the same for every class


def rows(samples: Sequence[Sample], cell: Cell, logits: Tensor, ok: Sequence[bool]) -> pa.Table:
    """The rows of one cell of one unit.

    Args:
        samples: the unit's B clips.
        cell: the condition they were seen under.
        logits: float (B, V, classes).
        ok: per clip, whether it could be decoded; otherwise its prediction is -1 and its numbers are null.

    With V > 1 views a further row, view -1, holds the mean of the views' softmax (Simonyan and Zisserman 2014).

    A view whose logits decide nothing (NaN, +inf, which is an overflow, or the same for every class) has prediction -2
    and null numbers, and so is counted wrong; the mean is over the other views, and -2 where there are none. Of equal
    largest logits the lowest class counts, as argmax has it.
    """
    probability, decided = _probabilities(logits.float())
    views = list(range(logits.shape[1]))
    if len(views) > 1:
        mean = probability.mean(1, keepdim=True)
        some = probability.sum(1, keepdim=True) / decided.sum(1, keepdim=True).clamp_min(1)[..., None]
        mean = torch.where(decided.all(1, keepdim=True)[..., None], mean, some)
        probability = torch.cat([probability, mean], dim=1)
        decided = torch.cat([decided, decided.any(1, keepdim=True)], dim=1)
        views.append(MEAN)
    labels = torch.tensor([sample.label for sample in samples])
    flat = probability.flatten(0, 1)
    wanted = labels.repeat_interleave(len(views))
    loss = F.nll_loss(flat.clamp_min(1e-12).log(), wanted, reduction="none", ignore_index=UNLABELLED)
    values, indices = (each[:, :5] for each in flat.sort(dim=-1, descending=True, stable=True))
    readable, said = [fine for fine in ok for _ in views], decided.flatten().tolist()
    kept = [fine and sure for fine, sure in zip(readable, said, strict=True)]
    columns = {
        "id": [sample.id for sample in samples for _ in views],
        "group": [sample.group for sample in samples for _ in views],
        "view": views * len(samples),
        "corruption": [cell.corruption] * len(flat),
        "profile": [cell.profile] * len(flat),
        "severity": [cell.severity] * len(flat),
        "label": wanted.tolist(),
        "prediction": _where(readable, _where(said, indices[:, 0].tolist(), UNDECIDABLE), UNREADABLE),
        "top5": _where(kept, indices.tolist(), []),
        "confidence": _where(kept, values[:, 0].tolist(), None),
        "loss": _where((torch.tensor(kept) & (wanted >= 0)).tolist(), loss.tolist(), None),
    }
    return pa.table(columns, schema=SCHEMA)


def _probabilities(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax of logits (B, V, classes), zero where they decide nothing, and bool (B, V), whether they do."""
    probability = logits.softmax(-1)
    decided = probability.isfinite().all(-1)
    if logits.shape[-1] > 1:
        decided &= logits.amax(-1) > logits.amin(-1)
    return torch.where(decided[..., None], probability, 0.0), decided


def save(path: Path, parts: Sequence[pa.Table], run: str = "") -> None:
    """Write tables one after the other as a Parquet file with its digest beside it, atomically.

    `run` is kept in a part of an unfinished table: a digest of what it belongs to.
    """
    whole = joined(parts).replace_schema_metadata({_RUN: run} if run else None)
    files.save(path, lambda temporary: pq.write_table(whole, temporary), sealed=True)


def joined(parts: Sequence[pa.Table]) -> pa.Table:
    """Tables one after the other, as one."""
    return pa.concat_tables(parts).unify_dictionaries()


def read_part(path: Path, schema: pa.Schema | None = None) -> pa.Table:
    """A table, or a part of an unfinished one. Raises DamagedFile where it is not what was written or expected.

    One without a digest is of before there were any; then only what its format notices is noticed.
    """
    files.check(path)
    try:
        table = pq.read_table(path)
    except Exception as error:  # whatever Arrow says of a file that is none of its own
        failures.check(error, path)
        raise DamagedFile(f"{path} is damaged: {first_line(error)}") from error
    if schema is not None and not table.schema.equals(schema):
        raise DamagedFile(f"{path} is damaged: it has other columns than {', '.join(schema.names)}")
    return table


@dataclass(frozen=True)
class Owner:
    """Whose rows a table holds: `samples` under `cells` in this `run`, a digest of what makes its results."""

    samples: Sequence[Sample]
    cells: Sequence[Cell]
    run: str

    def check(self, table: pa.Table, path: Path) -> None:
        """Raise DamagedFile where a table is of another run, or holds other rows; parts of before name no run."""
        said = (table.schema.metadata or {}).get(_RUN.encode())
        if said not in (None, self.run.encode()) or not self._fits(table):
            raise DamagedFile(f"{path} is of another run")

    def _fits(self, table: pa.Table) -> bool:
        keys = ["id", "corruption", "profile", "severity"]
        counts = table.select(keys).to_pandas().astype({"corruption": str, "profile": str}).value_counts(sort=False)
        wanted = {(s.id, c.corruption, c.profile, c.severity) for s in self.samples for c in self.cells}
        if set(counts.index) != wanted or counts.nunique() > 1:
            return False
        labels = {sample.id: sample.label for sample in self.samples}
        return "label" not in table.column_names or all(
            labels[name] == label
            for name, label in zip(*(table[key].to_pylist() for key in ("id", "label")), strict=True)
        )


def is_whole(path: Path, schema: pa.Schema | None = None, owner: Owner | None = None) -> bool:
    """Whether a table or a part of one is there, whole and of this owner; else that is said and it is removed."""
    if not path.exists():
        return False
    try:
        table = read_part(path, schema)
        if owner:
            owner.check(table, path)
    except DamagedFile as error:
        warn(f"{str(error).partition(';')[0]}; it is made again")
        files.remove(path)
        return False
    return True


def load(path: Path) -> pd.DataFrame:
    """The predictions table of a run as a data frame; tables of before there were groups get them from their ids.

    Raises DamagedFile where it has a digest beside it and is not what was written, or is no such table.

    >>> from tempfile import TemporaryDirectory
    >>> from vidsparse.evaluation.metrics import example_table
    >>> with TemporaryDirectory() as folder:
    ...     save(Path(folder) / "predictions.parquet", [pa.Table.from_pandas(example_table())])
    ...     load(Path(folder) / "predictions.parquet")["id"].tolist()
    ['a', 'b', 'a', 'b', 'a', 'b']
    """
    table = read_part(path)
    missing = [name for name in ("id", "view", "corruption", "severity") if name not in table.column_names]
    if missing:
        raise DamagedFile(f"{path} is damaged or no table of predictions: it has no column {', '.join(missing)}")
    return with_groups(table.to_pandas())


def _where(keep: Sequence[bool], values: Sequence[Any], otherwise: Any) -> list[Any]:
    return [value if fine else otherwise for fine, value in zip(keep, values, strict=True)]
