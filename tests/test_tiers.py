"""Which cases of a test are in the fast tier."""

from types import SimpleNamespace

from helpers.tiers import CASES, leave_to_the_slow_tier


def left(*names: str) -> set[str]:
    return {item.nodeid for item in leave_to_the_slow_tier([SimpleNamespace(nodeid=name) for name in names])}


def test_a_few_cases_of_each_test_stay_and_their_order_does_not_matter():
    many = [f"tests/test_a.py::test_b[{case}]" for case in range(20)]
    alone = ["tests/test_a.py::test_c", "tests/test_d.py::test_b[one]"]
    assert len(left(*many, *alone)) == 20 - CASES
    assert left(*many, *alone) == left(*alone, *reversed(many)) <= set(many)


def test_one_case_more_moves_at_most_one_other():
    many = [f"tests/test_a.py::test_b[{case}]" for case in range(20)]
    assert len(left(*many) - left(*many, "tests/test_a.py::test_b[new]")) == 0
    assert len(left(*many, "tests/test_a.py::test_b[new]") - left(*many)) == 1
