"""Files of JSON that are nested too deep, or name a key twice: wherever one is read, it is an error like any other."""

import ast
from pathlib import Path

import pytest

from helpers.orders import ROOT
from vidsparse.analysis.analyse import _read_settings
from vidsparse.data.corrupted.layout import read_recipe
from vidsparse.data.corrupted.sidecars import read_sidecar
from vidsparse.models.weights.find import _classes_beside
from vidsparse.report.tables import load_run
from vidsparse.report.unlabelled import write_named_predictions
from vidsparse.run_dir.record import read_record
from vidsparse.utils import json_text, locks
from vidsparse.utils.errors import DataError, RunFolderError

DEEP = ['{"a":' * 100_000, "[" * 100_000 + "]" * 100_000]


@pytest.mark.parametrize("text", [*DEEP, *(text.encode() for text in DEEP), "{", b"\xff", "1" * 5000])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        json_text.parsed(text)


def test_a_key_twice_is_refused_where_it_would_lose_one() -> None:
    twice = '{"caf\u00e9": 1, "cafe\u0301": 2}'
    assert len(json_text.parsed(twice)) == 2
    with pytest.raises(ValueError, match="twice"):
        json_text.parsed(twice, once=True)
    assert json_text.parsed('{"a": {"b": 1}, "b": 2}', once=True) == {"a": {"b": 1}, "b": 2}


@pytest.mark.parametrize("text", DEEP)
def test_every_reader_takes_a_file_that_is_nested_too_deep_for_a_damaged_one(tmp_path: Path, text: str) -> None:
    for name in ("run.json", "config.json", "settings.json", "benchmark.json", "unit.json", "x.lock"):
        (tmp_path / name).write_text(text)
    for name in ("config.yaml", "predictions.parquet"):
        (tmp_path / name).touch()
    assert _read_settings(tmp_path) is None
    assert _classes_beside(tmp_path / "model.safetensors") is None
    assert read_sidecar(tmp_path / "unit.json") is None
    found = locks._read(tmp_path / "x.lock")
    assert found is not None
    assert found.pid == 0
    with pytest.raises(DataError, match=r"benchmark\.json"):
        read_recipe(tmp_path)
    for reader in (load_run, read_record, write_named_predictions):
        with pytest.raises(RunFolderError, match=r"run\.json"):
            reader(tmp_path)


def test_no_other_module_reads_json_by_itself() -> None:
    for path in (ROOT / "vidsparse").rglob("*.py"):
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        assert path.name == "json_text.py" or not {"json.loads", "json.load"} & set(calls), path
