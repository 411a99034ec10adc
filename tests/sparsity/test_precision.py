"""Mixed precision, gradient scaling and compilation: the topology counts real steps and sees the same gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from toy import DYNAMIC, batch, build
from vidsparse.sparsity.topology import sparsify


def scaled_training(overflow_at: frozenset[int], scale: float | None, set_to_none: bool = True):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 24), nn.ReLU(), nn.Linear(24, 4)).double()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    sparse = sparsify(model, opt, "rigl", 0.7, total_steps=40, every=3, seed=1)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, growth_interval=10**6, enabled=scale is not None)
    for step in range(12 + len(overflow_at)):
        opt.zero_grad(set_to_none=set_to_none)
        real = step - sum(bad < step for bad in overflow_at)
        x, y = batch(real)
        loss = F.cross_entropy(model(x.double()), y)
        before = (sparse.step, {name: mask.clone() for name, mask in sparse.masks.items()})
        scaler.scale(loss * (float("inf") if step in overflow_at else 1.0)).backward()
        scaler.step(opt)
        scaler.update()
        if step in overflow_at:
            assert sparse.step == before[0]
            assert all(torch.equal(mask, before[1][name]) for name, mask in sparse.masks.items())
    return sparse


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("overflow_at", [frozenset(), frozenset({2, 5, 6})])
def test_scaling_and_overflow_change_neither_schedule_nor_masks(overflow_at, set_to_none):
    plain = scaled_training(frozenset(), None)
    scaled = scaled_training(overflow_at, 2.0**10, set_to_none)
    assert (plain.step, plain.updates) == (scaled.step, scaled.updates) == (12, 4)
    assert plain.changed > 0
    assert all(torch.equal(mask, scaled.masks[name]) for name, mask in plain.masks.items())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", DYNAMIC)
def test_low_precision_weights_keep_exact_counts(method, dtype):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 32), nn.ReLU(), nn.Linear(32, 4)).to(dtype)
    opt = torch.optim.SGD(model.parameters(), 0.05)
    sparse = sparsify(model, opt, method, 0.6, total_steps=12, every=2)
    for step in range(11):
        opt.zero_grad()
        x, y = batch(step)
        F.cross_entropy(model(x.to(dtype)).float(), y).backward()
        opt.step()
        assert {n: int(m.sum()) for n, m in sparse.masks.items()} == {n: sparse.counts()[n] for n in sparse.masks}
    assert sparse.nonzero == round(0.4 * sparse.total)


def test_compiled_and_plain_models_get_the_same_masks_without_a_second_compilation():
    masks, compilations = [], []

    def count(graph, inputs):
        compilations.append(graph)
        return graph.forward

    for compiled in (False, True):
        model, opt, sparse = build("rigl", every=2, total=20)
        torch._dynamo.reset()
        forward = torch.compile(model, backend=count) if compiled else model
        for step in range(8):
            opt.zero_grad()
            x, y = batch(step)
            F.cross_entropy(forward(x), y).backward()
            opt.step()
        masks.append(sparse.masks)
    assert sparse.updates == 4
    assert len(compilations) == 1
    assert all(torch.equal(mask, masks[1][name]) for name, mask in masks[0].items())
