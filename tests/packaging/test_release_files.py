"""What a release is made of says one version, and workflows call what the Makefile has."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import corruptions
import vidsparse

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_wheels_citation_and_changes_are_of_one_version():
    version = corruptions.__version__
    assert vidsparse.__version__ == version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
    for project in (ROOT / "pyproject.toml", ROOT / "corruptions" / "pyproject.toml"):
        assert re.search(r'^dynamic = \["version"\]$', project.read_text(), re.M)


def workflow(name: str) -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())


def test_workflows_run_targets_that_there_are_and_ask_for_no_more_rights_than_they_need():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    called = set()
    for path in WORKFLOWS:
        assert workflow(path.name)["permissions"] == {"contents": "read"}
        for job in workflow(path.name)["jobs"].values():
            if "uses" in job:  # another workflow, with the rights of this one
                assert (ROOT / job["uses"]) in WORKFLOWS
                assert "permissions" not in job
                continue
            assert job["timeout-minutes"] <= 120
            commands = [step["run"] for step in job["steps"] if "run" in step]
            called |= {target for command in commands for target in re.findall(r"^make ([a-z-]+)", command, re.M)}
            assert not any("${{" in command for command in commands), "what an event says is never part of a command"
    assert {"lint", "test", "test-slow", "docs", "dist"} == called <= targets


def test_nobody_publishes_by_a_token_and_only_a_tag_does_after_every_check():
    release, checks = workflow("release.yml"), workflow("checks.yml")
    assert release[True] == {"push": {"tags": ["v*"]}}  # YAML reads the key `on` as true
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert set(release["jobs"]["publish"]["needs"]) == {"checks", "version"}
    assert release["jobs"]["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert "workflow_call" in checks[True]
    assert {"lint", "test", "slow", "docs", "wheels", "installed"} <= set(checks["jobs"])
    assert not any("secrets." in path.read_text() for path in WORKFLOWS)


FILES = ("corruptions/__init__.py", "CITATION.cff", "CHANGELOG.md")


@pytest.mark.parametrize("behind", ["", *FILES])
def test_a_tag_is_the_version_of_packages_citation_and_changes(tmp_path, behind):
    """The step of the workflow itself, in a copy of the files that it reads, of which one may be of another version."""
    (step,) = [step for step in workflow("release.yml")["jobs"]["version"]["steps"] if "run" in step]
    for name in FILES:
        text = (ROOT / name).read_text()
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace(corruptions.__version__, "0.0.7") if name == behind else text)
    said = {**os.environ, "TAG": f"v{corruptions.__version__}"}
    done = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=said, check=False)
    assert (done.returncode == 0) == (not behind)


def test_the_tools_of_a_release_are_installed_without_the_package_and_so_without_torch():
    rule = re.search(r"^\.venv/\.with-release:(.*)\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert rule
    assert ".installed" not in rule[1]
    assert "--editable" not in rule[2]
    tools = re.search(r"^RELEASE_TOOLS := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    done = subprocess.run([sys.executable, "-c", tools[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert done.stdout.split() == project["optional-dependencies"]["release"]


def test_the_built_wheel_is_installed_and_used_away_from_the_repository():
    job = workflow("checks.yml")["jobs"]["installed"]
    assert job["needs"] == "wheels"
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "pip install" in commands
    assert "dist/vidsparse-*.whl" in commands
    assert "cd /tmp/away" in commands
