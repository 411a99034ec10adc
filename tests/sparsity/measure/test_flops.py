"""FLOPs are those that are published, those of a loop that counts, and those of the training that was made."""

import copy
import itertools
import warnings

import pytest
import timm
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import vidsparse
from helpers.toy import Net
from vidsparse.models.zoo import MODELS
from vidsparse.sparsity import allocate, count_flops
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.measure.flops import training_flops
from vidsparse.utils.errors import ConfigError

IMAGE = ("alexnet", "resnet18", "resnet50", "densenet121", "mobilenet_v2", "efficientnet_b0", "googlenet",
         "resnext50_32x4d", "vit_b_16", "swin_t", "convnext_tiny", "maxvit_t")  # fmt: skip
VIDEO = {"r3d_18": 112, "mc3_18": 112, "r2plus1d_18": 112, "mvit_v1_b": 224, "mvit_v2_s": 224}


def published(name: str) -> float:
    """Multiply-adds in 10⁹ as torchvision's model cards give them."""
    return float(torchvision.models.get_model_weights(name).DEFAULT.meta["_ops"])


def on_meta(name: str, **settings) -> nn.Module:
    with warnings.catch_warnings(), torch.device("meta"):
        warnings.simplefilter("ignore")
        return torchvision.models.get_model_builder(name)(weights=None, **settings)


@pytest.mark.parametrize("name", IMAGE)
def test_published_numbers_of_images(name):
    assert count_flops(on_meta(name), (1, 3, 224, 224)).dense / 2e9 == pytest.approx(published(name), abs=6e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO)
def test_published_numbers_of_clips(name):
    flops = count_flops(on_meta(name), (1, 3, 16, VIDEO[name], VIDEO[name]))
    assert flops.dense / 2e9 == pytest.approx(published(name), abs=6e-4)


def empty(name: str, frames: int, size: int) -> nn.Module:
    """A network of our table, of 400 classes, without values."""
    with torch.device("meta"):
        return vidsparse.create_model(name, 400, frames, size)


# name: (frames, px, 10⁹ multiply-adds as the model zoo of pytorchvideo or the paper gives them, digits given)
PUBLISHED = {
    "slow_r50": (8, 256, 54.52, 2),
    "slowfast_r50": (32, 256, 65.71, 2),
    "x3d_xs": (4, 160, 0.60, 2),
    "x3d_s": (13, 160, 1.96, 2),
    "x3d_m": (16, 224, 4.73, 2),
    "c3d": (16, 112, 38.5, 1),
    "timesformer": (8, 224, 196, 0),
    "videomae": (16, 224, 180, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers_of_the_table(name):
    frames, size, number, digits = PUBLISHED[name]
    flops = count_flops(empty(name, frames, size), (1, 3, frames, size, size))
    assert flops.dense / 2e9 == pytest.approx(number, abs=0.6 * 10**-digits)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["s3d", "swin3d_t", "mvit_base_16x4", "i3d", "csn_r101", "vivit_s", "cifar_vit"])
def test_every_weight_has_its_share(name):
    spec = MODELS[name]
    model = empty(name, spec.frames, spec.size)
    flops, names = count_flops(model, (1, 3, spec.frames, spec.size, spec.size)), prunable(model)
    assert set(flops.weights) == set(names)
    assert flops.sparse(dict.fromkeys(names, 0.0)) == flops.other
    assert flops.sparse(dict.fromkeys(names, 0.25)) == pytest.approx(0.25 * (flops.dense - flops.other) + flops.other)


def counted_by_computing(conv, x: torch.Tensor) -> int:
    """A convolution by loops, which must give what torch gives, and the operations of its multiply-adds."""
    dims, out, flops = x.dim() - 2, conv(x), 0
    padded = nn.functional.pad(x, [conv.padding[0]] * 2 * dims)
    width = conv.in_channels // conv.groups
    for sample, channel, *place in itertools.product(*map(range, out.shape)):
        group = channel // (conv.out_channels // conv.groups)
        window = tuple(slice(p * conv.stride[0], p * conv.stride[0] + conv.kernel_size[0]) for p in place)
        products = padded[(sample, slice(group * width, (group + 1) * width), *window)] * conv.weight[channel]
        torch.testing.assert_close(products.sum() + conv.bias[channel], out[(sample, channel, *place)])
        flops += 2 * products.numel()
    return flops


@given(
    dims=st.integers(1, 3), groups=st.sampled_from([1, 2, 4]), wide=st.integers(1, 3), kernel=st.integers(1, 3),
    stride=st.integers(1, 2), padding=st.integers(0, 1), batch=st.integers(1, 2)
)  # fmt: skip
@settings(max_examples=15)
def test_convolutions_against_counting(dims, groups, wide, kernel, stride, padding, batch):
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1](
        4, 4 * wide, kernel, stride=stride, padding=padding, groups=groups
    )
    x = torch.randn(batch, 4, *(3, 4, 3)[:dims])
    assert count_flops(conv, x).weights == {"weight": counted_by_computing(conv, x)}


def test_products_without_weights_are_counted_apart():
    class Attention(nn.Module):
        def forward(self, x):
            return nn.functional.scaled_dot_product_attention(x, x, x)

    flops = count_flops(Attention(), (2, 3, 5, 8))  # batch, heads, tokens, width
    assert (flops.weights, flops.other) == ({}, 2 * 3 * 2 * (2 * 5 * 5 * 8))


