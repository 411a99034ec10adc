"""On a GPU: the masks of the CPU, no waiting for the device outside updates, and steps replayed from a CUDA graph."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.toy import DYNAMIC, assert_exact_and_zero, batch
from vidsparse.sparsity.selection import top, top_rows
from vidsparse.sparsity.topology import sparsify

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def small(device: str, method: str, every: int = 2):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(216, 24), nn.ReLU(), nn.Linear(24, 4)).double().to(device)
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    return model, opt, sparsify(model, opt, method, 0.7, 20, every=every)


def one_step(model, opt, step: int) -> None:
    opt.zero_grad()
    x, y = (value.to(model[1].weight.device) for value in batch(step))
    F.cross_entropy(model(x.double()), y).backward()
    opt.step()


@pytest.mark.parametrize("method", DYNAMIC)
def test_the_masks_are_those_of_the_cpu(method):
    here, there = small("cpu", method), small("cuda", method)
    for step in range(8):
        for model, opt, _ in (here, there):
            one_step(model, opt, step)
    assert here[2].changed == there[2].changed > 0
    assert all(torch.equal(mask, there[2].masks[name].cpu()) for name, mask in here[2].masks.items())


def test_selection_is_that_of_the_cpu_with_ties_and_numbers_that_are_none():
    scores = torch.randn(300_000).round(decimals=2)
    scores[::1000] = torch.nan
    among = torch.rand(300_000) > 0.4
    for k in (1, 1000, 100_000):
        assert torch.equal(top(scores.cuda(), k, among.cuda()).cpu(), top(scores, k, among))
    rows = scores.view(300, 1000).nan_to_num()
    assert torch.equal(top_rows(rows.cuda(), 17).cpu(), top_rows(rows, 17))


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("method", ["static", "set", "rigl", "mest", "granet_g", "srigl"])
def test_outside_updates_nobody_waits_for_the_device(method, optimizer):
    model, _, sparse = small("cuda", "rigl")
    sparse.close()
    opt = optimizer(model.parameters(), 0.01)
    sparse = sparsify(model, opt, method, 0.7, 1000, **({} if method == "static" else {"every": 500}))
    x, y = (value.cuda() for value in batch(0))
    one_step(model, opt, 0)  # what is made once
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            opt.zero_grad()
            F.cross_entropy(model(x.double()), y).backward()
            opt.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert_exact_and_zero(model, opt, sparse)


def test_steps_replayed_from_a_graph_keep_to_masks_that_were_updated_outside_of_it():
    model, opt, sparse = small("cuda", "rigl", every=5)
    x, y = (value.cuda() for value in batch(0))
    x = x.double()

    def step() -> None:
        opt.zero_grad(set_to_none=False)
        F.cross_entropy(model(x), y).backward()
        opt.step()

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    before = sparse.masks
    for _ in range(2):
        graph.replay()
    sparse.step = 4
    step()  # the update
    assert sparse.updates == 1
    assert any(not torch.equal(mask, before[name]) for name, mask in sparse.masks.items())
    for _ in range(3):
        graph.replay()
    assert_exact_and_zero(model, opt, sparse)
