"""Invariants that any right implementation of sparse training has."""

import os
import subprocess
import sys
from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from helpers.toy import DYNAMIC, SPARSE, Menagerie, Net, assert_exact_and_zero, batch, build, expected_nonzero, train
from vidsparse.sparsity import METHODS
from vidsparse.sparsity.masks import pack
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


def linear(inputs: int, outputs: int, method: str, sparsity: float, dtype=torch.float32, **settings):
    """One layer whose gradient is what it is multiplied with, and an optimizer that leaves weights alone."""
    layer = nn.Linear(inputs, outputs, bias=False).to(dtype)
    opt = torch.optim.SGD(layer.parameters(), lr=0.0)
    return layer, opt, sparsify(layer, opt, method, sparsity, **{"total_steps": 10, "every": 1, **settings})


def one_step(layer: nn.Linear, opt: torch.optim.Optimizer, gradient: torch.Tensor) -> None:
    opt.zero_grad()
    (layer.weight * gradient).sum().backward()
    opt.step()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("method", SPARSE)
def test_counts_are_exact_and_what_is_absent_is_zero_at_every_step(method, optimizer):
    model, opt, sparse = build(method, optimizer)
    train(model, opt, range(18), lambda: assert_exact_and_zero(model, opt, sparse))
    assert expected_nonzero(sparse, 0.4)
    assert sparse.updates == len(sparse.method.update_steps(20))
    assert (sparse.changed > 0) == METHODS[method].dynamic


@settings(max_examples=30)
@given(
    st.sampled_from(DYNAMIC),
    st.sampled_from(["equal", "zero", "nan", "some nan", "infinite", "rounded"]),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
    st.sampled_from([0.3, 0.5, 0.9]),
)
def test_counts_survive_equal_weights_and_gradients_that_are_no_numbers(method, kind, dtype, sparsity):
    model = nn.Sequential(nn.Linear(12, 10, bias=False), nn.Linear(10, 20, bias=False)).to(dtype)
    nn.init.constant_(model[0].weight, 0.5)
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sparse = sparsify(model, opt, method, sparsity, 8, every=1)
    for step in range(6):
        for weight in model.parameters():
            gradient = torch.randn(weight.shape, generator=torch.Generator().manual_seed(step)).to(dtype)
            bad = {"equal": torch.ones_like(gradient), "zero": torch.zeros_like(gradient), "rounded": gradient.round(),
                   "nan": gradient * torch.nan, "infinite": torch.full_like(gradient, torch.inf)}  # fmt: skip
            gradient[:3] = torch.nan if kind == "some nan" else gradient[:3]
            (weight * bad.get(kind, gradient)).sum().backward()
        opt.step()
        opt.zero_grad()
        planned = sparse._budget.after(step + 1)
        for name, mask in sparse.masks.items():
            assert int(mask.sum()) == sparse.counts()[name]
            if not (METHODS[method].across_layers or METHODS[method].constant_fan_in):
                assert sparse.counts()[name] == planned[name]
    assert expected_nonzero(sparse, sparse.method.density(6, 8, 1 - sparsity))


@pytest.mark.slow
def test_a_layer_of_twenty_million_weights_is_exact():
    layer, opt, sparse = linear(5000, 4000, "rigl", 0.9, total_steps=100)
    assert sparse.nonzero == 2_000_000
    one_step(layer, opt, torch.randn(4000, 5000, generator=torch.Generator().manual_seed(1)))
    assert sparse.updates == 1
    assert int(sparse.masks["weight"].count_nonzero()) == sparse.nonzero == 2_000_000


def test_grown_weights_start_at_zero_with_no_state_and_regrown_ones_keep_theirs():
    layer = nn.Linear(4, 2, bias=False)
    opt = torch.optim.Adam(layer.parameters(), lr=0.0)
    sparse = sparsify(layer, opt, "rigl", 0.5, total_steps=10, every=2, drop_fraction=0.5)
    mask = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0]])
    sparse.load_state_dict({**sparse.state_dict(), "masks": {"weight": pack(mask)}})
    layer.weight.data = torch.tensor([[0.1, -3.0, 0, 0], [0, 2.0, 4.0, 0]])
    one_step(layer, opt, torch.ones(2, 4))
    one_step(layer, opt, torch.tensor([[9.0, 1, 1, 1], [1, 1, 1, 1]]))  # the weakest has the highest gradient
    assert sparse.masks["weight"].tolist() == mask.bool().tolist()
    assert layer.weight[0, 0].item() == pytest.approx(0.1)
    assert opt.state[layer.weight]["exp_avg"][0, 0] != 0
    sparse.load_state_dict({**sparse.state_dict(), "step": 1})
    one_step(layer, opt, torch.tensor([[0.0, 0, 8, 0], [0, 0, 0, 0]]))  # another one does
    assert sparse.masks["weight"].tolist() == [[False, True, True, False], [False, True, True, False]]
    assert layer.weight[0, 2] == layer.weight[0, 0] == 0
    assert not any(opt.state[layer.weight][key][0, [0, 2]].any() for key in ("exp_avg", "exp_avg_sq"))


