"""Dockerfile, conda environment and constraints name the same things."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PINNED = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line and line[0] != "#"
)


def test_the_image_has_the_torch_that_the_tests_have():
    named = dict(re.findall(r"(torch\w*)==([\d.]+)", (ROOT / "Dockerfile").read_text()))
    assert named == {name: PINNED[name] for name in ("torch", "torchvision")}


def test_the_image_copies_what_a_wheel_is_made_of():
    copied = set(re.findall(r"\S+", " ".join(re.findall(r"^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text(), re.M))))
    assert copied == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "constraints.txt",
        "vidsparse",
        "corruptions",
        "configs",
    }
    assert all((ROOT / name).exists() for name in copied)


def test_the_conda_environment_installs_this_checkout_with_the_constraints():
    named = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert named["dependencies"][-1] == {"pip": ["-c constraints.txt", "-e ."]}
    assert "python=3.11" in named["dependencies"]
