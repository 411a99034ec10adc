"""What a release is made of says one version, and workflows call what the Makefile has."""

import re
from pathlib import Path

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


def test_workflows_run_targets_that_there_are_and_ask_for_no_more_rights_than_they_need():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    called = set()
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"] <= 120
            commands = [step["run"] for step in job["steps"] if "run" in step]
            called |= {target for command in commands for target in re.findall(r"^make ([a-z-]+)", command, re.M)}
            assert not any("${{" in command for command in commands), "what an event says is never part of a command"
    assert {"lint", "test", "test-slow", "docs", "dist"} == called <= targets


def test_nobody_publishes_by_a_token_and_only_a_tag_does():
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    assert release[True] == {"push": {"tags": ["v*"]}}  # YAML reads the key `on` as true
    assert release["jobs"]["publish"]["permissions"] == {"id-token": "write"}
    assert release["jobs"]["publish"]["needs"] == "build"
    assert not any("secrets." in path.read_text() for path in WORKFLOWS)
