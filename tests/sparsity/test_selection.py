"""Exact top-k against brute force, ties and NaN included."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vidsparse.sparsity import selection
from vidsparse.sparsity.selection import add_top_, candidates, top, top_rows


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


@settings(max_examples=150, deadline=None)
@given(values, st.data())
def test_what_a_mask_leaves_out_is_added_by_rank(values, data):
    scores = np.array(values, np.float32)
    before = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    k = data.draw(st.integers(0, int((~before).sum())))
    mask = torch.from_numpy(before.copy())
    add_top_(mask, torch.from_numpy(scores), k)
    assert (mask.numpy() == (before | brute_force(scores, k, ~before))).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("among", ["a mask of its layout", "a mask of the other layout", None])
def test_ties_go_by_the_row_major_index_in_every_layout(dtype, layout, among):
    rng = np.random.default_rng(1)
    scores = torch.from_numpy(rng.integers(-2, 3, (6, 5, 3, 3))).to(dtype).contiguous(memory_format=layout)
    scores[0, 0] = -0.0
    mask = torch.from_numpy(rng.random(scores.shape) < 0.7)
    if among == "a mask of its layout":
        mask = mask.contiguous(memory_format=layout)
    where = np.ones(scores.numel(), bool) if among is None else mask.numpy().reshape(-1)
    for k in (0, 1, 40, 90, int(where.sum())):
        chosen = top(scores, k, None if among is None else mask)
        expected = brute_force(scores.double().numpy().reshape(-1), k, where)
        assert (chosen.numpy().reshape(-1) == expected).all()
        if among is not None:
            grown = ~mask
            add_top_(grown, scores, k)
            assert (grown.numpy().reshape(-1) == (~where | expected)).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), st.integers(1, 9), st.data())
def test_each_row_has_its_own_highest(rows, columns, data):
    cells = st.lists(
        st.sampled_from([0.0, -0.0, 1.0, 2.0, np.nan, np.inf, -np.inf]), min_size=columns, max_size=columns
    )
    scores = np.array([data.draw(cells) for _ in range(rows)], np.float32)
    k = data.draw(st.integers(1, columns))
    got = top_rows(torch.from_numpy(scores), k).numpy()
    assert (got == np.stack([brute_force(row, k, np.ones(columns, bool)) for row in scores])).all()


@pytest.mark.parametrize("kind", ["sorted", "periodic", "nan where sampled", "few candidates"])
def test_a_sample_that_misleads_changes_nothing(kind):
    n, k = 300_000, 4_000
    scores, among = np.random.default_rng(2).normal(size=n).astype(np.float32), np.ones(n, bool)
    if kind == "sorted":
        scores.sort()
    elif kind == "few candidates":
        among[k + 100 :] = False
    else:  # what the sample sees is far too high, or is no number
        scores[:: n // 16_384 | 1] = np.nan if kind.startswith("nan") else 9.0
    got = top(torch.from_numpy(scores), k, torch.from_numpy(among)).numpy()
    order = np.lexsort((np.arange(n), -np.where(np.isnan(scores), -np.inf, scores), ~among))
    assert set(np.flatnonzero(got)) == set(order[:k])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("k", [1, 17, 60])
def test_sorting_as_on_a_gpu_chooses_the_same(layout, k, monkeypatch):
    rng = np.random.default_rng(k)
    scores = torch.from_numpy(rng.integers(-2, 3, (6, 5, 3, 3))).float().contiguous(memory_format=layout)
    scores[1, 2, 0], scores[2, 2, 1] = torch.nan, -torch.inf
    mask = torch.from_numpy(rng.random(scores.shape) < 0.6).contiguous(memory_format=layout)
    here, grown_here, found_here = top(scores, k, mask), ~mask, candidates(scores, mask)
    add_top_(grown_here, scores, k)
    monkeypatch.setattr(selection, "_choose_on_cpu", selection._choose_by_sorting)
    there, grown_there = top(scores, k, mask), ~mask
    add_top_(grown_there, scores, k)
    assert torch.equal(here, there)
    assert torch.equal(grown_here, grown_there)
    assert torch.equal(found_here.sort().values, selection.comparable(scores)[mask].sort().values)
