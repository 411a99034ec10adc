"""Growth that sees the mean gradient of several steps: equal to that of one large batch, exact over everything."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from helpers.toy import build, train
from vidsparse.sparsity.topology import sparsify

GROWING = ["rigl", "mest_g", "granet_g", "itop_g", "srigl"]
X = torch.Generator().manual_seed(5)
INPUTS = torch.randn(12, 8, 6, generator=X, dtype=torch.float64)


def loss(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return model(x).pow(3).mean()


def linear(method: str, window: int | None, fused: bool = False, **settings):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10, dtype=torch.float64), nn.Tanh(), nn.Linear(10, 4, dtype=torch.float64))
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.0, fused=fused
    )  # weights stay, so that steps can be added up by hand
    settings = {"every": 6, "grow_window": window, "total_steps": 40, "seed": 1, **settings}
    return model, optimizer, sparsify(model, optimizer, method, 0.5, **settings)


def steps(model, optimizer, numbers, parts: int = 1, clip: float | None = None) -> None:
    for number in numbers:
        optimizer.zero_grad()
        for part in INPUTS[number].chunk(parts):
            (loss(model, part) * len(part) / len(INPUTS[number])).backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()


@pytest.mark.parametrize("method", GROWING)
def test_a_window_over_small_batches_grows_what_one_large_batch_grows(method):
    small = linear(method, window=4, last_layer="sparse")
    steps(*small[:2], range(6))
    large = linear(method, window=1)
    steps(*large[:2], range(5))
    large[1].zero_grad()
    loss(large[0], INPUTS[2:6].flatten(0, 1)).backward()  # the last four steps at once
    large[1].step()
    assert small[2].updates == large[2].updates == 1
    assert small[2].changed > 0
    for name, mask in small[2].masks.items():
        assert torch.equal(mask, large[2].masks[name]), name


def test_what_is_grown_is_the_best_of_the_mean_gradient_written_out_by_hand():
    model, optimizer, sparse = linear("rigl", window=3)
    before = {name: mask.numpy() for name, mask in sparse.masks.items()}
    dense = nn.Sequential(nn.Linear(6, 10, dtype=torch.float64), nn.Tanh(), nn.Linear(10, 4, dtype=torch.float64))
    dense.load_state_dict(model.state_dict())
    gradients = []
    for number in (3, 4, 5):
        dense.zero_grad()
        loss(dense, INPUTS[number]).backward()
        gradients.append({name: p.grad.clone().numpy() for name, p in dense.named_parameters()})
    weights = {name: p.detach().abs().numpy() for name, p in model.named_parameters()}
    steps(model, optimizer, range(6))
    for name, mask in sparse.masks.items():
        nonzero = int(before[name].sum())
        keep = nonzero - int(sparse.method.fraction(6, 40) * nonzero)
        ranked = np.argsort(-np.where(before[name], weights[name], -1).ravel(), kind="stable")
        kept = set(ranked[:keep].tolist())
        mean = np.abs(np.mean([each[name] for each in gradients], axis=0)).ravel()
        grown = [i for i in np.argsort(-mean, kind="stable").tolist() if i not in kept][: nonzero - keep]
        assert set(np.flatnonzero(mask.numpy()).tolist()) == kept | set(grown), name


def test_a_window_of_one_is_what_it_was_and_a_longer_one_differs():
    masks = {}
    for window in (None, 1, 6):
        model, optimizer, sparse = linear("rigl", window=window)
        steps(model, optimizer, range(12))
        masks[window] = torch.cat([mask.flatten() for mask in sparse.masks.values()])
    assert torch.equal(masks[None], masks[1])
    assert not torch.equal(masks[6], masks[1])


@pytest.mark.parametrize("method", ["rigl", "mest_g"])
def test_accumulation_inside_a_window_changes_nothing(method):
    whole, parts = linear(method, window=4), linear(method, window=4)
    steps(*whole[:2], range(12))
    steps(*parts[:2], range(12), parts=4)
    assert all(torch.equal(mask, parts[2].masks[name]) for name, mask in whole[2].masks.items())


def test_a_clipped_step_weighs_in_the_window_as_the_optimizer_saw_it():
    model, optimizer, sparse = linear("rigl", window=2)
    seen = []
    for number in range(5):
        steps(model, optimizer, [number], clip=1e-3)
        seen.append({n: layer.earlier.clone() for n, layer in sparse._layers.items() if layer.earlier is not None})
    assert [bool(each) for each in seen] == [False, False, False, False, True]
    for name, total in seen[4].items():
        weight = dict(model.named_parameters())[name]
        mask = sparse.masks[name]
        assert torch.allclose(total[mask], weight.grad[mask], rtol=1e-9, atol=0)


def test_a_step_that_a_scaler_left_out_is_not_in_the_window():
    model, optimizer, sparse = linear("rigl", window=3, fused=True)
    steps(model, optimizer, range(4))
    held = {name: layer.earlier.clone() for name, layer in sparse._layers.items()}
    optimizer.found_inf = torch.ones(1)  # as a fused optimizer is told on the device
    steps(model, optimizer, [9])
    assert sparse.step == 4
    assert all(torch.equal(layer.earlier, held[name]) for name, layer in sparse._layers.items())
    optimizer.found_inf = torch.zeros(1)
    steps(model, optimizer, [4, 5])
    plain = linear("rigl", window=3)
    steps(*plain[:2], range(6))
    assert sparse.updates == 1
    assert all(torch.equal(mask, plain[2].masks[name]) for name, mask in sparse.masks.items())


@pytest.mark.parametrize("at", [2, 4, 5, 8])
def test_a_window_that_was_cut_by_a_kill_goes_on_bit_by_bit(at):
    straight, first = (build("rigl", every=5, grow_window=4) for _ in range(2))
    train(*straight[:2], range(14))
    train(*first[:2], range(at))
    second = build("rigl", every=5, grow_window=4, seed=7)
    for old, new in zip(first, second, strict=True):
        new.load_state_dict(copy.deepcopy(old.state_dict()))
    train(*second[:2], range(at, 14))
    for name, weight in straight[0].state_dict().items():
        assert torch.equal(weight, second[0].state_dict()[name]), name
    assert straight[2].masks.keys() == second[2].masks.keys()
    assert all(torch.equal(mask, second[2].masks[name]) for name, mask in straight[2].masks.items())
    assert straight[2].changed == second[2].changed > 0


def test_memory_of_a_window_is_given_back_after_the_update():
    model, optimizer, sparse = linear("rigl", window=2)
    steps(model, optimizer, range(6))
    assert all(layer.earlier is None and layer.spare is None for layer in sparse._layers.values())


def test_dense_gradients_are_asked_for_in_the_window_alone_and_are_counted():
    sparse = linear("rigl", window=4)[2]
    asked = sparse.method.dense_gradient_steps(40)
    assert list(asked)[:8] == [3, 4, 5, 6, 9, 10, 11, 12]
    assert len(asked) == 4 * len(sparse.method.update_steps(40))


@pytest.mark.parametrize(
    ("method", "window"), [("rigl", 0), ("rigl", -1), ("rigl", 2.5), ("rigl", True), ("rigl", float("nan"))]
)
def test_a_window_is_a_whole_number_of_steps(method, window):
    from vidsparse.utils.errors import ConfigError

    with pytest.raises(ConfigError, match="grow_window"):
        linear(method, window)
