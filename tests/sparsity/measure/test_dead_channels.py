"""Dead channels are those that a loop over kernels finds."""

import itertools

import pytest
import torch
from torch import nn

from helpers.toy import Net
from vidsparse.sparsity import dead_channels

LAYERS = {
    "linear": lambda: nn.Linear(6, 5),
    "conv3d": lambda: nn.Conv3d(4, 6, 2),
    "grouped": lambda: nn.Conv2d(4, 6, 2, groups=2),
    "depthwise": lambda: nn.Conv2d(4, 8, 2, groups=4),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 2, groups=2),
}


def connected(layer: nn.Module, i: int, o: int) -> bool:
    """Whether the layer's output o changes when its input i does, found by trying."""
    width = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    x = torch.zeros(1, width, *(4,) * (layer.weight.dim() - 2))
    y = x.clone()
    y[0, i] = torch.rand(y[0, i].shape) + 0.5
    return bool((layer(x)[0, o] != layer(y)[0, o]).any())


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("seed", range(4))
def test_dead_is_what_changes_nothing_and_is_changed_by_nothing(kind, seed):
    torch.manual_seed(seed)
    layer = LAYERS[kind]()
    layer.weight.data *= torch.rand(layer.weight.shape) < 0.08
    dead = dead_channels(layer)["weight"]
    pairs = itertools.product(range(len(dead.inputs)), range(len(dead.outputs)))
    alive = {pair for pair in pairs if connected(layer, *pair)}
    assert set((~dead.inputs).nonzero().flatten().tolist()) == {i for i, _ in alive}
    assert set((~dead.outputs).nonzero().flatten().tolist()) == {o for _, o in alive}


def test_every_prunable_weight_is_looked_at():
    net = Net()
    net.attention.in_proj_weight.data[3] = 0
    net.stem[0].weight.data[:, 1] = 0
    dead = dead_channels(net)
    assert set(dead) == {
        "stem.0.weight",
        "grouped.weight",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "head.weight",
    }
    assert dead["attention.in_proj_weight"].outputs.nonzero().tolist() == [[3]]
    assert dead["stem.0.weight"].inputs.tolist() == [False, True, False]
    assert not dead["head.weight"].outputs.any()
