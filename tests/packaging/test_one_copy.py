"""vidsparse works with its own copy of corruptions, or one with the same files, and says where neither is so."""

import shutil
import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path

import pytest

import vidsparse
from vidsparse.utils import one_copy
from vidsparse.utils.one_copy import disagreement

OWN = Path(vidsparse.__file__).resolve().parents[1] / "corruptions"


@pytest.fixture
def other(tmp_path):
    """A second copy with the same files."""
    folder = tmp_path / "corruptions"
    folder.mkdir()
    for path in OWN.rglob("*.py"):
        (folder / path.relative_to(OWN)).parent.mkdir(exist_ok=True)
        shutil.copy(path, folder / path.relative_to(OWN))
    return folder


def test_the_copy_of_this_checkout_is_used():
    assert one_copy.imported() == OWN
    assert disagreement(OWN, OWN) == ""


@pytest.mark.parametrize("changed", ["noise.py", "torch/tensor_noise.py"])
def test_another_copy_is_as_good_while_its_files_are_the_same(changed, other):
    assert disagreement(other, OWN) == ""
    with (other / changed).open("a") as file:
        file.write("\n")
    said = disagreement(other, OWN)
    assert str(other) in said
    assert "--force-reinstall" in said


def test_a_copy_that_is_gone_is_said():
    assert "--force-reinstall" in disagreement(None, OWN)


def installed(root: Path, name: str, version: str, digest: str) -> Distribution:
    """A package as pip leaves it: a RECORD that lists a module and its digest."""
    folder = root / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "RECORD").write_text(f"corruptions/noise.py,sha256={digest},10\n{name}/x.py,sha256={version},1\n")
    return Distribution.at(folder)


@pytest.mark.parametrize(("theirs", "agree"), [("abc", True), ("abd", False)])
def test_two_packages_in_one_place_must_have_brought_the_same_files(theirs, agree, other, monkeypatch):
    found = {
        name: installed(other.parent, name, version, digest)
        for name, version, digest in (("vidsparse", "0.1.0", "abc"), ("vidsparse-corruptions", "0.2.0", theirs))
    }
    monkeypatch.setattr(one_copy, "_installed", found.get)
    said = disagreement(other, other)
    assert (said == "") == agree
    if not agree:
        assert "vidsparse 0.1.0 and vidsparse-corruptions 0.2.0" in said


@pytest.mark.slow
def test_a_command_answers_with_the_sentence_and_an_import_with_an_error(other, tmp_path):
    with (other / "noise.py").open("a") as file:
        file.write("\n")
    (tmp_path / "elsewhere").mkdir()
    environment = {"PYTHONPATH": f"{tmp_path}:{OWN.parent}", "PATH": "/usr/bin:/bin"}
    commands = (
        "from vidsparse.cli import main; raise SystemExit(main(['report', 'none']))",
        "import vidsparse; vidsparse.run",
    )
    settings = {"capture_output": True, "text": True, "env": environment, "cwd": tmp_path / "elsewhere"}
    done = [subprocess.run([sys.executable, "-c", command], **settings) for command in commands]
    assert done[0].returncode == 2
    assert done[0].stderr.count("\n") == 1
    for each in done:
        assert "not the copy of this vidsparse" in each.stderr


def test_public_names_are_shown_before_they_are_loaded():
    assert set(vidsparse.__all__) <= set(dir(vidsparse))
