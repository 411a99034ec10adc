"""What tracing cannot see to its end stays; what an example lets it see goes."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import vidsparse
from helpers.ablated import assert_same, damage, weights
from vidsparse.sparsity import compact, compaction


class Tries(nn.Module):
    """Tracing gets as far as two layers, one of which seems to be for nothing, and fails."""

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.two = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 4)

    def forward(self, x):
        y = self.two(self.norm(self.one(x)))
        return y if x.sum() < 1e9 else x


def test_layers_of_a_step_that_could_not_be_traced_to_its_end_stay():
    model = damage(nn.Sequential(nn.Linear(4, 4), Tries(), nn.Linear(4, 2)), 0.4, 0, 0)
    done = compaction(model)
    assert weights(done.model[1]) == weights(model[1])
    assert_same(model, done.model, torch.randn(4, 4).double())


class Again(nn.Module):
    """A norm that two branches share, and an activation that everything shares."""

    def __init__(self):
        super().__init__()
        self.one, self.other, self.norm = nn.Linear(4, 6), nn.Linear(4, 6), nn.BatchNorm1d(6)
        self.act, self.inner, self.head = nn.ReLU(), nn.Linear(6, 8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.act(self.norm(self.one(x))) * self.act(self.norm(self.other(x)))
        return self.head(self.act(self.inner(x)))


def test_a_norm_that_is_used_twice_stays_and_an_activation_does_not_matter():
    model = damage(Again(), 0, 0, 0)
    model.one.weight.data[:3] = model.inner.weight.data[:4] = 0
    small = compact(model)
    assert (small.norm.num_features, small.inner.out_features) == (6, 4)
    assert_same(model, small, torch.randn(3, 4).double())


class Mixed(nn.MaxPool2d):
    def forward(self, input):
        return super().forward(input.cumsum(1))


class Kept(nn.MaxPool2d):
    def forward(self, input):
        return super().forward(input[:, :, : input.shape[2]])


@pytest.mark.parametrize(("pool", "channels"), [(Mixed, 6), (Kept, 4)])
def test_a_pool_of_somebody_else_is_tried(pool, channels):
    model = damage(nn.Sequential(nn.Conv2d(3, 6, 1), pool(2), nn.Conv2d(6, 2, 1)), 0, 0, 0)
    model[0].weight.data[:2] = 0
    small = compact(model)
    assert small[0].out_channels == channels
    assert_same(model, small, torch.randn(1, 3, 4, 4).double())


class Asks(nn.Module):
    """It pads by the lengths that it finds, branches on them, and flattens by the number of samples."""

    def __init__(self, channels: bool) -> None:
        super().__init__()
        self.one, self.two, self.head = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 4, 3), nn.Linear(4 * 25, 2)
        self.channels = channels

    def forward(self, x):
        x = F.pad(x, [side % 2 for side in x.shape[2:] for _ in range(2)])
        if len(x.shape) == 4 and x.size(3) > 4:
            x = torch.relu(self.one(x))
        x = self.two(F.pad(x, (1, 1, 1, 1)))
        x = x * x.shape[1] if self.channels else x
        return self.head(x.view(x.shape[0], -1))


@pytest.mark.parametrize("channels", [False, True])
def test_with_an_example_lengths_may_be_asked_for(channels):
    model = damage(Asks(channels), 0, 0, 0)
    model.one.weight.data[:3] = model.two.weight.data[:2] = 0
    model.one.bias.data[:3] = -1.0  # cut to zero: no constant that a border would disturb
    assert "cannot be traced" in compaction(model).left_alone[""]
    small = compact(model, (2, 3, 5, 5))
    assert small.one.out_channels == 3
    assert small.two.out_channels == (4 if channels else 2)
    assert_same(model, small, torch.randn(2, 3, 5, 5).double())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "frames", "share"), [("i3d", 8, 0.6), ("cifar_resnet20", 1, 0.6), ("mvit_v1_b", 8, 0.8)]
)
def test_networks_of_our_table_that_ask_for_lengths(name, frames, share):
    torch.manual_seed(0)
    model = damage(vidsparse.create_model(name, 5, frames, 32))
    x = torch.randn(1, 3, frames, 32, 32).double()
    done = compaction(model, x)
    assert weights(done.model) < share * weights(model)
    assert_same(model, done.model, x)
