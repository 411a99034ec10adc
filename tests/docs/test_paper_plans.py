"""What the paper's settings make of each method: the plan of the configs, held against trainings by the engine."""

from math import prod

import pytest
import torch
from torch import nn

from tools.docs.paper_plans import NETWORKS, SPARSITIES, paper_config, paper_plans, planned_changes, turnover
from vidsparse.sparsity.budget import Budget
from vidsparse.sparsity.methods import METHODS
from vidsparse.sparsity.topology import sparsify

SHAPES = ((80, 60), (60, 80), (20, 60))


def trained(method: str, sparsity: float, steps: int = 60, **settings):
    """What the engine made of a few linear layers whose weights get random gradients."""
    torch.manual_seed(0)
    model = nn.ModuleList([nn.Linear(columns, rows, bias=False) for rows, columns in SHAPES])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    sparse = sparsify(model, optimizer, method, sparsity, steps, every=2, stop=1.0, **settings)
    for _ in range(steps):
        optimizer.zero_grad()
        sum((layer.weight * torch.randn(layer.weight.shape)).sum() for layer in model).backward()
        optimizer.step()
    return sparse


@pytest.mark.parametrize("sparsity", SPARSITIES)
@pytest.mark.parametrize("method", ["set", "mest", "itop_r", "mest_r"])
def test_what_is_planned_is_what_the_engine_does(method, sparsity):
    sparse = trained(method, sparsity)
    budget = Budget(sparse.shapes(), frozenset(), sparse.method, sparsity, "erk", 60)
    groups = [[name] for name in budget.sparse_layers()]
    dropped, net = (sum(each) for each in zip(*planned_changes(budget, groups), strict=True))
    assert sparse.masked_layers == {name for group in groups for name in group}
    assert dropped == sparse.dropped
    assert net == pytest.approx(sparse.changed, rel=0.03)


def test_of_growth_by_gradient_only_training_knows_what_is_gone():
    for name, row in METHODS.items():
        if row.dynamic and row.dense_gradient:
            assert turnover("slow_r50", name, 0.5).net is None, name
    assert turnover("slow_r50", "set", 0.5).net == pytest.approx(3.43, abs=0.01)


@pytest.mark.parametrize("network", NETWORKS)
def test_where_masks_are_is_what_a_network_of_these_shapes_gets(network):
    with torch.device("meta"):
        from vidsparse.models.zoo import create_model

        model = create_model(network, 101, 8, 224)
    masked = turnover(network, "rigl", 0.1)
    assert (masked.masked, masked.layers) == (3, 54)
    assert masked.layers == sum(isinstance(module, nn.Conv3d | nn.Linear) for module in model.modules())
    assert turnover(network, "rigl", 0.1, "uniform").share == 1
    assert turnover(network, "granet_g", 0.1).masked == 54
    total = sum(prod(m.weight.shape) for m in model.modules() if isinstance(m, nn.Conv3d | nn.Linear))
    assert 0.2 * total < masked.share * total < 0.3 * total


def test_the_shipped_config_of_a_method_is_the_one_that_is_counted():
    assert paper_config("slow_r50", "granet_g", 0.5).sparse.initial_density == 1.0
    assert paper_config("slow_r50", "granet_r", 0.5).sparse.initial_density == 0.8
    assert paper_config("i3d_r50", "mest_g", 0.1).sparse.soft_bound == 0.1
    assert paper_config("i3d_r50", "rigl", 0.1).model.name == "i3d_r50"
    assert all(f"| {name} | 49 |" in paper_plans("i3d_r50") for name, row in METHODS.items() if row.dynamic)
