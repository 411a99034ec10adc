"""A network with our input and output is copied and pickled as any other."""

import copy
import pickle

import pytest
import torch

from vidsparse.models.adapt import adapted
from vidsparse.models.zoo import create_model


def doubled(model, stock, clips):
    return 2 * stock(clips)


def one_more(model, stock, clips):
    return stock(clips) + 1


@pytest.mark.parametrize("name", ["cifar_resnet20", "timm/resnet10t", "x3d_xs", "timm/vit_tiny_patch16_224"])
def test_networks_of_the_table_are_the_same_after_a_pickle_and_a_copy(name):
    torch.manual_seed(0)
    model = create_model(name, 3, frames=4, size=32).eval()
    clips = torch.randn(1, 3, 4, 32, 32)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(twin) is type(model)
        assert twin.state_dict().keys() == model.state_dict().keys()
        assert torch.equal(twin(clips), model(clips))
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in model.parameters()}


def test_a_network_that_was_adapted_twice_keeps_both_in_their_order(tmp_path):
    model = adapted(adapted(torch.nn.Linear(3, 2), doubled), one_more)
    torch.save(model, tmp_path / "model.pt")
    twin = torch.load(tmp_path / "model.pt", weights_only=False)
    x = torch.randn(4, 3)
    assert torch.equal(twin(x), model(x))
    assert torch.equal(model(x), 2 * torch.nn.functional.linear(x, model.weight, model.bias) + 1)
    assert isinstance(twin, torch.nn.Linear)
