"""A compacted network computes the same with less; what cannot be done exactly is left alone, with a reason."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import vidsparse
from helpers.ablated import LAYERS, assert_same, build, damage, weights
from vidsparse.sparsity import compact, compaction, count_flops

# name: (input shape, at most this share of the weights is left); more of them in tests/soak
NETWORKS = {
    "resnet18": ((2, 3, 64, 64), 0.55),
    "mobilenet_v2": ((2, 3, 64, 64), 0.5),
    "squeezenet1_1": ((2, 3, 64, 64), 0.45),
    "timm/efficientnet_b0": ((2, 3, 64, 64), 0.7),
    "timm/vit_tiny_patch16_224": ((1, 3, 224, 224), 0.75),
    "r3d_18": ((1, 3, 4, 32, 32), 0.55),
    "x3d_s": ((1, 3, 4, 32, 32), 0.6),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_the_same_with_less(name):
    model, (shape, share) = damage(build(name)), NETWORKS[name]
    before = copy.deepcopy(model.state_dict())
    small = compact(model)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()
    assert_same(model, small, x)
    assert weights(small) <= share * weights(model)
    assert count_flops(small, shape).dense < count_flops(model, shape).dense
    assert type(small) is type(model)
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_second_time_there_is_nothing_left_to_take():
    once = compaction(damage(build("resnet18")))
    twice = compaction(once.model)
    assert weights(twice.model) == weights(once.model)
    assert any("stay" in reason for reason in once.left_alone.values())


class Block(nn.Module):
    """One random piece of a network from `width` channels to as many."""

    def __init__(self, kind: str, width: int, kernel: int, padding: int, bias: bool, groups: int) -> None:
        super().__init__()
        self.kind = kind
        self.one = nn.Conv2d(width, 2 * width, kernel, padding=kernel // 2, bias=bias, groups=groups)
        self.norm = nn.BatchNorm2d(2 * width)
        self.middle = nn.Conv2d(
            2 * width, 2 * width, 3, padding=padding, groups=2 * width if kind == "depthwise" else 1
        )
        self.two = nn.Conv2d(2 * width, width, kernel, padding=kernel // 2 + 1 - padding, bias=bias)

    def forward(self, x):
        y = F.relu(self.norm(self.one(x))) if self.kind != "plain" else torch.sigmoid(self.one(x))
        y = self.two(F.hardswish(self.middle(y)))
        if self.kind == "gate":
            return y * torch.sigmoid(y.mean((2, 3), keepdim=True))
        if self.kind == "branches":
            return F.relu_(torch.cat([y, F.avg_pool2d(y, 3, 1, 1)], 1)[:, : y.shape[1]] + y)
        return x + y if self.kind == "residual" else y


class Random(nn.Module):
    def __init__(self, blocks: list[Block], width: int, flat: bool) -> None:
        super().__init__()
        self.stem, self.blocks, self.flat = nn.Conv2d(3, width, 3), nn.Sequential(*blocks), flat
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(width * (9 if flat else 1), 5)

    def forward(self, x):  # (2, 3, 8, 8)
        x = self.pool(self.blocks(self.stem(x)))
        return self.head(torch.flatten(x, 1) if self.flat else x.mean([2, 3]))


KINDS = ("plain", "normed", "residual", "depthwise", "gate", "branches")


@pytest.mark.slow
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), width=st.sampled_from([2, 4]),
    kernel=st.sampled_from([1, 3]), padding=st.integers(0, 1), bias=st.booleans(), groups=st.sampled_from([1, 2]),
    flat=st.booleans(), share=st.sampled_from([0.0, 0.3, 0.6, 0.9]), columns=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 10**6)
)  # fmt: skip
@settings(max_examples=60)
def test_random_networks(kinds, width, kernel, padding, bias, groups, flat, share, columns, seed):
    torch.manual_seed(seed)
    blocks = [Block(kind, width, kernel, padding, bias, groups) for kind in kinds]
    model = damage(Random(blocks, width, flat), share, seed, columns)
    x = torch.randn(2, 3, 8, 8).double()
    small = compact(model)
    with torch.no_grad():
        torch.testing.assert_close(small(x), model(x), rtol=1e-9, atol=1e-9)
    assert weights(small) <= weights(model) + sum(len(m.weight) for m in small.modules() if isinstance(m, nn.Conv2d))


def test_ablated_neurons_of_an_mlp_go_and_their_constants_stay():
    model = damage(nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(), nn.Linear(8, 3)), 0, 0, 0)
    model[0].weight.data[[1, 4, 5]] = 0
    done = compaction(model)
    assert (done.reads, done.writes) == ({"0": (6, 6), "4": (8, 5)}, {"0": (8, 5), "4": (3, 3)})
    assert not done.left_alone
    assert_same(model, done.model, torch.randn(4, 6).double())


def test_behind_zero_padding_one_constant_stands_in_for_all():
    model = damage(
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)), 0, 0, 0
    )
    model[0].weight.data[2:] = 0
    model[1].bias.data = model[1].bias.data.abs() + model[1].running_mean.abs() * 20  # no constant is cut to zero
    small = compact(model)
    assert (small[0].out_channels, small[3].in_channels, small[3].out_channels) == (3, 3, 4)
    assert_same(model, small, torch.randn(2, 3, 7, 7).double())
    model[3].padding = (0, 0)  # then constants fit into the bias
    assert compact(model)[0].out_channels == 2
    assert_same(model, compact(model), torch.randn(2, 3, 7, 7).double())


def test_a_bias_is_made_where_there_was_none():
    model = damage(nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3, bias=False)), 0, 0, 0)
    model[0].weight.data[:3] = 0
    small = compact(model)
    assert small[1].bias is not None
    assert small[0].out_features == 3
    assert_same(model, small, torch.randn(5, 4).double())


def test_what_nobody_reads_goes_also_through_depthwise_kernels():
    model = damage(
        nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 6, 3, groups=6), nn.ReLU(), nn.Conv2d(6, 2, 1)), 0, 0, 0
    )
    model[3].weight.data[:, [0, 5]] = 0
    small = compact(model)
    assert (small[0].out_channels, small[1].groups, small[3].in_channels) == (4, 4, 4)
    assert_same(model, small, torch.randn(1, 3, 6, 6).double())


def test_a_layer_that_is_all_dead_keeps_one_channel():
    model = damage(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), 0, 0, 0)
    model[0].weight.data.zero_()
    small = compact(model)
    assert small[0].out_features == 1
    torch.testing.assert_close(small(torch.ones(2, 4).double()), model(torch.ones(2, 4).double()))


class Stream(nn.Module):
    """A residual stream of which one channel is dead in all writers, another in one of them alone."""

    def __init__(self):
        super().__init__()
        self.stem, self.branch, self.head = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 2)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.branch(x)
        return self.head(x.mean((2, 3)))


def test_channels_of_a_residual_stream_go_where_all_writers_are_dead():
    model = damage(Stream(), 0, 0, 0)
    model.branch.weight.data[0] = model.branch.weight.data[1] = model.stem.weight.data[0] = 0
    model.stem.bias.data[0] = 0
    done = compaction(model)
    assert done.writes == {"stem": (4, 3), "branch": (4, 3), "head": (2, 2)}
    assert done.left_alone == {"branch": "1 of 2 dead outputs stay: others write them too"}
    assert_same(model, done.model, torch.randn(2, 3, 5, 5).double())


class InPlace(nn.Module):
    """What is read after a change in place is what it was changed to."""

    def __init__(self):
        super().__init__()
        self.one, self.act, self.two = nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 2)

    def forward(self, x):
        y = self.one(x)
        self.act(y)
        return self.two(y)


def test_changes_in_place_are_followed():
    model = damage(InPlace(), 0, 0, 0)
    model.one.weight.data[:3] = 0
    model.one.bias.data[:3] = torch.tensor([-1.0, 2.0, -3.0])
    assert_same(model, compact(model), torch.randn(3, 4).double())


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.layer(torch.relu(self.layer(x))))


class Reads(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        x = self.one(x)
        return self.two(x) * x.shape[-1] + self.two.weight.sum()


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.norm = nn.Linear(4, 8), nn.LayerNorm(8)
        self.attention, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 2)

    def forward(self, x):
        x = self.norm(self.one(x))
        return self.head(self.attention(x, x, x)[0])


def hooked() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    model[1].register_forward_hook(lambda module, given, out: out.cumsum(-1))
    return model


def parametrized() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    return nn.utils.parametrizations.weight_norm(model[2]) and model


def transposed() -> nn.Module:
    return nn.Sequential(nn.Conv1d(5, 5, 1), nn.ConvTranspose1d(5, 6, 1), nn.Conv1d(6, 2, 1))


LEFT = {"twice": Twice, "reads": Reads, "attends": Attends, "hooked": hooked, "parametrized": parametrized,
        "softmax": lambda: nn.Sequential(nn.Linear(4, 6), nn.Softmax(-1), nn.Linear(6, 2)),
        "transposed": transposed}  # fmt: skip


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_not_understood_is_left_alone_with_a_reason(kind):
    torch.manual_seed(0)
    model = LEFT[kind]().eval()
    for module in model.modules():
        if type(module) in LAYERS:
            module.weight.data[:2] = 0
    done = compaction(model)
    assert weights(done.model) == weights(model)
    assert done.left_alone
    x = torch.randn(3, 5, 4)
    torch.testing.assert_close(done.model(x), model(x))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 4))

    def forward(self, x):
        return x if x.sum() > 1e9 else self.mlp(x)


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.odd, self.two = nn.Linear(3, 4), Branches(), nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))

    def forward(self, x):
        return self.two(self.odd(self.one(x)))


def test_what_cannot_be_traced_is_one_step_and_the_rest_is_done():
    model = damage(Outer(), 0, 0, 0)
    model.two[0].weight.data[:3] = model.odd.mlp[0].weight.data[:3] = 0
    done = compaction(model)
    assert (done.model.two[0].out_features, done.model.odd.mlp[0].out_features) == (3, 6)
    assert "Branches cannot be traced" in done.left_alone["odd"]
    assert_same(model, done.model, torch.randn(4, 3).double())
    assert "cannot be traced" in compaction(damage(Branches())).left_alone[""]


class Lies(nn.Module):
    """torch.fx does not see what this does to real tensors."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        x = self.one(x)
        return self.two(x.cumsum(-1) if isinstance(x, torch.Tensor) else x)


