"""The docstring of a corruption's function says what its page needs."""

from types import SimpleNamespace

import pytest

from corruptions.registry import REGISTRY, Corruption
from tools.docs.formulas import Formula, formula


@pytest.mark.parametrize("name", REGISTRY)
def test_every_corruption_says_what_it_is_and_names_every_parameter_of_its_tables(name):
    said = formula(REGISTRY[name])
    assert said.what.endswith(".")
    assert not said.equation.endswith(".")
    assert len(set(said.parameters)) == len(said.parameters)
    assert not any("|" in text or "\n" in text for text in (said.what, said.equation, *said.parameters))
    for table in REGISTRY[name].levels.values():
        assert {len(level) for level in table} == {len(said.parameters)}


def test_lines_are_joined_and_parameters_told_apart():
    assert formula(REGISTRY["defocus_blur"]) == Formula(
        "A lens out of focus.",
        "x' = x * (disk(r) * G(a)), where the disk has sum 1",
        ("r, radius in pixels", "a, sigma in pixels that softens the rim"),
    )
    assert formula(REGISTRY["snow"]).parameters[-1] == "b, share of the frame that stays"


def test_a_docstring_without_them_is_named(monkeypatch):
    monkeypatch.setattr("corruptions.photometric.mine", SimpleNamespace(__doc__="Nothing."), raising=False)
    with pytest.raises(ValueError, match=r"corruptions\.photometric\.mine.*Formula"):
        formula(Corruption("mine", "photometric", "frame", False, "imagenet_c", "nobody"))
