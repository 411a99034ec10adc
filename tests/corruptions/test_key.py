"""A random corruption without a key is one pattern for a whole data set: that is said, once."""

import warnings

import numpy as np
import pytest

import corruptions
from corruptions import NoKeyWarning, apply, corrupt

IMAGE = np.full((1, 24, 24, 3), 100, np.uint8)


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "_warned", [])


@pytest.mark.parametrize("name", ["gaussian_noise", "frost", "elastic_transform", "bit_error"])
def test_no_key_is_warned_of_once_with_the_way_on(name: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for each in (name, name, "shot_noise"):
            corrupt(IMAGE, each, 3)
    assert [warning.category for warning in said] == [NoKeyWarning]
    assert f"'{name}') without a key" in str(said[0].message)
    assert "give another key for each video or image" in str(said[0].message)
    assert said[0].filename == __file__


def test_nothing_is_said_where_nothing_is_random_or_a_key_is_given() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, row in corruptions.REGISTRY.items():
            if not row.random and row.support == "frame":
                corrupt(IMAGE, name, 3)
        corrupt(IMAGE, "gaussian_noise", 3, "0/mine/1")
        corrupt(IMAGE, "gaussian_noise", 0)
        corruptions.compile_kernels(["gaussian_noise", "frost"])
