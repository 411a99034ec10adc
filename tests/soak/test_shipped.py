"""Every shipped config makes a step and evaluates a batch."""

import pytest

from test_shipped import SHIPPED, tiny
from vidsparse import load_config
from vidsparse.experiment import dry_run


@pytest.mark.parametrize("name", SHIPPED)
def test_it_dry_runs(name, tiny_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dry_run(load_config(name, tiny(name, tiny_root)))
