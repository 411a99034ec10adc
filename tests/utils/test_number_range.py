"""The bound that a refusal names is the largest number that is taken."""

import pytest

from vidsparse.utils.number_range import Range

SEED = Range("the seed", at_least=0, largest=2**63 - 1)


def test_the_largest_number_that_is_named_is_taken():
    assert SEED.holds(2**63 - 1)
    assert not SEED.holds(2**63)
    assert "at most 9223372036854775807:" in SEED.sentence(2**63)


@pytest.mark.parametrize(("value", "said"), [(-(10**20), "0 or more"), (-1, "0 or more")])
def test_a_number_far_below_is_told_the_least(value, said):
    assert said in SEED.sentence(value)


def test_a_number_without_a_least_is_told_the_far_end():
    both = Range("an offset", largest=100)
    assert "at least -100:" in both.sentence(-101)
    assert "at most 100:" in both.sentence(101)
