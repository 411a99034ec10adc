"""Every example in a docstring of the packages does what it says."""

import doctest
import importlib
import pkgutil

import pytest

import corruptions
import vidsparse

MODULES = sorted(
    module.name
    for package in (vidsparse, corruptions)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
