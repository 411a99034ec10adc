"""Golden values of the published schedules."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidsparse.sparsity import METHODS
from vidsparse.sparsity.schedule import Windows, update_steps


@pytest.mark.parametrize(("step", "fraction"), [(0, 0.3), (25_000, 0.225), (37_500, 0.15), (74_900, 1.3159e-6)])
def test_rigl_fraction_is_the_published_cosine(step, fraction):
    assert METHODS["rigl"].fraction(step, 100_000) == pytest.approx(fraction, rel=1e-4)


def test_set_differs_from_rigl_in_growth_alone():
    steps = range(0, 1000, 50)
    assert [METHODS["set"].fraction(s, 1000) for s in steps] == [METHODS["rigl"].fraction(s, 1000) for s in steps]
    assert METHODS["set"].update_steps(1000) == METHODS["rigl"].update_steps(1000)


def test_the_published_schedule_of_set_and_that_of_public_code_can_be_had():
    published = replace(METHODS["set"], every=595, stop=1.0, decay="constant")
    assert {published.fraction(step, 59_500) for step in published.update_steps(59_500)} == {0.3}
    assert sum(published.fraction(s, 59_500) for s in published.update_steps(59_500)) == pytest.approx(29.7)
    for epochs, total in ((2, 4.9), (4, 2.4)):  # 100 epochs, an update each `epochs`, 0.2 falling to 0.001
        public = replace(METHODS["set"], every=epochs, stop=1.0, drop_fraction=0.2, drop_fraction_end=0.001)
        assert public.fraction(0, 100) == 0.2
        assert public.fraction(100, 100) == pytest.approx(0.001)
        assert sum(public.fraction(s, 100) for s in public.update_steps(100)) == pytest.approx(total, abs=0.1)


@pytest.mark.parametrize("name", ["itop_r", "itop_g"])
def test_itop_falls_from_a_half_to_half_a_percent_over_the_whole_training(name):
    assert [METHODS[name].fraction(step, 1000) for step in (0, 1000)] == pytest.approx([0.5, 0.005])


def test_a_fraction_can_fall_to_the_end_of_the_training_while_updates_stop_before():
    svite = replace(METHODS["rigl"], stop=0.8, drop_fraction=0.5, drop_fraction_end=0.005, decay_until=1.0)
    assert max(svite.update_steps(1000)) == 700
    assert svite.fraction(799, 1000) == pytest.approx(0.005 + 0.495 * (1 + math.cos(0.799 * math.pi)) / 2)
    assert replace(svite, decay_until=0.4).fraction(500, 1000) == 0


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 6))
def test_windows_are_the_steps_up_to_each_update(every, length, updates):
    windows = Windows(range(every, every * (updates + 1), every), length)
    expected = [t for t in range(1, every * updates + 1) if any(u - length < t <= u for u in windows.updates)]
    assert list(windows) == expected
    assert [t for t in range(-3, every * updates + 3) if t in windows] == expected
    assert len(windows) == len(expected)


def test_no_update_at_or_after_the_end_and_none_at_the_last_step():
    assert update_steps(400, every=100, stop=0.75) == range(100, 300, 100)
    assert 400 not in update_steps(400, every=100, stop=1.0)
    assert len(update_steps(10, every=100, stop=1.0)) == 0


def test_only_gradient_growth_asks_for_dense_gradients():
    asking = {name for name, method in METHODS.items() if method.dense_gradient}
    assert asking == {"rigl", "mest_g", "granet_g", "granet_dense", "itop_g", "snfs", "srigl", "chase", "rigl_channels"}
