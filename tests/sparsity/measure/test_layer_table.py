"""Memory as published; explored, overlap and cost as counted from the masks themselves."""

import numpy as np
import pytest
import torch
import torchvision
from scipy.sparse import csr_matrix
from torch import nn

from helpers.toy import SPARSE, build, train
from vidsparse.sparsity import METHODS, allocate, count_flops
from vidsparse.sparsity.measure import layer_table as cost
from vidsparse.sparsity.measure.layer_table import (
    Memory,
    budget_of,
    forward_flops,
    layer_table,
    model_memory,
    training_cost,
    weight_memory,
)

SHAPE = (1, 3, 2, 6, 6)


@pytest.mark.parametrize(("sparsity", "megabytes"), [(0.9, 13.499), (0.95, 8.399)])
def test_published_sizes_of_resnet50_with_a_bit_mask(sparsity, megabytes):
    """Checkpoints of Evci et al. 2020: ERK, 4 bytes a value, a bit a weight; biases, but no scales of norms."""
    with torch.device("meta"):
        model = torchvision.models.resnet50()
    shapes = {name: tuple(w.shape) for name, w in model.named_parameters() if w.dim() > 1}
    kept = allocate(shapes, 1 - sparsity)
    counted = {name: w for name, w in model.named_parameters() if name in shapes or name.endswith("bias")}
    rows = [(w.numel(), kept.get(name, w.numel()), len(w)) for name, w in counted.items()]
    whole = sum((weight_memory(total, nonzero, n, 4) for total, nonzero, n in rows), Memory())
    assert whole.dense == 4 * sum(w.numel() for w in counted.values())
    assert whole.bitmask / 1e6 == pytest.approx(megabytes, abs=0.001)


def test_csr_is_what_scipy_would_hold():
    matrix = np.random.default_rng(0).normal(size=(20, 50)).astype(np.float32)
    matrix[np.random.default_rng(1).random(matrix.shape) < 0.8] = 0
    held = csr_matrix(matrix)
    expected = held.data.nbytes + held.indices.astype(np.int32).nbytes + held.indptr.astype(np.int32).nbytes
    assert weight_memory(1000, held.nnz, 20, 4).csr == expected


STATES = {"sgd": 1, "adamw": 3, "rmsprop": 3, "lion": 1}  # tensors a weight, of the settings in toy.py


@pytest.mark.parametrize("optimizer", STATES)
def test_optimizer_state_has_the_zeros_of_its_weight(optimizer):
    model, opt, sparse = build("rigl", optimizer)
    assert model_memory(model, sparse)[1] == Memory()
    train(model, opt, range(4))
    weights, states = model_memory(model, sparse)
    parameters = sum(w.numel() for w in model.parameters())
    missing = sparse.total - sparse.nonzero
    assert (weights.dense, states.dense) == (4 * parameters, 4 * parameters * STATES[optimizer])
    assert states.bitmask == 4 * STATES[optimizer] * (parameters - missing)
    assert weights.bitmask < weights.csr < weights.dense


@pytest.mark.parametrize("method", SPARSE)
def test_explored_and_overlap_are_those_of_the_masks(method):
    model, opt, sparse = build(method)
    first = {name: mask.clone() for name, mask in sparse.masks.items()}
    ever = {name: mask.clone() for name, mask in first.items()}

    def check():
        for name, mask in sparse.masks.items():
            ever[name] |= mask
        there = sum(int((mask & first[name]).sum()) for name, mask in sparse.masks.items())
        seen = sum(int(mask.sum()) for mask in ever.values())
        assert cost.explored(sparse) == pytest.approx(seen / sum(mask.numel() for mask in first.values()))
        assert cost.overlap(sparse) == pytest.approx(there / sum(int(m.sum()) for m in sparse.masks.values()))

    check()
    train(model, opt, range(13), check)
    grows = METHODS[method].dynamic and METHODS[method].initial_density < 1  # else all that there is was there
    assert (cost.overlap(sparse) < 1) == grows


@pytest.mark.parametrize("method", SPARSE)
def test_the_planned_cost_is_near_the_one_that_came(method):
    model, opt, sparse = build(method, total=60)
    flops = count_flops(model, SHAPE)
    budget = budget_of(sparse)
    planned, start = forward_flops(flops, budget), flops.sparse(sparse.densities())
    came = {0: start}

    def note():
        came[sparse.step] = flops.sparse(sparse.densities())

    train(model, opt, range(60), note)
    assert planned[0] == start
    costs = training_cost(flops, budget, planned), training_cost(flops, budget, came)
    # pruning over all layers together need not follow the distribution
    assert costs[0] == pytest.approx(costs[1], rel=0.15 if method.startswith("granet") else 0.01)


