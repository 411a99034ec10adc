import pytest

from corruptions.registry import REGISTRY
from corruptions.severities import TABLES
from tools.docs.formulas import FORMULAS


def test_every_corruption_has_a_formula_and_no_other() -> None:
    assert list(FORMULAS) == list(REGISTRY)


@pytest.mark.parametrize(("profile", "name"), TABLES)
def test_every_parameter_of_every_table_has_a_name(profile: str, name: str) -> None:
    parameters = FORMULAS[name].parameters
    assert {len(level) for level in TABLES[profile, name]} == {len(parameters)}


def test_formulas_fit_a_page() -> None:
    for formula in FORMULAS.values():
        assert formula.what.endswith(".")
        assert formula.equation
        assert not formula.equation.endswith(".")
        assert len(set(formula.parameters)) == len(formula.parameters)
        assert not any("|" in text or "\n" in text for text in (formula.what, formula.equation, *formula.parameters))
