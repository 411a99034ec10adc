"""`vidsparse list`, `--version` and `python -m vidsparse`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import corruptions
import vidsparse
from vidsparse.cli import main
from vidsparse.listing.what_there_is import TABLES
from vidsparse.sparsity.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_and_its_json_hold_the_same_names(kind, capsys):
    assert main(["list", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *(row["name"] for row in rows)]
    assert lines[0].split() == list(rows[0])


def test_the_names_are_those_of_the_registries(capsys):
    names = {}
    for kind in TABLES:
        main(["list", kind, "--json"])
        names[kind] = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert names["corruptions"] == list(corruptions.names())
    assert names["suites"] == list(corruptions.SUITES)
    assert names["methods"] == list(METHODS)
    assert names["models"] == list(vidsparse.list_models())
    assert names["configs"] == sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))
    assert {"ucf101", "folder"} <= set(names["data"])


def test_every_shipped_config_says_in_its_first_line_what_it_is(capsys):
    main(["list", "configs", "--json"])
    assert [row["name"] for row in json.loads(capsys.readouterr().out) if len(row["summary"]) < 10] == []


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    said = corruptions.__version__
    assert capsys.readouterr().out == f"vidsparse {said}\n"
    assert vidsparse.__version__ == said


def test_the_package_is_the_command():
    command = [sys.executable, "-m", "vidsparse", "list", "suites"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "core_10" in done.stdout
