"""Invariants of the topology engine over methods and optimizers, and a brute-force second implementation."""

import copy
import io
from math import floor

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from toy import DYNAMIC, OPTIMIZERS, SPARSE, Net, batch, build, train
from vidsparse.errors import ConfigError
from vidsparse.sparsity import METHODS
from vidsparse.sparsity.masks import pack, prunable, unpack
from vidsparse.sparsity.topology import Topology, sparsify


def assert_exact_and_zero(model: nn.Module, opt: torch.optim.Optimizer, sparse: Topology) -> None:
    weights, counts = dict(model.named_parameters()), sparse.counts()
    for name, mask in sparse.masks.items():
        assert int(mask.sum()) == counts[name]
        assert not weights[name][~mask].any()
        assert not weights[name].grad[~mask].any()
        states = [v for v in opt.state[weights[name]].values() if v.shape == mask.shape]
        assert states
        assert not any(v[~mask].any() for v in states)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("method", SPARSE)
def test_counts_stay_exact_and_absent_weights_gradients_and_states_stay_zero(method, optimizer):
    model, opt, sparse = build(method, optimizer)
    if METHODS[method].pruning == "none" and not METHODS[method].soft_bound:
        assert sparse.nonzero == round(0.4 * sparse.total)
    train(model, opt, range(18), lambda: assert_exact_and_zero(model, opt, sparse))
    assert sparse.nonzero == round(0.4 * sparse.total)
    assert sparse.updates == len(sparse.method.update_steps(20))
    assert (sparse.changed > 0) == METHODS[method].dynamic


def test_exactly_the_kernels_projections_and_heads_are_sparse():
    model = Net()
    assert list(prunable(model)) == [
        "stem.0.weight", "grouped.weight", "attention.in_proj_weight", "attention.out_proj.weight", "head.weight",
    ]  # fmt: skip
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    assert list(prunable(tied)) == ["0.weight"]
    tied[0].weight.requires_grad_(False)
    assert not prunable(tied)


@pytest.mark.parametrize("method", ["set", "rigl"])
def test_every_update_equals_brute_force(method):
    """Sorting in NumPy, written from the papers, must give the masks and weights of the engine at each update."""
    model, opt, sparse = build(method, sparsity=0.7, every=2, total=12)
    weights = dict(model.named_parameters())
    for step in range(8):
        opt.zero_grad()
        x, y = batch(step)
        before = {name: mask.numpy() for name, mask in sparse.masks.items()}
        loss = F.cross_entropy(model(x), y)
        dense = dict(
            zip(before, torch.autograd.grad(loss, [weights[n] for n in before], retain_graph=True), strict=True)
        )
        loss.backward()
        reference = {n: w.detach().clone() for n, w in weights.items()}
        state = copy.deepcopy(opt.state_dict())
        opt.step()
        if (step + 1) % 2 or step + 1 >= round(METHODS[method].stop * 12):
            assert all((sparse.masks[n].numpy() == before[n]).all() for n in before)
            continue
        fraction = METHODS[method].fraction(step + 1, 12)
        twin = _dense_step(reference, state, {n: dense[n] * torch.from_numpy(before[n]) for n in before}, weights)
        for name, mask in before.items():
            grow = dense[name].abs() if method == "rigl" else _noise(sparse, name, step + 1, weights[name])
            new = _brute_force_update(twin[name].numpy(), mask, grow.numpy(), floor(fraction * mask.sum()))
            assert (sparse.masks[name].numpy() == new).all()
            assert torch.equal(weights[name].detach(), twin[name] * torch.from_numpy(new))


def _dense_step(reference, state, gradients, weights):
    """The optimizer step alone, on a copy: SGD with nesterov momentum and decay, masked gradients."""
    twin = {n: nn.Parameter(w.clone()) for n, w in reference.items()}
    opt = OPTIMIZERS["sgd"](twin.values())
    opt.load_state_dict(state)
    for name, w in twin.items():
        w.grad = gradients.get(name, weights[name].grad)
    opt.step()
    return {n: w.detach() for n, w in twin.items()}


