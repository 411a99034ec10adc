import sys
from pathlib import Path
from textwrap import dedent

import pytest

from corruptions import outside


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Writes a file of somebody's own below the working folder; all that it registers goes with the test."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    before, path = set(outside.LOADED), list(sys.path)
    yield write
    for name in set(outside.LOADED) - before:
        outside._drop(name, Path(outside.LOADED[name].file))
    assert sys.path == path