class Products(nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix, self.vector = nn.Parameter(torch.randn(6, 4)), nn.Parameter(torch.randn(4))

    def forward(self, x):  # (5, 6)
        return torch.einsum("bi,ij->bj", x, self.matrix) @ self.vector + torch.mv(x @ self.matrix, self.vector)


def test_a_product_belongs_to_the_weight_that_is_its_operand():
    assert count_flops(Products(), (5, 6)).weights == {"matrix": 2 * 2 * 5 * 6 * 4, "vector": 2 * 2 * 5 * 4}


def test_attention_projections_and_grouped_kernels_have_their_own():
    flops = count_flops(Net(), (1, 3, 2, 6, 6))
    tokens = 2 * 6 * 6
    assert flops.weights["attention.in_proj_weight"] == 2 * tokens * 8 * 24
    assert flops.weights["grouped.weight"] == 2 * tokens * 8 * 2 * 27
    assert flops.other == 2 * (2 * tokens * tokens * 8)


def test_cross_attention_and_shared_weights():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.cross = nn.MultiheadAttention(8, 2, batch_first=True)
            self.one, self.other = nn.Linear(8, 8), nn.Linear(8, 8)
            self.other.weight = self.one.weight

        def forward(self, x):
            return self.other(self.one(self.cross(x, x[:, :2], x[:, :2])[0]))

    flops = count_flops(Two(), (1, 5, 8))
    assert flops.weights["one.weight"] == 2 * (2 * 5 * 8 * 8)
    assert flops.weights["cross.in_proj_weight"] == 2 * 8 * 8 * (5 + 2 + 2)
    assert "other.weight" not in flops.weights


@pytest.mark.parametrize(("name", "number"), [("resnet18", 1.814), ("vit_tiny_patch16_224", 1.2535)])
def test_timm(name, number):
    """Attention that is fused into one operation is not missed: vit_tiny has 1.075 G in its weights alone."""
    assert count_flops(timm.create_model(name), (1, 3, 224, 224)).dense / 2e9 == pytest.approx(number, abs=1e-3)


def test_the_model_is_left_as_it_was():
    model = Net().train()
    model.scale = torch.ones(3)  # a tensor that is no buffer
    before = copy.deepcopy(model.state_dict())
    kept = {name: id(weight) for name, weight in model.named_parameters()}
    generator = torch.get_rng_state()
    count_flops(model, torch.randn(1, 3, 2, 6, 6, generator=torch.Generator()))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert {name: id(weight) for name, weight in model.named_parameters()} == kept
    assert all(module.training for module in model.modules())
    assert torch.equal(generator, torch.get_rng_state())


def test_lists_constants_and_inference_mode():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.slow, self.constant = nn.Linear(4, 4), torch.ones(4)

        def forward(self, x):
            return self.slow(x[0] + self.constant) @ x[1] + torch.arange(4)

    with torch.inference_mode():
        flops = count_flops(Two(), [torch.randn(3, 4), torch.randn(4, 4)])
    assert (flops.weights, flops.other) == ({"slow.weight": 2 * 48}, 2 * 48)


def test_what_needs_values_is_an_error_that_says_so():
    class Asks(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ConfigError, match="Asks cannot be counted without values"):
        count_flops(Asks(), (1, 3))


RIGL = {("erk", 0.8): 0.42, ("erk", 0.9): 0.24, ("erk", 0.95): 0.12, ("uniform", 0.8): 0.23, ("uniform", 0.9): 0.13,
        ("uniform", 0.95): 0.08}  # fmt: skip


@pytest.mark.parametrize(("distribution", "sparsity"), RIGL)
def test_published_ratios_of_rigl(distribution, sparsity):
    """ResNet-50, inference, in the list of checkpoints of Evci et al. 2020; uniform keeps the first layer dense."""
    flops = count_flops(on_meta("resnet50"), (1, 3, 224, 224))
    shapes = {name: tuple(w.shape) for name, w in on_meta("resnet50").named_parameters() if w.dim() > 1}
    if distribution == "uniform":
        del shapes["conv1.weight"]
    kept = allocate(shapes, 1 - sparsity, distribution)
    densities = {name: kept[name] / torch.Size(shape).numel() for name, shape in shapes.items()}
    assert flops.dense / 1e9 == pytest.approx(8.2, abs=0.05)
    assert flops.sparse(densities) / flops.dense == pytest.approx(RIGL[distribution, sparsity], abs=0.0075)


def test_published_ratios_of_training():
    """Evci et al. 2020, figure 2, ResNet-50 ERK at 80 and 90 %: RigL 0.42 and 0.25, SNFS 0.61 and 0.50."""
    for forward, rigl, snfs in ((0.42, 0.42, 0.61), (0.24, 0.25, 0.50)):
        whole = 3.0 * 32_000
        assert training_flops(1.0, {0: forward}, 32_000, range(100, 25_001, 100)) / whole == pytest.approx(
            rigl, abs=0.01
        )
        assert training_flops(1.0, {0: forward}, 32_000, range(1, 32_001)) / whole == pytest.approx(snfs, abs=0.01)
        assert training_flops(1.0, {0: forward}, 32_000) / whole == pytest.approx(forward)


@settings(deadline=None)
@given(st.data())
def test_training_against_a_sum_over_steps(data):
    total = data.draw(st.integers(1, 60))
    changes = data.draw(st.lists(st.integers(1, total), unique=True).map(sorted)) if total > 1 else []
    forward = {0: 2.0, **{step: float(data.draw(st.integers(1, 9))) for step in changes}}
    dense_steps = data.draw(st.lists(st.integers(1, total), unique=True).map(sorted))
    expected, cost = 0.0, forward[0]
    for step in range(1, total + 1):  # the step is made with the topology that the update before it left
        expected += 2 * cost + (10.0 if step in dense_steps else cost)
        cost = forward.get(step, cost)
    assert training_flops(10.0, forward, total, dense_steps) == pytest.approx(expected)