def _noise(sparse: Topology, name: str, step: int, weight: torch.Tensor) -> torch.Tensor:
    now, sparse.step = sparse.step, step
    noise = sparse._noise(name, weight)
    sparse.step = now
    return noise


def _brute_force_update(weight: np.ndarray, mask: np.ndarray, grow: np.ndarray, count: int) -> np.ndarray:
    w, m, g = weight.ravel(), mask.ravel(), grow.ravel()
    active = sorted(np.flatnonzero(m), key=lambda i: (-abs(w[i]), i))
    kept = active[: len(active) - count]
    free = sorted(set(range(len(w))) - set(kept), key=lambda i: (-g[i], i))
    new = np.zeros(len(w), bool)
    new[[*kept, *free[:count]]] = True
    return new.reshape(mask.shape)


def test_rigl_drops_and_grows_as_written_out_by_hand():
    layer = nn.Linear(4, 2, bias=False)
    opt = torch.optim.SGD(layer.parameters(), lr=0.0)
    sparse = sparsify(layer, opt, "rigl", 0.5, total_steps=10, every=1, stop=1.0, drop_fraction=0.5)
    mask = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0]])
    sparse.load_state_dict({**sparse.state_dict(), "masks": {"weight": pack(mask)}})
    layer.weight.data = torch.tensor([[0.1, -3.0, 0, 0], [0, 2.0, -0.2, 0]])
    gradient = torch.tensor([[0.0, 9, 1, 0], [8, 9, 7, 2]])
    (layer.weight * gradient).sum().backward()
    opt.step()  # fraction .5·(1+cos(π/10))/2 = .488 of 4 -> 1 weight: drops |0.1|, grows the 8
    assert sparse.masks["weight"].tolist() == [[False, True, False, False], [True, True, True, False]]
    assert layer.weight[1, 0] == 0


def test_set_grows_uniformly_over_all_that_was_not_kept():
    grown = np.zeros(40)
    for seed in range(400):
        layer = nn.Linear(40, 1, bias=False)
        opt = torch.optim.SGD(layer.parameters(), lr=0.0)
        sparse = sparsify(layer, opt, "set", 0.75, total_steps=10, every=1, drop_fraction=0.5, seed=seed)
        mask = torch.arange(40)[None] < 10
        sparse.load_state_dict({**sparse.state_dict(), "seed": seed, "masks": {"weight": pack(mask)}})
        layer.weight.data = torch.arange(40, 0, -1.0)[None] * mask
        layer.weight.sum().backward()
        opt.step()
        new = sparse.masks["weight"][0].numpy()
        assert new[:5].all()
        assert new.sum() == 10
        grown += new
    expected = 400 * 5 / 35
    chi_square = float(((grown[5:] - expected) ** 2 / expected).sum())
    assert chi_square < 62  # 34 degrees of freedom: p = .002


@pytest.mark.parametrize("method", DYNAMIC)
def test_clipping_sees_the_norm_of_the_masked_gradient(method):
    model, _, sparse = build(method)
    x, y = batch(0)
    F.cross_entropy(model(x), y).backward()
    masked = [p.grad * sparse.masks.get(n, 1) for n, p in model.named_parameters()]
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
    assert norm == pytest.approx(float(torch.stack([g.norm() for g in masked]).norm()), rel=1e-6)


