"""What a benchmark has besides its clips: manifest, card, lists and checksums, all made from its sidecars alone."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from vidsparse.benchmark.card import card
from vidsparse.benchmark.formats import array_bytes
from vidsparse.benchmark.packed import publish
from vidsparse.benchmark.plan import Unit, shard_of
from vidsparse.benchmark.unit import write_changed
from vidsparse.data.corrupted.layout import (
    CARD,
    MANIFEST,
    PACKED,
    RECIPE,
    SAMPLES,
    SUFFIXES,
    SUMS,
    Entry,
    Stored,
    entries_bytes,
    table_bytes,
)
from vidsparse.data.corrupted.sidecars import Sidecar, read_sidecar
from vidsparse.utils import files
from vidsparse.utils.errors import BenchmarkError

Sidecars = Mapping[Unit, Sidecar]

_MANIFEST = pa.schema(
    {
        "corruption": pa.string(),
        "profile": pa.string(),
        "severity": pa.int8(),
        "id": pa.string(),
        "position": pa.int64(),
        "label": pa.int32(),
        "class": pa.string(),
        "path": pa.string(),
        "frames": pa.int32(),
        "numbers": pa.list_(pa.int64()),
        "height": pa.int32(),
        "width": pa.int32(),
        "rate": pa.string(),
        "key": pa.string(),
        "bytes": pa.int64(),
        "sha256": pa.string(),
        "pixels": pa.string(),
        "psnr": pa.float64(),
        "kept": pa.float64(),
    }
)


class OnDisk(Mapping[Unit, Sidecar]):
    """The sidecars of these units, each read when it is asked for: all of them at once may be gigabytes."""

    def __init__(self, stored: Stored, units: Sequence[Unit]) -> None:
        self._root, self._units = stored.root, dict.fromkeys(units)

    def __getitem__(self, unit: Unit) -> Sidecar:
        if unit not in self._units:
            raise KeyError(unit)
        sidecar = read_sidecar(self._root / unit.sidecar)
        if sidecar is None:
            raise BenchmarkError(f"{self._root / unit.sidecar} is damaged: run stage=repair")
        return sidecar

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)


def finish(stored: Stored, sidecars: Sidecars) -> None:
    """Write what is not there yet, once all units are done."""
    for path in arrays(stored):
        publish(stored.root / path)
    with files.Together() as output:
        for path, content in derived(stored, sidecars).items():
            write_changed(output, stored.root / path, content)


def arrays(stored: Stored) -> list[str]:
    """The arrays of a benchmark that holds one a corruption."""
    if stored.recipe.format != PACKED:
        return []
    return list(dict.fromkeys(stored.path(cell, stored.entries[0]) for cell in stored.recipe.cells))


def derived(stored: Stored, sidecars: Sidecars, known: Mapping[str, str] = MappingProxyType({})) -> dict[str, bytes]:
    """{path: content} of everything but clips, arrays and sidecars.

    Arrays are read for their checksums, but those in `known` ({path: SHA-256}).
    """
    recipe, entries = stored.recipe, stored.entries
    made = ordered(stored) | lists(stored) | {MANIFEST: manifest(stored, sidecars), CARD: card(stored, sidecars)}
    if recipe.format == PACKED:
        labels = np.array([entry.label for entry in entries], np.uint8 if len(recipe.classes) < 256 else np.int64)
        made["labels.npy"] = array_bytes(np.tile(labels, len(recipe.severities)))
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in made.items()}
    for unit, sidecar in sidecars.items():
        sums[unit.sidecar] = files.digest(stored.root / unit.sidecar)
        sums |= {path: digest for path, (_, digest) in sidecar["files"].items()}
    sums |= {path: known.get(path) or files.digest(stored.root / path) for path in arrays(stored)}
    made[SUMS] = "".join(f"{sums[path]}  {path}\n" for path in sorted(sums)).encode()
    return made


def ordered(stored: Stored) -> dict[str, bytes]:
    """The two files that say what was ordered."""
    return {RECIPE: stored.recipe.to_json().encode(), SAMPLES: entries_bytes(stored.entries)}


def lists(stored: Stored) -> dict[str, bytes]:
    """The split for other tools: classes, "path label" counted from 0, and UCF101's own two lists.

    Paths are below each <corruption>/<severity>. An array needs no list but its labels.
    """
    recipe, entries = stored.recipe, stored.entries
    made = {"classes.txt": recipe.classes}
    if recipe.format != PACKED:
        listed = [(_listed(stored, entry), entry.label) for entry in entries]
        made["test.txt"] = tuple(f"{path} {label}" for path, label in listed)
        if recipe.dataset == "ucf101":
            numbered = enumerate(recipe.classes, start=1)
            made["ucfTrainTestlist/classInd.txt"] = tuple(f"{number} {name}" for number, name in numbered)
            made[f"ucfTrainTestlist/testlist{recipe.split:02d}.txt"] = tuple(path for path, _ in listed)
    return {path: "".join(f"{line}\n" for line in lines).encode() for path, lines in made.items()}


def manifest(stored: Stored, sidecars: Sidecars) -> bytes:
    """manifest.parquet: a row a clip and cell, sorted by corruption, profile, severity and position in the split."""
    units = sorted(sidecars, key=lambda unit: (*astuple(unit.cell), unit.shard))
    tables = [_rows(stored, unit, sidecars[unit]) for unit in units]
    return table_bytes(pa.concat_tables(tables).combine_chunks())


def _rows(stored: Stored, unit: Unit, sidecar: Sidecar) -> pa.Table:
    """The rows of one unit."""
    entries, classes = shard_of(stored, unit.shard), stored.recipe.classes
    rows = []
    for entry, clip in zip(entries, sidecar["clips"], strict=True):
        more = {
            "path": stored.path(unit.cell, entry),
            "class": classes[entry.label] if entry.label >= 0 else "",
            "key": sidecar["key"].removesuffix("ID") + entry.id,
            "frames": len(entry.kept),
            "numbers": entry.kept.tolist(),
            "rate": str(entry.rate),
        }
        rows.append(vars(unit.cell) | vars(entry) | clip | more)
    return pa.Table.from_pylist([{key: row.get(key) for key in _MANIFEST.names} for row in rows], schema=_MANIFEST)


def _listed(stored: Stored, entry: Entry) -> str:
    cell = stored.recipe.cells[0]
    path = stored.path(cell, entry)
    assert path.endswith((SUFFIXES[stored.recipe.format], entry.stem))
    return path.split("/", 2)[2]
