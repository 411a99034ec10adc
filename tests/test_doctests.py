"""Every example in a docstring of the packages does what it says."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import corruptions
import tools
import vidsparse

MODULES = sorted(
    module.name
    for package in (vidsparse, corruptions, tools)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)
ROOT = Path(vidsparse.__file__).parents[1]


def text(module: str) -> str:
    """The source of a module, which need not be imported for it."""
    path = ROOT.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8")


WITH_EXAMPLES = [name for name in MODULES if ">>>" in text(name)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name):
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0
    assert done.failed == 0


def test_every_module_can_be_imported():
    assert len(WITH_EXAMPLES) > 40
    for name in MODULES:
        importlib.import_module(name)