def test_accumulation_over_micro_batches_gives_the_masks_of_one_batch():
    masks = []
    for parts in (1, 4):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(216, 16), nn.ReLU(), nn.Linear(16, 4)).double()
        opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        sparse = sparsify(model, opt, "rigl", 0.8, total_steps=20, every=2, seed=3)
        for step in range(8):
            opt.zero_grad()
            x, y = batch(step)
            for part_x, part_y in zip(x.double().chunk(parts), y.chunk(parts), strict=True):
                (F.cross_entropy(model(part_x), part_y) / parts).backward()
            opt.step()
        masks.append(sparse.masks)
    assert sparse.changed > 0
    assert all(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


@pytest.mark.parametrize("method", SPARSE)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_resume_is_bit_exact(method, optimizer):
    whole, opt, sparse = build(method, optimizer)
    train(whole, opt, range(10))
    first, opt1, sparse1 = build(method, optimizer)
    train(first, opt1, range(5))
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "opt": opt1.state_dict(), "sparse": sparse1.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    second, opt2, sparse2 = build(method, optimizer, seed=9)
    second.load_state_dict(saved["model"])
    opt2.load_state_dict(saved["opt"])
    sparse2.load_state_dict(saved["sparse"])
    train(second, opt2, range(5, 10))
    assert all(
        torch.equal(a, b) for a, b in zip(whole.state_dict().values(), second.state_dict().values(), strict=True)
    )
    assert all(torch.equal(mask, sparse2.masks[name]) for name, mask in sparse.masks.items())
    assert (sparse.updates, sparse.changed) == (sparse2.updates, sparse2.changed)


def test_same_seed_same_masks_and_the_global_generator_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two, other = (build("set", seed=s)[2] for s in (1, 1, 2))
    torch.set_rng_state(before)
    model, opt, _ = build("set", seed=1)
    torch.manual_seed(7)
    state = torch.get_rng_state()
    train(model, opt, range(4))
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(one.masks[n], two.masks[n]) for n in one.masks)
    assert any(not torch.equal(one.masks[n], other.masks[n]) for n in one.masks)


def test_nothing_is_renamed_rebound_or_left_behind():
    plain = Net()
    model, opt, sparse = build("rigl")
    pointers = {n: p.data_ptr() for n, p in model.named_parameters()}
    train(model, opt, range(7))
    assert list(model.state_dict()) == list(plain.state_dict())
    assert [type(m) for m in model.modules()] == [type(m) for m in plain.modules()]
    assert pointers == {n: p.data_ptr() for n, p in model.named_parameters()}
    sparse.close()
    masks = sparse.masks
    train(model, opt, range(7, 8))
    assert any(bool(dict(model.named_parameters())[n][~mask].any()) for n, mask in masks.items())
    sparsify(model, opt, "set", 0.5)


def test_dense_attaches_no_mask_and_fully_dense_layers_carry_none():
    assert build("dense")[2].masks == {}
    sparse = build("static", sparsity=0.05)[2]
    assert set(sparse.masks) < set(sparse.densities())
    assert [d for n, d in sparse.densities().items() if n not in sparse.masks] == [1.0] * (5 - len(sparse.masks))


def test_unused_layers_and_kept_gradient_buffers_do_not_crash():
    model, opt, sparse = build("rigl", every=2)
    for step in range(5):
        opt.zero_grad(set_to_none=False)
        x, _ = batch(step)
        model.stem(x).sum().backward()  # attention and head have no gradient
        opt.step()
    assert sparse.updates == 2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"method": "riggl"}, "did you mean rigl"),
        ({"sparsity": 1.2}, "outside"),
        ({"density": 0.1}, "pass sparsity"),
        ({"delta": 3}, "unknown setting 'delta'"),
    ],
)
def test_mistakes_are_named(call, said):
    model = Net()
    with pytest.raises(ConfigError, match=said):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), **call)


def test_sparsifying_twice_and_loading_another_networks_masks_are_refused():
    model, opt, sparse = build("rigl")
    with pytest.raises(ConfigError, match="already has a topology"):
        sparsify(model, opt)
    with pytest.raises(ConfigError, match="another network"):
        sparse.load_state_dict({**sparse.state_dict(), "masks": {"foo": torch.zeros(1)}})


@pytest.mark.parametrize("shape", [(1,), (8,), (3, 5), (2, 3, 3, 3)])
def test_packing_a_mask_loses_nothing(shape):
    mask = torch.rand(shape) > 0.5
    assert torch.equal(unpack(pack(mask), mask.float()).bool(), mask)
