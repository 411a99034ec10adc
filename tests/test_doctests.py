"""Every example in a docstring of the packages does what it says."""

import doctest
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import corruptions
import corruptions.torch
import tools
import vidsparse
from corruptions.outside import ON_DROP

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
    for forget in ON_DROP:  # what an example registered is for itself alone
        forget(name)
        forget(name.partition(".")[0])
    assert done.attempted > 0
    assert done.failed == 0


def test_every_module_can_be_imported():
    assert len(WITH_EXAMPLES) > 40
    for name in MODULES:
        importlib.import_module(name)


METRICS = ("metrics", "other_measures", "class_scores", "summary", "corruption_error", "calibration", "effective",
           "statistics", "comparison", "label_maps", "groups")  # fmt: skip


def public_functions() -> Iterator[tuple[str, str | None]]:
    """(name, docstring) of what users call: of `corruptions`, `vidsparse.sparsity` and the metrics."""
    for package, names in ((corruptions, corruptions.__all__), (corruptions.torch, corruptions.torch.__all__),
                           (vidsparse.sparsity, vidsparse.sparsity.__all__),
                           (vidsparse.metrics, vidsparse.metrics.__all__), (vidsparse, ["sparsify"])):  # fmt: skip
        for name in names:
            if inspect.isfunction(found := getattr(package, name)):
                yield f"{package.__name__}.{name}", found.__doc__
    for module in map(importlib.import_module, (f"vidsparse.evaluation.{name}" for name in METRICS)):
        for name, found in inspect.getmembers(module, inspect.isfunction):
            if found.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{module.__name__}.{name}", found.__doc__


def test_every_public_function_has_an_example():
    found = dict(public_functions())
    assert len(found) > 80
    assert [name for name, said in found.items() if ">>>" not in (said or "")] == []
