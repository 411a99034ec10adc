"""Narrower dense networks: as many weights as a sparse one keeps, the same outputs, or a sentence that says why not."""

import pytest
import torch
from torch import nn

import vidsparse
from vidsparse.models.narrowing import narrow
from vidsparse.utils.errors import ConfigError

NETWORKS = [
    ("cifar_resnet20", 1, 32),  # shortcuts that pad with zeros
    pytest.param("r3d_18", 4, 32, marks=pytest.mark.slow),
    pytest.param("i3d", 4, 32, marks=pytest.mark.slow),  # branches side by side
    pytest.param("x3d_s", 4, 32, marks=pytest.mark.slow),  # depthwise, squeeze and excitation
    pytest.param("timm/densenet121", 1, 32, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "frames", "size"), NETWORKS)
def test_it_has_as_many_weights_as_a_sparse_one_keeps_and_answers_as_many_classes(name, frames, size):
    torch.manual_seed(0)
    whole = vidsparse.create_model(name, 5, frames, size)
    sparse = vidsparse.sparsify(whole, torch.optim.SGD(whole.parameters(), 0.1), "static", 0.5)
    kept = sum(p.numel() for p in whole.parameters()) - sparse.total + sparse.nonzero
    narrow = vidsparse.create_model(name, 5, frames, size, narrowed=0.5)
    assert sum(p.numel() for p in narrow.parameters()) == pytest.approx(kept, rel=0.02)
    assert narrow.state_dict().keys() == vidsparse.create_model(name, 5, frames, size).state_dict().keys()
    logits = narrow.train()(torch.randn(2, 3, frames, size, size))
    assert logits.shape == (2, 5)
    logits.sum().backward()


def test_what_a_neuron_gets_at_first_varies_as_in_the_whole_network():
    torch.manual_seed(0)
    whole, narrow = (vidsparse.create_model("cifar_resnet20", 10, 1, 32, narrowed=share) for share in (0, 0.7))
    for layer in ("layer2.1.conv1", "layer3.2.conv2"):
        fan = [m.get_submodule(layer).weight.flatten(1).square().sum(1).mean().item() for m in (whole, narrow)]
        assert float(fan[1] / fan[0]) == pytest.approx(1, abs=0.15)


def test_a_seed_gives_the_same_weights_and_they_come_back_from_a_file(tmp_path):
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(vidsparse.create_model("cifar_resnet20", 10, 1, 32, narrowed=0.5))
    assert all(torch.equal(a, b) for a, b in zip(*(m.state_dict().values() for m in made), strict=True))
    torch.save(made[0].state_dict(), tmp_path / "narrow.pth")
    back = vidsparse.create_model("cifar_resnet20", 10, 1, 32, tmp_path / "narrow.pth", narrowed=0.5)
    assert all(
        torch.equal(a, b) for a, b in zip(made[0].state_dict().values(), back.state_dict().values(), strict=True)
    )
    with pytest.raises(ConfigError):
        vidsparse.create_model("cifar_resnet20", 10, 1, 32, tmp_path / "narrow.pth")


def test_a_network_whose_widths_cannot_be_scaled_is_refused():
    with pytest.raises(ConfigError, match=r"model\.narrowed.*cifar_vit"):
        vidsparse.create_model("cifar_vit", 10, 1, 32, narrowed=0.5)


def test_widths_that_come_not_near_the_weights_wanted_are_refused():
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2, 2))
    model.example_shape = (1, 3, 3, 3)
    with pytest.raises(ConfigError, match=r"narrowed=0\.3.*leave 32 weights, and 45"):
        narrow(model, 0.3)
