"""Mixed precision, gradient scaling and compilation: the topology counts real steps and sees the same gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.toy import assert_exact_and_zero, batch, build
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


def fused_training(method: str, overflow_at: frozenset[int], scale: float | None, every: int = 3):
    """AdamW(fused) is called also where gradients overflowed, and divides them by the scale itself."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 24), nn.ReLU(), nn.Linear(24, 4))
    opt = torch.optim.AdamW(model.parameters(), 0.01, fused=True)
    sparse = sparsify(model, opt, method, 0.7, total_steps=40, every=every, seed=1)
    scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, growth_interval=5, enabled=scale is not None)
    for step in range(12 + len(overflow_at)):
        opt.zero_grad()
        x, y = batch(step - sum(bad < step for bad in overflow_at))
        loss = F.cross_entropy(model(x), y)
        scaler.scale(loss * (float("inf") if step in overflow_at else 1.0)).backward()
        masks = sparse.masks
        scaler.step(opt)
        scaler.update()
        if step in overflow_at:
            assert all(torch.equal(mask, masks[name]) for name, mask in sparse.masks.items())
    return sparse


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("method", ["rigl", "mest", "snfs", "srigl", "granet_g"])
def test_fused_optimizers_that_swallow_an_overflow_change_neither_schedule_nor_masks(method, every):
    plain = fused_training(method, frozenset(), None, every)
    scaled = fused_training(method, frozenset({2, 5, 6, 11}), 2.0**10, every)
    assert (plain.step, plain.updates) == (scaled.step, scaled.updates) == (12, 12 // every)
    assert plain.changed > 0
    assert all(torch.equal(mask, scaled.masks[name]) for name, mask in plain.masks.items())


def test_smoothed_gradients_are_those_that_the_optimizer_saw():
    """SNFS averages gradients over steps: neither a changing loss scale nor clipping may change their weights."""

    def momenta(scale: float | None) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(216, 24), nn.ReLU(), nn.Linear(24, 4)).double()
        opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
        sparse = sparsify(model, opt, "snfs", 0.7, total_steps=40, every=3, seed=1)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale or 1.0, growth_interval=2, enabled=scale is not None)
        for step in range(7):
            opt.zero_grad()
            x, y = batch(step)
            scaler.scale(F.cross_entropy(model(x.double()), y)).backward()
            scaler.unscale_(opt)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            scaler.step(opt)
            scaler.update()
        return {name: layer["momentum"] for name, layer in sparse.state_dict()["layers"].items()}

    plain, scaled = momenta(None), momenta(2.0**10)
    assert all(torch.allclose(plain[name], scaled[name], rtol=1e-9) for name in plain)
    assert max(value.norm() for value in plain.values()) < 1


def test_autocast_in_bfloat16_trains_and_keeps_what_is_absent_at_zero():
    model, opt, sparse = build("rigl", every=2)
    for step in range(6):
        opt.zero_grad()
        x, y = batch(step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model.head(model.norm(model.stem(x).flatten(2).transpose(1, 2))).mean(1), y)
        loss.backward()
        opt.step()
        assert_exact_and_zero(model, opt, sparse)
    assert sparse.updates == 3


@pytest.mark.slow
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