def test_dense_gradients_are_paid_at_updates_alone():
    _, _, rigl = build("rigl", total=60)
    model, _, random = build("set", total=60, stop=0.75)
    flops = count_flops(model, SHAPE)
    budgets = budget_of(rigl), budget_of(random)
    costs = [training_cost(flops, budget, forward_flops(flops, budget)) for budget in budgets]
    updates = len(rigl.method.update_steps(60))
    assert costs[0] - costs[1] == pytest.approx(updates * (flops.dense - flops.sparse(rigl.densities())))


def test_the_table_of_layers_adds_up():
    model, opt, sparse = build("rigl")
    train(model, opt, range(7))
    flops = count_flops(model, SHAPE)
    rows = layer_table(model, sparse, flops)
    assert [row["name"] for row in rows] == list(sparse.sizes())
    assert sum(row["nonzero"] for row in rows) == sum(row["planned"] for row in rows) == sparse.nonzero
    assert sum(row["flops_sparse"] for row in rows) + flops.other == pytest.approx(flops.sparse(sparse.densities()))
    assert sum(row["flops_dense"] for row in rows) + flops.other == flops.dense
    nn.init.zeros_(model.head.weight)
    dead = {row["name"]: (row["dead_inputs"], row["dead_outputs"]) for row in layer_table(model, sparse, None)}
    assert dead["head.weight"] == (8, 4)


def test_exploration_counts_masked_layers_alone_and_says_where_they_are():
    """At low sparsity ERK keeps most layers dense: they would count as explored from the first step on."""
    sparse = build("rigl", sparsity=0.1)[2]
    inside = set(sparse.masks)
    sizes = sparse.sizes()
    assert 0 < len(inside) < len(sizes)
    assert cost.coverage(sparse) == {
        "layers": len(sizes),
        "masked_layers": len(inside),
        "masked_weights": sum(sizes[name] for name in inside),
        "weights": sparse.total,
    }
    before = cost.explored(sparse)
    assert before == pytest.approx(sum(sparse.counts()[n] for n in inside) / sum(sizes[n] for n in inside))
    everywhere = build("granet_g", sparsity=0.1)[2]
    assert cost.coverage(everywhere)["masked_layers"] == len(sizes)
    dense = build("dense")[2]
    assert (cost.explored(dense), cost.overlap(dense), cost.coverage(dense)["masked_layers"]) == (
        1,
        1,
        0,
    )


def test_present_weights_that_never_left_zero_do_not_count_as_effective():
    model, _, sparse = build("static", sparsity=0.5)
    name, mask = next(iter(sparse.masks.items()))
    weight = dict(model.named_parameters())[name]
    present = int(mask.sum())
    with torch.no_grad():
        weight.copy_(torch.where(mask, 1.0, 0.0))
        places = mask.flatten().nonzero().flatten()
        weight.view(-1)[places[0]] = 0.0
        weight.view(-1)[places[1]] = -0.049
        weight.view(-1)[places[2]] = 0.05
    assert cost.effective_counts(sparse)[name] == present - 2
    table = {row["name"]: row for row in layer_table(model, sparse, None)}
    assert table[name]["effective"] == present - 2
    assert table[name]["nonzero"] == present


@pytest.mark.parametrize("method", ["set", "rigl", "mest_g", "srigl"])
def test_what_was_dropped_is_told_apart_from_what_is_gone(method):
    model, opt, sparse = build(method)
    before = {name: mask.clone() for name, mask in sparse.masks.items()}
    gone = dropped = 0

    def check():
        nonlocal gone, dropped
        update = sparse.last_update
        if update is not None and update.step == sparse.step:
            gone += sum(int((before[name] & ~mask).sum()) for name, mask in sparse.masks.items())
            dropped = sparse.dropped
            assert sparse.changed == gone
            assert dropped >= gone
        before.update({name: mask.clone() for name, mask in sparse.masks.items()})

    train(model, opt, range(13), check)
    assert dropped > 0
    state = sparse.state_dict()
    assert state["dropped"] == dropped
    del state["dropped"]  # as a version wrote it that did not count it
    sparse.load_state_dict(state)
    assert sparse.dropped == 0
