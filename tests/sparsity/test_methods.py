"""What is particular to each method: soft bounds, gradient scores, density schedules, global pruning."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.toy import build, train
from vidsparse.sparsity import METHODS
from vidsparse.sparsity.masks import pack
from vidsparse.sparsity.methods import method_row
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


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
    sparse = sparsify(model, opt, "granet_r", 0.9, total_steps=40, every=10, stop=0.75, drop_fraction=1e-9)
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


def one_update(method: str, weight: torch.Tensor, mask: torch.Tensor, gradient: torch.Tensor, **settings):
    """A layer after one update, its mask and its momentum."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    opt = torch.optim.SGD(layer.parameters(), lr=0.0, momentum=0.9)
    chosen = {"drop_fraction": 0.5, "decay": "constant", **settings}
    sparse = sparsify(layer, opt, method, 0.5, 100, every=1, **chosen)
    sparse.load_state_dict({**sparse.state_dict(), "masks": {"weight": pack(mask)}})
    layer.weight.data = weight * mask
    layer.weight.grad = None
    (layer.weight * gradient).sum().backward()
    opt.step()
    return layer.weight.detach(), sparse.masks["weight"], opt.state[layer.weight]["momentum_buffer"]


WEIGHT = torch.tensor([[1.0, -2.0, 3.0, -4.0, 0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8, 9.0, 9.0, 9.0, 9.0]])
ACTIVE = torch.tensor([[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]]).bool()
WANTED = torch.tensor([[0.0, 0, 0, 0, 0, 0, 0, 0], [7, 6, 5, 4, 0, 0, 0, 0]])  # the gradient asks for what is dropped


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["rigl", "srigl"])
def test_a_weight_that_is_dropped_and_grown_at_once_keeps_its_value_or_starts_anew(method, reset):
    weight, mask, momentum = one_update(method, WEIGHT, ACTIVE, WANTED, reset_regrown=reset)
    assert torch.equal(mask, ACTIVE)
    assert torch.equal(weight[0], WEIGHT[0] * ACTIVE[0])
    assert torch.equal(weight[1], torch.zeros(8) if reset else WEIGHT[1] * ACTIVE[1])
    assert momentum[1].any() == (not reset)


def test_mest_resets_as_its_public_code_and_the_others_do_not():
    assert {name for name, row in METHODS.items() if row.reset_regrown} == {"mest", "mest_r", "mest_g"}


def test_a_signed_drop_takes_the_same_share_of_positive_and_of_negative_weights():
    weight = torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, -7.0, -8.0, 0, 0, 0, 0]])
    mask = weight != 0
    wanted = torch.zeros(1, 12)
    wanted[0, 8:] = 1.0
    kept = {s: one_update("rigl", weight, mask, wanted, signed_drop=s)[1][0, :8].tolist() for s in (False, True)}
    assert kept[False] == [False, False, False, False, True, True, True, True]
    assert kept[True] == [False, False, False, True, True, True, False, True]


@pytest.mark.parametrize("sparsity", [0.2, 0.5, 0.9])
def test_a_signed_drop_keeps_counts_exact(sparsity):
    model, opt, sparse = build("set", sparsity=sparsity, signed_drop=True)
    counts = sparse.counts()
    train(model, opt, range(15))
    assert sparse.counts() == counts
    assert sparse.changed > 0


@pytest.mark.parametrize(
    ("method", "setting"),
    [("set", {"grow_window": 4}), ("srigl", {"signed_drop": True}), ("mest_g", {"drop_fraction": 0.4})],
)
def test_a_setting_that_a_method_does_not_have_is_refused_and_the_controls_ignore_it(method, setting):
    (name,) = setting
    with pytest.raises(ConfigError, match=rf"{name}=.*: {method} has no such setting"):
        method_row(method, setting)
    assert method_row("static", setting).name == "static"
