"""The engine equals the rules written out in NumPy, step by step, over random methods, shapes and schedules."""

from math import prod

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.by_hand import DECAY, LR, MOMENTUM, RULES, ByHand
from vidsparse.sparsity import METHODS
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError

KINDS = {2: nn.Linear, 3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}


def layers_of(shapes: list[tuple[int, ...]]) -> nn.Module:
    made = [
        KINDS[len(s)](s[1], s[0], bias=False) if len(s) == 2 else KINDS[len(s)](s[1], s[0], s[2:], bias=False)
        for s in shapes
    ]
    return nn.ModuleList(made).double()


def shapes(draw) -> list[tuple[int, ...]]:
    one = st.integers(2, 5).flatmap(lambda dim: st.tuples(*[st.integers(2, 6)] * 2, *[st.integers(1, 3)] * (dim - 2)))
    return draw(st.lists(one, min_size=2, max_size=4))


def run_both(method, sizes, sparsity, total, every, distribution, seed, digits=None, channels_last=False) -> None:
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    model = layers_of(sizes)
    if channels_last:
        model.to(memory_format=torch.channels_last_3d if any(len(s) == 5 for s in sizes) else torch.channels_last)
    opt = torch.optim.SGD(model.parameters(), LR, MOMENTUM, nesterov=True, weight_decay=DECAY)
    weights = dict(model.named_parameters())
    start = {name: w.detach().numpy().copy() for name, w in weights.items()}
    changing = {"every": every} if METHODS[method].dynamic else {}
    sparse = sparsify(model, opt, method, sparsity, total, distribution, seed, **changing)
    hand = ByHand(start, method, sparsity, total, every, distribution, seed)
    for _ in range(total):
        gradients = {name: rng.normal(size=w.shape) for name, w in start.items()}
        if digits is not None:  # many equal gradients
            gradients = {name: g.round(digits) for name, g in gradients.items()}
        opt.zero_grad()
        sum((w * torch.from_numpy(gradients[name])).sum() for name, w in weights.items()).backward()
        opt.step()
        hand.step(gradients)
        for name, w in weights.items():
            mask = sparse.masks[name].numpy() if name in sparse.masks else np.ones(w.shape, bool)
            assert (mask == hand.m[name]).all(), (name, sparse.step)
            np.testing.assert_allclose(w.detach().numpy(), hand.w[name], rtol=1e-9, atol=1e-12)
    assert sparse.counts() == {name: int(m.sum()) for name, m in hand.m.items()}
    assert sparse.updates == len(hand.updates)


@pytest.mark.parametrize("method", RULES)
def test_every_method_equals_its_rule_step_by_step(method):
    run_both(method, [(6, 3, 2, 3, 3), (8, 6, 3, 3), (5, 8), (4, 5)], 0.6, 24, 3, "erk", 1)


@settings(max_examples=40)
@given(st.data())
def test_random_methods_shapes_and_schedules_equal_the_rules(data):
    method = data.draw(st.sampled_from(list(RULES)))
    sizes, sparsity = shapes(data.draw), data.draw(st.sampled_from([0.2, 0.5, 0.7]))
    total, every = data.draw(st.integers(4, 14)), data.draw(st.integers(1, 4))
    distribution = data.draw(st.sampled_from(["erk", "er", "uniform"]))
    digits, last = data.draw(st.sampled_from([None, 0])), data.draw(st.booleans())
    assume(sum(map(prod, sizes)) > 60)
    last = last and len({len(s) for s in sizes if len(s) > 3}) == 1 and all(len(s) in (2, 4, 5) for s in sizes)
    try:
        run_both(method, sizes, sparsity, total, every, distribution, data.draw(st.integers(0, 99)), digits, last)
    except ConfigError:
        assume(False)  # so sparse that a layer would be empty


def test_the_rules_cover_every_method():
    assert set(RULES) == set(METHODS) - {"dense"}
