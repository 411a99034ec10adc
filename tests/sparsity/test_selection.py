"""Exact top-k against brute force, ties and NaN included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidsparse.sparsity.selection import top


def brute_force(scores: np.ndarray, k: int, among: np.ndarray) -> np.ndarray:
    """Sort candidates by (higher score, lower index), NaN last; take k."""
    value = np.where(np.isnan(scores), -np.inf, scores)
    order = sorted(np.flatnonzero(among), key=lambda i: (-value[i], i))
    chosen = np.zeros(scores.shape, bool)
    chosen[order[:k]] = True
    return chosen


values = st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, np.nan, np.inf, -np.inf]), min_size=1, max_size=30)


@settings(max_examples=150)
@given(values, st.data())
def test_top_equals_brute_force(values, data):
    scores = np.array(values, np.float32)
    among = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    k = data.draw(st.integers(0, int(among.sum())))
    got = top(torch.from_numpy(scores), k, among=torch.from_numpy(among)).numpy()
    assert (got == brute_force(scores, k, among)).all()


@pytest.mark.parametrize(
    "make", [torch.randn, torch.ones, lambda n: torch.arange(n).float(), lambda n: torch.randn(n).round()]
)
@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 1.0])
def test_large_tensors_with_and_without_ties_are_exact(make, share):
    values = make(200_000)
    k = int(share * 200_000)
    chosen = top(values, k)
    assert int(chosen.sum()) == k
    assert torch.equal(chosen.nonzero().flatten(), values.argsort(descending=True, stable=True)[:k].sort().values)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_all_equal_scores_keep_the_lowest_indices(dtype):
    assert top(torch.ones(2, 4, dtype=dtype), 5).flatten().tolist() == [True] * 5 + [False] * 3
