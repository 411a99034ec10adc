"""Golden values of the published schedules."""

import pytest

from vidsparse.sparsity import METHODS
from vidsparse.sparsity.schedule import update_steps


@pytest.mark.parametrize(("step", "fraction"), [(0, 0.3), (25_000, 0.225), (37_500, 0.15), (74_900, 1.3159e-6)])
def test_rigl_fraction_is_the_published_cosine(step, fraction):
    assert METHODS["rigl"].fraction(step, 100_000) == pytest.approx(fraction, rel=1e-4)


def test_set_replaces_the_same_share_until_the_end():
    assert {METHODS["set"].fraction(step, 1000) for step in (0, 500, 999)} == {0.3}


def test_no_update_at_or_after_the_end_and_none_at_the_last_step():
    assert update_steps(400, every=100, stop=0.75) == range(100, 300, 100)
    assert 400 not in update_steps(400, every=100, stop=1.0)
    assert len(update_steps(10, every=100, stop=1.0)) == 0


def test_only_gradient_growth_asks_for_dense_gradients():
    asking = {name for name, method in METHODS.items() if method.dense_gradient}
    assert asking == {"rigl", "mest_g", "granet_g", "granet_dense", "itop_g", "snfs", "srigl"}
