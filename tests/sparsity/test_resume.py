"""Saved at any step, also inside an accumulation window, and loaded into a new process: bit-equal ever after."""

import io
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers.toy import DYNAMIC, OPTIMIZERS, SPARSE, batch, build
from vidsparse.sparsity.masks import pack, unpack

PARTS, TOTAL = 3, 20


def micro_steps(model, opt, numbers: range) -> None:
    """Micro-batches by number, three of them a step."""
    for number in numbers:
        step, part = divmod(number, PARTS)
        if part == 0:
            opt.zero_grad()
        x, y = batch(100 * step + part)
        (F.cross_entropy(model(x), y) / PARTS).backward()
        if part == PARTS - 1:
            opt.step()


def save(model, opt, sparse) -> io.BytesIO:
    """What a careful caller saves inside a window: all states and the gradients."""
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    states = {"model": model.state_dict(), "opt": opt.state_dict(), "sparse": sparse.state_dict(), "grad": gradients}
    file = io.BytesIO()
    torch.save(states, file)
    file.seek(0)
    return file


def load(file: io.BytesIO, model, opt, sparse, masks_first: bool) -> None:
    saved = torch.load(file, weights_only=True)
    if masks_first:
        sparse.load_state_dict(saved["sparse"])
    model.load_state_dict(saved["model"])
    opt.load_state_dict(saved["opt"])
    if not masks_first:
        sparse.load_state_dict(saved["sparse"])
    for name, p in model.named_parameters():
        p.grad = saved["grad"].get(name)


def assert_same(one, two) -> None:
    (model, opt, sparse), (model2, opt2, sparse2) = one, two
    for name, value in model.state_dict().items():
        assert torch.equal(value, model2.state_dict()[name]), name
    for p, p2 in zip(model.parameters(), model2.parameters(), strict=True):
        for key, value in opt.state[p].items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(opt2.state[p2][key])), key
    assert all(torch.equal(mask, sparse2.masks[name]) for name, mask in sparse.masks.items())
    assert (sparse.step, sparse.updates, sparse.changed) == (sparse2.step, sparse2.updates, sparse2.changed)
    assert (sparse.explored(), sparse.overlap()) == (sparse2.explored(), sparse2.overlap())


def killed_and_resumed(method: str, optimizer: str, at: int, until: int, masks_first: bool) -> None:
    every = {"every": 2} if method in DYNAMIC else {}
    whole, first, second = (build(method, optimizer, total=TOTAL, seed=seed, **every) for seed in (0, 0, 9))
    micro_steps(*whole[:2], range(until))
    micro_steps(*first[:2], range(at))
    load(save(*first), *second, masks_first)
    micro_steps(*second[:2], range(at, until))
    assert_same(whole, second)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("method", SPARSE)
def test_every_method_resumes_bit_by_bit_between_steps_and_inside_a_window(method, optimizer):
    rng = random.Random(f"{method}/{optimizer}")
    window = 2 * PARTS * rng.randrange(1, 3) - rng.choice([1, 2])  # the step of an update, with parts of it done
    for at in (window, PARTS * rng.randrange(1, 5)):
        killed_and_resumed(method, optimizer, at, 7 * PARTS, rng.random() < 0.5)


@settings(max_examples=10)
@given(st.sampled_from(SPARSE), st.sampled_from(list(OPTIMIZERS)), st.integers(1, 17), st.booleans())
def test_any_optimizer_resumes_at_any_moment(method, optimizer, at, masks_first):
    killed_and_resumed(method, optimizer, at, 19, masks_first)


def test_without_the_gradients_a_window_begins_anew():
    model, opt, sparse = build("rigl", every=2)
    micro_steps(model, opt, range(4))
    saved = sparse.state_dict()
    assert saved["layers"]["grouped.weight"]["dense_gradient"].any()
    opt.zero_grad()
    sparse.load_state_dict(saved)
    micro_steps(model, opt, range(3, 6))
    other, opt2, sparse2 = build("rigl", every=2)
    micro_steps(other, opt2, range(6))
    assert all(torch.equal(mask, sparse2.masks[name]) for name, mask in sparse.masks.items())


@pytest.mark.parametrize("shape", [(1,), (8,), (3, 5), (2, 3, 3, 3)])
def test_packing_a_mask_loses_nothing(shape):
    mask = torch.rand(shape) > 0.5
    assert torch.equal(unpack(pack(mask), mask.float()).bool(), mask)
