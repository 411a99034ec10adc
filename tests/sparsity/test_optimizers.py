"""Over optimizers: absent weights stay zero under elementwise ones by themselves, under others by masking."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.toy import OPTIMIZERS, Menagerie, assert_exact_and_zero, batch, build, timm_optimizer, train
from vidsparse.sparsity import optimizer_state
from vidsparse.sparsity.optimizer_state import Rest, all_at_rest, at_rest
from vidsparse.sparsity.topology import sparsify

AWAKE = {  # their state of an absent weight is not zero, and a new weight starts with it
    "adamax": lambda p: torch.optim.Adamax(p, 0.01, eps=1e-6),
    "rprop": lambda p: torch.optim.Rprop(p, 0.01),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.05, initial_accumulator_value=0.3),
    "adabelief": timm_optimizer("adabelief", lr=1e-3),
    "rmsproptf": timm_optimizer("rmsproptf", lr=1e-3, momentum=0.9),
    "madgrad": timm_optimizer("madgrad", lr=1e-3, momentum=0.9),
}
MIXING = {  # a new weight depends on other weights' gradients
    "muon": timm_optimizer("muon", lr=0.01),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("method", ["rigl", "set", "granet_g"])
def test_zeros_stay_zeros_in_every_kind_of_layer(method, optimizer):
    torch.manual_seed(0)
    model = Menagerie()
    opt = OPTIMIZERS[optimizer]([p for p in model.parameters() if p.requires_grad])
    sparse = sparsify(model, opt, method, 0.6, 12, every=2, stop=0.75)
    assert not sparse._leaky
    train(model, opt, range(9), lambda: assert_exact_and_zero(model, opt, sparse))
    assert sparse.updates >= 4


@pytest.mark.parametrize("optimizer", MIXING)
def test_optimizers_that_mix_weights_are_noticed_and_masked_after_each_step(optimizer):
    model = Menagerie()
    opt = MIXING[optimizer]([p for p in model.parameters() if p.requires_grad])
    sparse = sparsify(model, opt, "rigl", 0.6, 12, every=2)
    assert sparse._leaky
    train(model, opt, range(6), lambda: assert_exact_and_zero(model, opt, sparse))


def test_the_muon_of_torch_is_masked_and_the_other_weights_belong_to_another_topology():
    model = Menagerie()
    matrices = [model.one.weight, model.attention.in_proj_weight, model.attention.out_proj.weight, model.last.weight]
    rest = [p for p in model.parameters() if p.requires_grad and all(p is not m for m in matrices)]
    muon, adam = torch.optim.Muon(matrices), torch.optim.AdamW(rest)
    one, two = sparsify(model, muon, "rigl", 0.5, 12, every=2), sparsify(model, adam, "rigl", 0.5, 12, every=2)
    assert set(one.sizes()) == {"one.weight", "attention.in_proj_weight", "attention.out_proj.weight", "last.weight"}
    assert not set(one.sizes()) & set(two.sizes())
    assert one._leaky
    for step in range(6):
        model.zero_grad()
        x, y = batch(step)
        F.cross_entropy(model(x), y).backward()
        muon.step()
        adam.step()
        for opt, sparse in ((muon, one), (adam, two)):
            assert_exact_and_zero(model, opt, sparse)
    assert one.updates == two.updates == 3


@pytest.mark.parametrize("optimizer", AWAKE)
def test_states_that_do_not_rest_at_zero_start_as_those_of_a_fresh_weight(optimizer):
    torch.manual_seed(0)
    layer = nn.Linear(6, 4, bias=False)
    opt = AWAKE[optimizer](layer.parameters())
    sparse = sparsify(layer, opt, "rigl", 0.5, 20, every=3, stop=1.0)
    before = sparse.masks["weight"]
    for step in range(6):
        opt.zero_grad()
        (layer.weight * torch.randn(4, 6, generator=torch.Generator().manual_seed(step))).sum().backward()
        opt.step()
        assert not layer.weight[~sparse.masks["weight"]].any()
        if step == 4:
            before = sparse.masks["weight"]
    born = sparse.masks["weight"] & ~before
    assert born.any()
    fresh = nn.Linear(6, 4, bias=False)
    with torch.no_grad():
        fresh.weight.zero_()
    twin = AWAKE[optimizer](fresh.parameters())
    (fresh.weight * 0).sum().backward()
    twin.step()
    for name, value in twin.state[fresh.weight].items():
        if isinstance(value, torch.Tensor) and value.shape == layer.weight.shape:
            assert torch.allclose(opt.state[layer.weight][name][born], value[born]), name


@pytest.mark.parametrize(
    ("optimizer", "elementwise"),
    [(name, True) for name in (*OPTIMIZERS, *AWAKE)] + [(name, False) for name in MIXING],
)
def test_a_small_step_tells_what_an_optimizer_does(optimizer, elementwise):
    weight = nn.Parameter(torch.randn(4, 3, 2, 2))
    opt = (OPTIMIZERS | AWAKE | MIXING)[optimizer]([weight])
    before, state = weight.clone(), torch.get_rng_state()
    rest = at_rest(opt, weight)
    assert rest.elementwise == elementwise
    assert torch.equal(weight, before)
    assert not opt.state.get(weight) or optimizer == "adagrad"
    assert torch.equal(state, torch.get_rng_state())
    if optimizer in OPTIMIZERS:
        assert not rest.states


def test_an_optimizer_is_tried_out_once_for_all_weights_of_a_kind(monkeypatch):
    """Of a kind: in one group of the optimizer, of as many dimensions, one dtype, on one device."""
    tried = []
    monkeypatch.setattr(
        optimizer_state, "_try_out", lambda kind, settings, w: tried.append(w.dim()) or Rest(w.dim() > 2)
    )
    layers = {str(place): nn.Parameter(torch.zeros([place + 2] * dims)) for place, dims in enumerate((2, 4, 2, 4, 2))}
    groups = [{"params": [*layers.values()][:3]}, {"params": [*layers.values()][3:], "lr": 0.5}]
    found = all_at_rest(torch.optim.SGD(groups, 0.1), layers)
    assert sorted(tried) == [2, 2, 4, 4]
    assert {name: rest.elementwise for name, rest in found.items()} == {n: w.dim() > 2 for n, w in layers.items()}
    assert list(found) == list(layers)


def test_a_warm_up_that_starts_at_zero_hides_nothing():
    weight = nn.Parameter(torch.randn(4, 4))
    opt = MIXING["muon"]([weight])
    opt.param_groups[0]["lr"] = 0.0
    assert not at_rest(opt, weight).elementwise


def test_an_optimizer_that_cannot_be_tried_out_is_masked_after_each_step():
    class Stubborn(torch.optim.SGD):
        def __init__(self, model: nn.Module) -> None:
            super().__init__(model.parameters(), 0.1, momentum=0.9)

        def step(self, closure=None):
            super().step(closure)
            with torch.no_grad():
                for p in self.param_groups[0]["params"]:
                    p.add_(0.01)  # moves every weight

    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 4))
    opt = Stubborn(model)
    sparse = sparsify(model, opt, "set", 0.5, 12, every=2)
    train(model, opt, range(5), lambda: assert_exact_and_zero(model, opt, sparse))


def test_lbfgs_needs_a_closure_and_is_masked():
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 4))
    opt = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
    sparse = sparsify(model, opt, "set", 0.5, 12, every=2)
    x, y = batch(0)

    def closure():
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    for _ in range(3):
        opt.step(closure)
        assert not model[1].weight[~sparse.masks["1.weight"]].any()
    assert sparse.updates == 1


@pytest.mark.parametrize("line_search", [None, "strong_wolfe"])
def test_lbfgs_may_ask_for_twenty_gradients_a_step_and_never_sees_an_absent_weight(line_search):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 6), nn.Tanh(), nn.Linear(6, 4))
    opt = torch.optim.LBFGS(model.parameters(), line_search_fn=line_search)
    sparse = sparsify(model, opt, "rigl", 0.5, 12, every=2)
    x, y = batch(0)
    asked = 0

    def closure():
        nonlocal asked
        asked += 1
        weights = sparse.weights()
        assert not any(weights[name].detach()[~mask].any() for name, mask in sparse.masks.items())
        opt.zero_grad()
        loss = F.cross_entropy(model(x), y) + 1e-2 * sum(weight.square().sum() for weight in model.parameters())
        loss.backward()
        return loss

    for _ in range(7):
        opt.step(closure)
    assert asked > 7 * 3
    assert sparse.updates == 3


def test_an_optimizer_that_has_steps_behind_it_becomes_sparse_with_its_state():
    torch.manual_seed(0)
    model = Menagerie()
    opt = OPTIMIZERS["adamw"]([p for p in model.parameters() if p.requires_grad])
    train(model, opt, range(2))
    sparse = sparsify(model, opt, "rigl", 0.6, 12, every=2)
    assert_exact_and_zero(model, opt, sparse)
    train(model, opt, range(3), lambda: assert_exact_and_zero(model, opt, sparse))


def test_the_optimizer_may_not_train_all_weights_but_some():
    model, _, sparse = build("rigl")
    sparse.close()
    head = torch.optim.SGD(model.head.parameters(), 0.1)
    assert set(sparsify(model, head, "rigl", 0.5).sizes()) == {"head.weight"}


@pytest.mark.parametrize("method", ["rigl", "mest_g", "snfs"])
def test_gradients_keep_the_memory_layout_of_their_weights_which_fused_kernels_take_for_granted(method):
    found = []
    for fused in (False, True):
        torch.manual_seed(0)
        model = Menagerie().double()
        for weight in model.parameters():
            if weight.dim() == 5:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last_3d)
        opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 0.01, fused=fused)
        sparse = sparsify(model, opt, method, 0.6, 12, every=3)
        train(
            model, opt, range(5), lambda model=model, opt=opt, sparse=sparse: assert_exact_and_zero(model, opt, sparse)
        )
        for weight in model.parameters():
            assert weight.grad is None or weight.grad.squeeze().stride() == weight.squeeze().stride()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.allclose(*found, rtol=1e-6, atol=1e-9)
