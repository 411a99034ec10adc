"""Files of a benchmark against their digests, in one process that sees them made again."""

import hashlib
import os
from types import SimpleNamespace

import numpy as np
import pytest

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
