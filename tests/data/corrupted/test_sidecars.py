"""Files of a benchmark against their digests, in one process that sees them made again."""

import hashlib
import os
from types import SimpleNamespace

import numpy as np
import pytest

from vidsparse.data.corrupted import sidecars
from vidsparse.data.corrupted.cells import CLEAN_CELL
from vidsparse.data.corrupted.layout import PACKED, SUMS
from vidsparse.data.corrupted.sidecars import Digests
from vidsparse.utils.errors import DataError


def test_an_array_that_was_made_again_is_held_against_the_list_of_now(tmp_path):
    def write(content: bytes, listed: bytes, second: int) -> None:
        (tmp_path / "fog.npy").write_bytes(content)
        (tmp_path / SUMS).write_text(f"{hashlib.sha256(listed).hexdigest()}  fog.npy\n")
        for name in ("fog.npy", SUMS):
            os.utime(tmp_path / name, (second, second))

    stored = SimpleNamespace(
        root=tmp_path,
        recipe=SimpleNamespace(format=PACKED, unit=1),
        entries=[SimpleNamespace(id="a")],
        by_id={"a": None},
        path=lambda cell, entry: "fog.npy",
    )
    digests = Digests(stored)
    write(b"first", b"first", 1)
    digests.check(CLEAN_CELL, "a", np.arange(1))
    write(b"second", b"second", 2)
    digests.check(CLEAN_CELL, "a", np.arange(1))
    write(b"sec0nd", b"second", 3)
    with pytest.raises(DataError, match=r"fog\.npy is damaged.*repair"):
        digests.check(CLEAN_CELL, "a", np.arange(1))
    write(b"third", b"third", 4)
    (tmp_path / SUMS).write_text(f"{hashlib.sha256(b'third').hexdigest()}  other.npy\n")
    os.utime(tmp_path / SUMS, (5, 5))
    with pytest.raises(DataError, match=r"fog\.npy has no digest in SHA256SUMS.*repair"):
        digests.check(CLEAN_CELL, "a", np.arange(1))


def test_a_file_is_hashed_once_until_it_changes_even_where_its_time_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDSPARSE_CACHE", str(tmp_path / "cache"))
    root, hashed = tmp_path / "set", []
    (root / "units").mkdir(parents=True)
    path, content = root / "a.mkv", bytes(range(256))
    path.write_bytes(content)
    stored = SimpleNamespace(
        root=root,
        recipe=SimpleNamespace(format="ffv1", unit=1),
        entries=[SimpleNamespace(id="a")],
        by_id={"a": None},
        path=lambda cell, entry: "a.mkv",
    )
    monkeypatch.setattr(sidecars, "_digests_of", lambda path: {"a.mkv": hashlib.sha256(content).hexdigest()})
    digest = sidecars._digest
    monkeypatch.setattr(sidecars, "_digest", lambda *file: hashed.append(1) or digest(*file))
    for _ in range(2):
        Digests(stored).check(CLEAN_CELL, "a", np.arange(1))  # the second as in another process
    assert len(hashed) == 1
    before = path.stat()
    path.write_bytes(content[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DataError, match=r"a\.mkv is damaged"):
        Digests(stored).check(CLEAN_CELL, "a", np.arange(1))
    path.write_bytes(content)
    marks = next(path for path in (tmp_path / "cache" / "checked").rglob("*.json"))
    marks.write_bytes(b"\xff half a li")  # a torn list costs a hash, and nothing else
    Digests(stored).check(CLEAN_CELL, "a", np.arange(1))
    assert len(hashed) == 3