def test_an_example_catches_what_tracing_cannot_see():
    model = damage(Lies(), 0, 0, 0)
    model.one.weight.data[:3] = 0
    done = compaction(model, example=torch.randn(3, 4).double())
    assert done.left_alone == {"": "a smaller copy did not compute the same"}
    assert weights(done.model) == weights(model)
    honest = damage(build("resnet18"))
    assert weights(compaction(honest, torch.randn(1, 3, 64, 64).double()).model) < weights(honest)


@pytest.mark.slow
def test_a_trained_sparse_network_and_its_compacted_copy_in_float32():
    torch.manual_seed(0)
    model = vidsparse.create_model("x3d_s", 4, 4, 32)
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    sparse = vidsparse.sparsify(model, optimizer, "rigl", sparsity=0.97, total_steps=10, every=2)
    for step in range(4):
        x = torch.randn(4, 3, 4, 32, 32, generator=torch.Generator().manual_seed(step))
        F.cross_entropy(model(x), torch.arange(4)).backward()
        optimizer.step()
        optimizer.zero_grad()
    small, x = compact(model), torch.randn(2, 3, 4, 32, 32)
    assert model.training
    model.eval()
    with torch.no_grad():
        assert (small(x) - model(x)).abs().max() <= 1e-5 * model(x).abs().max().clamp(min=1)
    assert sparse.step == 4
    assert weights(small) < weights(model)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_memory_layout_type_and_frozen_parameters_are_kept(layout):
    model = damage(nn.Sequential(nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Conv2d(16, 4, 3)), 0, 0, 0)
    model = model.half().float().to(memory_format=layout)
    model[0].weight.data[:8] = 0
    model[0].weight.requires_grad = False
    small = compact(model)
    assert small[0].weight.is_contiguous(memory_format=layout)
    assert small[0].weight.shape[0] == 8
    assert (small[0].weight.requires_grad, small[2].weight.requires_grad) == (False, True)
    assert small[2].weight.dtype == torch.float32