def test_rigl_drops_and_grows_as_written_out_by_hand():
    layer, opt, sparse = linear(4, 2, "rigl", 0.5, stop=1.0, drop_fraction=0.5)
    mask = torch.tensor([[1, 1, 0, 0], [0, 1, 1, 0]])
    sparse.load_state_dict({**sparse.state_dict(), "masks": {"weight": pack(mask)}})
    layer.weight.data = torch.tensor([[0.1, -3.0, 0, 0], [0, 2.0, -0.2, 0]])
    one_step(layer, opt, torch.tensor([[0.0, 9, 1, 0], [8, 9, 7, 2]]))
    # fraction .5·(1+cos(π/10))/2 = .488 of 4 -> 1 weight: drops |0.1|, grows the 8
    assert sparse.masks["weight"].tolist() == [[False, True, False, False], [True, True, True, False]]
    assert layer.weight[1, 0] == 0


@pytest.mark.parametrize("method", ["rigl", "set", "itop_g", "snfs"])
def test_what_is_kept_is_never_grown_again(method):
    layer, opt, sparse = linear(60, 40, method, 0.7)
    for step in range(6):
        weights, mask = layer.weight.detach().clone(), sparse.masks["weight"]
        one_step(layer, opt, torch.randn(40, 60))
        kept = int(mask.sum()) - floor(sparse.method.fraction(step + 1, 10) * int(mask.sum()))
        strongest = weights.abs().flatten().argsort(descending=True)[:kept]
        assert sparse.masks["weight"].flatten()[strongest].all()
        with torch.no_grad():  # so that grown ones differ in size
            layer.weight.add_(torch.randn(40, 60) * sparse.masks["weight"])


@pytest.mark.slow
def test_set_grows_uniformly_over_all_that_was_not_kept():
    grown = np.zeros(40)
    for seed in range(400):
        layer, opt, sparse = linear(40, 1, "set", 0.75, drop_fraction=0.5, decay="constant", seed=seed)
        mask = torch.arange(40)[None] < 10
        sparse.load_state_dict({**sparse.state_dict(), "masks": {"weight": pack(mask)}})
        layer.weight.data = torch.arange(40, 0, -1.0)[None] * mask
        one_step(layer, opt, torch.ones(1, 40))
        new = sparse.masks["weight"][0].numpy()
        assert new[:5].all()
        assert new.sum() == 10
        grown += new
        sparse.close()
    expected = 400 * 5 / 35
    chi_square = float(((grown[5:] - expected) ** 2 / expected).sum())
    assert chi_square < 62  # 34 degrees of freedom: p = .002


@pytest.mark.parametrize("method", DYNAMIC)
def test_no_mask_changes_after_the_stop(method):
    model, opt, sparse = build(method, total=20, stop=0.5, every=2)
    train(model, opt, range(9))
    before = sparse.masks
    train(model, opt, range(9, 14))
    assert sparse.updates == 4
    assert all(torch.equal(mask, before[name]) for name, mask in sparse.masks.items())


