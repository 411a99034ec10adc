"""First masks: drawn, or those of the largest weights where the weights were trained."""

import pytest
import torch
from torch import nn

from helpers.toy import SPARSE, Net, expected_nonzero
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


def first(method: str = "rigl", sparsity: float = 0.6, trained: bool = False, seed: int = 0, **settings):
    torch.manual_seed(0)
    model = Net()
    if trained:
        model.weights_were_trained = True  # as create_model says it
    weights = {name: value.detach().clone() for name, value in model.named_parameters()}
    opt = torch.optim.SGD(model.parameters(), 0.1)
    return weights, sparsify(model, opt, method, sparsity, 20, seed=seed, **settings)


@pytest.mark.parametrize("method", SPARSE)
def test_the_largest_weights_of_each_layer_stay_as_many_as_are_drawn(method):
    weights, largest = first(method, init="magnitude")
    drawn = first(method, init="random")[1]
    assert expected_nonzero(largest, drawn.nonzero / drawn.total)
    for name, mask in largest.masks.items():
        size = weights[name].abs()
        if method == "srigl":
            assert len(set(mask.flatten(1).sum(1).tolist())) == 1
            continue
        if mask.all():
            continue
        assert size[mask].min() >= size[~mask].max()
        if "granet" not in method:
            assert int(mask.sum()) == drawn.counts()[name]


def test_granet_ranks_the_weights_of_all_layers_together():
    weights, sparse = first("granet_g", init="magnitude", every=2)
    present = torch.cat([weights[name][mask].abs() for name, mask in sparse.masks.items()])
    absent = torch.cat([weights[name][~mask].abs() for name, mask in sparse.masks.items()])
    assert present.min() >= absent.max()
    assert sparse.nonzero == round(0.8 * sparse.total)


def test_auto_keeps_the_largest_of_trained_weights_and_draws_otherwise():
    def same(one, two):
        return all(torch.equal(mask, two.masks[name]) for name, mask in one.masks.items())

    by_size, by_lot = (first(init=init, trained=True)[1] for init in ("magnitude", "random"))
    assert same(first(trained=True)[1], by_size)
    assert same(first()[1], by_lot)
    assert not same(by_size, by_lot)
    assert same(first(trained=True, seed=5)[1], by_size)  # nothing is drawn
    assert (first(trained=True)[1].init, first()[1].init) == ("magnitude", "random")


def test_drawn_masks_are_those_of_before_there_was_a_choice():
    """The layer's k highest of uniform numbers from (seed, 0, name): runs of before continue."""
    torch.manual_seed(0)
    model = nn.Linear(4, 3, bias=False)
    sparse = sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "static", 0.5, seed=3)
    assert sparse.masks["weight"].long().tolist() == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 1, 1, 1]]


def test_other_words_are_refused():
    with pytest.raises(ConfigError, match="init='largest': it is auto, random or magnitude"):
        first(init="largest")


@pytest.mark.parametrize(("method", "distribution"), [("rigl", "erk"), ("static", "uniform"), ("srigl", "erk")])
def test_rescaled_neurons_get_what_they_get_in_the_dense_network(method, distribution):
    def made(rescale: bool, sparse: bool = True) -> nn.Module:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(16, 400, 3, bias=False), nn.Flatten(), nn.Linear(400, 300, bias=False))
        for weight in model.parameters():
            nn.init.normal_(weight)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        if sparse:
            sparsify(model, optimizer, method, 0.8, 100, distribution, rescale_init=rescale)
        return model

    dense, plain, scaled = made(False, sparse=False), made(False), made(True)
    for number in (0, 2):
        before, old, new = (model[number].weight.detach().flatten(1) for model in (dense, plain, scaled))
        present = (old != 0).sum(1)
        assert torch.equal(old != 0, new != 0)
        wanted = old * (before.shape[1] / present.clamp_min(1)).sqrt()[:, None]
        assert torch.allclose(new, wanted)
        spread = [float(each.square().sum(1).mean()) for each in (before, old, new)]  # variance of a neuron's input
        assert spread[2] == pytest.approx(spread[0], rel=0.1)
        assert spread[1] < 0.9 * spread[0]


def test_trained_weights_are_not_rescaled():
    model = nn.Linear(8, 8)
    with pytest.raises(ConfigError, match="rescale_init is for random weights"):
        sparsify(model, torch.optim.SGD(model.parameters(), 0.1), "set", 0.5, init="magnitude", rescale_init=True)
