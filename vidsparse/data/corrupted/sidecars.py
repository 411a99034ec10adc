"""The sidecar of a unit of a benchmark, and what its digests say of a file that is read."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidsparse.data.corrupted.cells import CLEAN_CELL, Cell
from vidsparse.data.corrupted.checked import Checked
from vidsparse.data.corrupted.layout import PACKED, SUMS, UNITS, Stored, cell_path, frame_name, mask_paths
from vidsparse.utils import failures, files, json_text
from vidsparse.utils.errors import DataError
from vidsparse.utils.own_commands import typed

Sidecar = dict[str, Any]
_SMALL = 1 << 20  # bytes


class Digests:
    """The files of a benchmark, each held against its SHA-256 before its frames are first believed on this machine.

    A decoder shows something for most damage: decord reads an FFV1 with a flipped byte without a word. Nothing is
    checked of a benchmark of which no sidecar (of arrays: no SHA256SUMS) is there; `are_there` tells. Where there are
    some, a file without a digest is refused like one with another. A file that was checked is hashed again once it has
    changed (see Checked); stage=verify always hashes all.
    """

    def __init__(self, stored: Stored) -> None:
        self._stored, self._checked = stored, Checked(stored.root)
        self._shards = {entry.id: place // stored.recipe.unit for place, entry in enumerate(stored.entries)}

    @property
    def are_there(self) -> bool:
        """Whether there is something to hold files against."""
        return (self._stored.root / (SUMS if self._stored.recipe.format == PACKED else UNITS)).exists()

    @property
    def missing(self) -> list[str]:
        """The sidecars, below the root, that a whole benchmark has and this one has not."""
        if self._stored.recipe.format == PACKED:
            return []
        shards = sorted(set(self._shards.values()))
        names = [_sidecar(cell, shard) for cell in self._stored.cells for shard in shards]
        return [name for name in names if not (self._stored.root / name).exists()]

    def check(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> None:
        """Raise DataError where a file that holds these frames of a clip is not what was written."""
        path = self._stored.path(cell, self._stored.by_id[name])
        if self._stored.recipe.format == PACKED:
            self._compare([path], _sums_of(self._stored.root / SUMS), SUMS)
            return
        self._compare_in_unit(self._frames(path, name, outputs), cell, name)

    def check_masks(self, cell: Cell, name: str, outputs: NDArray[np.int64]) -> None:
        """Raise DataError where the masks of these frames of a clip are not what was written."""
        entry = self._stored.by_id[name]
        paths = mask_paths(cell, entry)
        rows = np.unique(np.searchsorted(entry.kept, outputs))
        self._compare_in_unit((paths[row] for row in rows), cell if cell.moves_masks else CLEAN_CELL, name)

    def _frames(self, path: str, name: str, outputs: NDArray[np.int64]) -> Iterator[str]:
        if not (self._stored.root / path).is_dir():
            yield path
            return
        for row in np.unique(np.searchsorted(self._stored.by_id[name].kept, outputs)):
            yield f"{path}/{frame_name(row)}"

    def _compare_in_unit(self, paths: Iterable[str], cell: Cell, name: str) -> None:
        sidecar = _sidecar(cell, self._shards[name])
        self._compare(paths, _digests_of(self._stored.root / sidecar), sidecar)

    def _compare(self, paths: Iterable[str], said: Mapping[str, str], where: str) -> None:
        if said or self.are_there:
            self._checked.add(where, [mark for path in paths if (mark := self._held(path, said.get(path), where))])

    def _held(self, name: str, said: str | None, where: str) -> str:
        """The mark of a file that is what was written; "" where it cannot be read: whoever reads it says why."""
        path = self._stored.root / name
        try:
            stat = path.stat()
            mark = Checked.mark(name, said or "", stat)
            same = mark in self._checked.marks(where) or _digest(path, stat.st_size) == said
        except OSError:
            return ""
        if said is None:
            raise DataError(
                f"{path} has no digest in {where}, so nobody can tell whether it is whole: run "
                f"{typed('generate')} with stage=verify, then stage=repair"
            )
        if not same:
            raise DataError(
                f"{path} is damaged, its SHA-256 is not that in {where}: run {typed('generate')} with "
                "stage=verify, then stage=repair"
            )
        return mark


def _digest(path: Path, size: int) -> str:
    """SHA-256 of a file of so many bytes; a small one is read in one piece, which is faster."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if size < _SMALL else files.digest(path)


def _sidecar(cell: Cell, shard: int) -> str:
    """Where the sidecar of a unit stands below the root."""
    return f"{UNITS}/{cell_path(cell)}/{shard:05d}.json"


def _digests_of(path: Path) -> Mapping[str, str]:
    """{file: SHA-256} of a unit; none where its sidecar is not there, DataError where that is damaged."""
    return _files(path, path.stat().st_mtime_ns) if path.exists() else {}


@lru_cache(maxsize=256)
def _files(path: Path, changed: int) -> Mapping[str, str]:
    sidecar = read_sidecar(path)
    if sidecar is None:
        raise DataError(f"{path} is damaged: run {typed('generate')} with stage=verify, then stage=repair")
    return {name: digest for name, (_, digest) in sidecar["files"].items()}


def _sums_of(path: Path) -> Mapping[str, str]:
    """{file: SHA-256} of a list as sha256sum writes it; none where it is not there."""
    return _sums(path, path.stat().st_mtime_ns) if path.exists() else {}


@lru_cache(maxsize=4)
def _sums(path: Path, changed: int) -> Mapping[str, str]:
    lines = path.read_text("utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def sidecar_bytes(sidecar: Sidecar) -> bytes:
    """A sidecar as it stands on disk, with a checksum of itself."""
    checksum = hashlib.sha256(_text(sidecar).encode()).hexdigest()
    return (_text({**sidecar, "checksum": checksum}) + "\n").encode()


def _text(sidecar: Sidecar) -> str:
    """JSON with a line a field, and a line a clip."""
    fields = []
    for key in sorted(sidecar):
        value = json.dumps(sidecar[key], sort_keys=True)
        if key == "clips":
            value = "[\n  " + ",\n  ".join(json.dumps(clip, sort_keys=True) for clip in sidecar[key]) + "\n ]"
        fields.append(f" {json.dumps(key)}: {value}")
    return "{\n" + ",\n".join(fields) + "\n}"


def read_sidecar(path: Path) -> Sidecar | None:
    """What a sidecar says; None where it is absent or not as it was written."""
    try:
        content = path.read_bytes()
        sidecar: Sidecar = json_text.parsed(content)
        del sidecar["checksum"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        failures.check(error, path)
        return None
    return sidecar if sidecar_bytes(sidecar) == content else None