@pytest.mark.parametrize("method", DYNAMIC)
def test_clipping_sees_the_norm_of_the_masked_gradient(method):
    model, _, sparse = build(method)
    x, y = batch(0)
    F.cross_entropy(model(x), y).backward()
    masked = [p.grad * sparse.masks.get(n, 1) for n, p in model.named_parameters()]
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
    assert norm == pytest.approx(float(torch.stack([g.norm() for g in masked]).norm()), rel=1e-6)


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("method", ["rigl", "mest", "mest_g", "granet_g", "snfs", "srigl"])
def test_accumulation_over_micro_batches_gives_the_masks_of_one_batch(method, set_to_none):
    masks = []
    for parts in (1, 4):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(216, 16), nn.ReLU(), nn.Linear(16, 4)).double()
        opt = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        sparse = sparsify(model, opt, method, 0.8, total_steps=20, every=2, seed=3)
        for step in range(8):
            opt.zero_grad(set_to_none=set_to_none)
            x, y = batch(step)
            for part_x, part_y in zip(x.double().chunk(parts), y.chunk(parts), strict=True):
                (F.cross_entropy(model(part_x), part_y) / parts).backward()
            opt.step()
        masks.append(sparse.masks)
    assert sparse.changed > 0
    assert all(torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_that_were_thrown_away_do_not_count_and_zero_ones_do(set_to_none):
    layer, opt, sparse = linear(4, 2, "rigl", 0.5, drop_fraction=0.3, stop=1.0)
    first, second = torch.zeros(2, 4), torch.zeros(2, 4)
    absent = [tuple(place) for place in (~sparse.masks["weight"]).nonzero().tolist()]
    first[absent[0]], second[absent[1]] = 5.0, 3.0
    (layer.weight * first).sum().backward()  # the gradient of every present weight is zero
    (layer.weight * second).sum().backward()
    opt.step()
    assert sparse.masks["weight"][absent[0]]
    absent = [tuple(place) for place in (~sparse.masks["weight"]).nonzero().tolist()]
    first, second = torch.ones(2, 4), torch.ones(2, 4)
    first[absent[0]], second[absent[1]] = 50.0, 3.0
    (layer.weight * first).sum().backward()
    opt.zero_grad(set_to_none=set_to_none)
    (layer.weight * second).sum().backward()
    opt.step()
    assert sparse.masks["weight"][absent[1]]
    assert not sparse.masks["weight"][absent[0]]


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


@pytest.mark.slow
def test_masks_do_not_depend_on_the_hash_seed_of_python():
    code = (
        "from helpers.toy import build, train; from vidsparse.sparsity.masks import pack\n"
        "m, o, s = build('set'); train(m, o, range(7))\n"
        "print([int(pack(x).long().sum()) for x in s.masks.values()], [pack(x).tolist()[:9] for x in s.masks.values()])"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    said = [run.communicate()[0] for run in runs]
    assert said[0] == said[1] != ""


def test_nothing_is_renamed_rebound_or_moved():
    plain = Net()
    model, opt, sparse = build("rigl")
    pointers = {n: p.data_ptr() for n, p in model.named_parameters()}
    masks = {name: layer.mask.data_ptr() for name, layer in sparse._layers.items()}
    train(model, opt, range(7))
    assert list(model.state_dict()) == list(plain.state_dict())
    assert [type(m) for m in model.modules()] == [type(m) for m in plain.modules()]
    assert pointers == {n: p.data_ptr() for n, p in model.named_parameters()}
    assert masks == {name: layer.mask.data_ptr() for name, layer in sparse._layers.items()}


@pytest.mark.parametrize("method", ["rigl", "snfs"])
def test_close_removes_every_hook_and_leaves_an_ordinary_model_with_zeros(method):
    model, opt, sparse = build(method)
    train(model, opt, range(7))
    masks = sparse.masks
    sparse.close()
    sparse.close()
    assert not any(p._backward_hooks or p._post_accumulate_grad_hooks for p in model.parameters())
    assert not opt._optimizer_step_post_hooks
    assert all(not dict(model.named_parameters())[n][~mask].any() for n, mask in masks.items())
    train(model, opt, range(7, 8))
    assert any(bool(dict(model.named_parameters())[n][~mask].any()) for n, mask in masks.items())
    assert sparse.updates == 2
    sparsify(model, opt, "set", 0.5).close()


def test_sparsifying_twice_raises_also_with_another_optimizer():
    model, opt, _ = build("rigl")
    for optimizer in (opt, torch.optim.Adam(model.parameters())):
        with pytest.raises(ConfigError, match="already has a topology"):
            sparsify(model, optimizer)


@pytest.mark.parametrize("set_to_none", [True, False])
@pytest.mark.parametrize("method", DYNAMIC)
def test_tied_frozen_and_unused_layers_and_kept_gradient_buffers_do_not_crash(method, set_to_none):
    torch.manual_seed(0)
    model = Menagerie()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=1e-3)
    sparse = sparsify(model, opt, method, 0.6, 12, every=2, stop=0.75)
    frozen, unused = model.frozen.weight.clone(), sparse.counts()["unused.weight"]
    for step in range(9):
        opt.zero_grad(set_to_none=set_to_none)
        x, y = batch(step)
        F.cross_entropy(model(x), y).backward()
        opt.step()
        assert_exact_and_zero(model, opt, sparse)
    assert sparse.updates >= 4
    assert torch.equal(model.frozen.weight, frozen)
    assert sparse.counts()["unused.weight"] > 0
    assert unused > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", SPARSE)
def test_low_precision_weights_keep_exact_counts_and_zeros(method, dtype):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 32), nn.ReLU(), nn.Linear(32, 4)).to(dtype)
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    settings = {"every": 2} if METHODS[method].dynamic else {}
    sparse = sparsify(model, opt, method, 0.6, 12, **settings)
    train(model, opt, range(11), lambda: assert_exact_and_zero(model, opt, sparse))
    assert expected_nonzero(sparse, 0.4)
