"""What is particular to each method: soft bounds, gradient scores, density schedules, global pruning."""

import numpy as np
import pytest
import torch
from torch import nn

from toy import build, train
from vidsparse.sparsity.topology import sparsify


@pytest.mark.parametrize("method", ["mest_r", "mest_g"])
def test_soft_bound_lies_above_the_target_between_updates_and_ends_on_it(method):
    model, opt, sparse = build(method, sparsity=0.6, total=40, every=5)
    target = round(0.4 * sparse.total)
    seen = [sparse.nonzero]
    train(model, opt, range(34), lambda: seen.append(sparse.nonzero))
    assert seen[0] == round(1.1 * 0.4 * sparse.total)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(sparse.method.update_steps(40)) + 1
    assert seen[-1] == target


def test_soft_bound_never_exceeds_the_layer():
    _, _, sparse = build("mest_r", sparsity=0.05)
    assert all(density <= 1 for density in sparse.densities().values())


def test_mest_scores_by_magnitude_plus_lambda_gradient_without_any_dense_gradient():
    masks = {}
    for weight in (0.0, 0.01, 100.0):
        model, opt, sparse = build("mest", sparsity=0.7, every=2, total=20, gradient_weight=weight)
        assert not sparse.method.dense_gradient
        train(model, opt, range(2))
        masks[weight] = sparse.masks
    magnitude = build("mest", sparsity=0.7, every=2, total=20)[2]
    assert all(torch.equal(magnitude.masks[n].sum(), masks[0.0][n].sum()) for n in magnitude.masks)
    assert any(not torch.equal(masks[0.0][n], masks[100.0][n]) for n in masks[0.0])


@pytest.mark.parametrize(
    ("method", "start"), [("granet_r", 0.8), ("granet_g", 0.8), ("granet_dense", 1.0), ("gmp", 1.0)]
)
def test_density_falls_by_the_cubic_schedule_and_ends_exact(method, start):
    model, opt, sparse = build(method, sparsity=0.7, total=60, every=5)
    assert sparse.nonzero == round(start * sparse.total)
    last = [s for s in sparse.method.update_steps(60) if s <= sparse.method.prune_until * 60][-1]
    expected = {s: 0.3 + (start - 0.3) * (1 - min(1, s / last)) ** 3 for s in sparse.method.update_steps(60)}
    seen = {}
    train(model, opt, range(50), lambda: seen.update({sparse.step: sparse.nonzero}))
    assert all(seen[step] == round(density * sparse.total) for step, density in expected.items())
    assert seen[50] == round(0.3 * sparse.total)


def test_granet_starts_dense_where_the_target_is_above_its_initial_density():
    sparse = build("granet_g", sparsity=0.1)[2]
    assert sparse.nonzero == sparse.total


def test_global_pruning_equals_brute_force_and_empties_no_layer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 30, bias=False), nn.Linear(30, 10, bias=False), nn.Linear(10, 8, bias=False))
    opt = torch.optim.SGD(model.parameters(), lr=0.0)
    sparse = sparsify(model, opt, "granet_r", 0.9, total_steps=40, every=10, drop_fraction=1e-9)
    with torch.no_grad():
        model[2].weight.mul_(1e-6)  # ranking over all layers would take all of it
    weights = {name: w.detach().clone() for name, w in model.named_parameters()}
    for _ in range(10):
        model(torch.randn(3, 20)).sum().backward()
        opt.step()
    density = sparse.method.density(10, 40, 0.1)
    keep, ranked = round(density * sparse.total), []
    for layer, (_, w) in enumerate(weights.items()):
        order = sorted(w.flatten().abs().nonzero().flatten().tolist(), key=lambda i: -w.flatten()[i].abs())
        safe = order[: int(density * w.numel() / 10)]
        ranked += [(-np.inf if i in safe else -float(w.flatten()[i].abs()), layer, i) for i in order]
    kept = {(layer, i) for _, layer, i in sorted(ranked)[:keep]}
    got = {(layer, int(i)) for layer, m in enumerate(sparse.masks.values()) for i in m.flatten().nonzero()}
    assert got == kept
    assert sparse.counts()["2.weight"] == int(density * 80 / 10)
