"""Layers whose forward pass changes the weight: zeros are zeros in use, or the layer is refused by name."""

import copy
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune

from helpers.toy import assert_exact_and_zero
from vidsparse.sparsity import count_flops, dead_channels
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


class Plain(nn.Module):
    """Two convolutions, one of them grouped, and a linear layer."""

    def __init__(self, conv=nn.Conv2d, linear=nn.Linear) -> None:
        super().__init__()
        self.one, self.two, self.head = conv(3, 8, 3, padding=1), conv(8, 8, 3, groups=2), linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.two(self.one(x).relu()).relu().mean((2, 3)))


def each(transform):
    def make() -> nn.Module:
        model = Plain()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's older functions are on their way out
            for layer in (model.one, model.two, model.head):
                transform(layer)
        return model

    return make


class Halved(nn.Module):
    def forward(self, weight):
        return weight / 2


class Centred(nn.Module):
    def forward(self, weight):
        return weight - weight.mean()


class LowRank(nn.Module):
    def forward(self, left, right):
        return left @ right

    def right_inverse(self, weight):
        return weight[:, :1].clone(), weight[:1].clone()


class Scaled(nn.Conv2d):
    """The equalised learning rate of ProGAN."""

    def forward(self, x):
        return F.conv2d(x, self.weight * 0.5, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Cosine(nn.Linear):
    def forward(self, x):
        return F.normalize(x) @ F.normalize(self.weight).t()


class Standardised(nn.Conv2d):
    """Weight standardisation as users write it."""

    def _conv_forward(self, x, weight, bias):
        weight = (weight - weight.mean((1, 2, 3), keepdim=True)) / (weight.std((1, 2, 3), keepdim=True) + 1e-5)
        return super()._conv_forward(x, weight, bias)


class TwoInputs(nn.Linear):
    def forward(self, x, style):
        return F.linear(x, self.weight - style)


KEPT = {
    "weight_norm": each(parametrizations.weight_norm),
    "spectral_norm": each(parametrizations.spectral_norm),
    "old weight_norm": each(nn.utils.weight_norm),
    "old spectral_norm": each(nn.utils.spectral_norm),
    "halved": each(lambda layer: parametrize.register_parametrization(layer, "weight", Halved())),
    "equalised": lambda: Plain(Scaled),
    "cosine": lambda: Plain(linear=Cosine),
    "plain": Plain,
}


def in_use(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The weight that a layer's product gets."""
    from torch.overrides import TorchFunctionMode

    found = []

    class Look(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func in (F.conv2d, F.linear):
                found.append(args[1].detach().clone())
            if func is torch.Tensor.matmul or getattr(func, "__name__", "") == "__matmul__":
                found.append(args[1].detach().t().clone())
            return func(*args, **(kwargs or {}))

    with Look(), torch.no_grad():
        layer(x)
    return found[-1]


@pytest.mark.parametrize("method", ["static", "rigl"])
@pytest.mark.parametrize("kind", KEPT)
def test_zeros_of_scaled_weights_are_zeros_in_use(kind, method):
    torch.manual_seed(0)
    model = KEPT[kind]()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    sparse = sparsify(model, opt, method, 0.6, 20, **({"every": 2} if method == "rigl" else {}))
    inputs = {"one": torch.ones(1, 3, 5, 5), "two": torch.ones(1, 8, 5, 5), "head": torch.ones(1, 8)}
    assert sparse.total == 3 * 8 * 9 + 8 * 4 * 9 + 32
    for step in range(5):
        generator = torch.Generator().manual_seed(step)
        opt.zero_grad()
        model(torch.randn(2, 3, 5, 5, generator=generator)).square().sum().backward()
        opt.step()
        assert_exact_and_zero(model, opt, sparse)
    masks = {name.partition(".")[0]: mask for name, mask in sparse.masks.items()}
    assert len(masks) >= 2
    acting = {layer: in_use(getattr(model, layer), x) for layer, x in inputs.items()}
    assert not any(acting[layer][~mask].any() for layer, mask in masks.items())
    assert sum(int(weight.count_nonzero()) for weight in acting.values()) <= sparse.nonzero
    assert sparse.updates == (2 if method == "rigl" else 0)
    flops = count_flops(model, (1, 3, 5, 5))
    assert set(flops.weights) == set(sparse.counts())
    assert flops.other < 100  # the power iteration of spectral_norm
    assert [len(dead.inputs) for dead in dead_channels(model).values()] == [3, 8, 8]


def bit() -> nn.Module:
    import timm

    return timm.create_model("resnetv2_50x1_bit", num_classes=3)


def nfnet() -> nn.Module:
    import timm

    return timm.create_model("nf_resnet26", num_classes=3)


REFUSED = {
    "BiT": (bit, r"stem\.conv\.weight cannot be made sparse: the forward pass of StdConv2d changes it.*layers are"),
    "NFNet": (nfnet, r"the forward pass of ScaledStdConv2d(Same)? changes it"),
    "by users": (lambda: Plain(Standardised), r"one\.weight cannot .* the forward pass of Standardised changes it"),
    "centred": (
        each(lambda layer: parametrize.register_parametrization(layer, "weight", Centred())),
        r"one\.parametrizations\.weight\.original cannot be made sparse: its parametrization does not keep zeros",
    ),
    "orthogonal": (
        each(lambda layer: isinstance(layer, nn.Linear) and parametrizations.orthogonal(layer)),
        r"head\.parametrizations\.weight\.original cannot be made sparse",
    ),
    "low rank": (
        each(
            lambda layer: (
                isinstance(layer, nn.Linear) and parametrize.register_parametrization(layer, "weight", LowRank())
            )
        ),
        r"head\.weight cannot be made sparse: it is computed from tensors of other shapes",
    ),
    "pruned": (
        each(lambda layer: prune.l1_unstructured(layer, "weight", 0.5)),
        r"one\.weight_orig cannot be made sparse: torch\.nn\.utils\.prune masks it already",
    ),
    "other arguments": (
        lambda: Plain(linear=TwoInputs),
        r"head\.weight cannot be made sparse: TwoInputs has a forward pass of its own, which could not be tried",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_layers_that_make_something_else_of_zeros_are_refused_by_name_and_left_as_they_were(kind):
    make, said = REFUSED[kind]
    torch.manual_seed(0)
    model = make()
    before = copy.deepcopy(model.state_dict())
    opt = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(ConfigError, match=said + r".*exclude="):
        sparsify(model, opt, "static", 0.5)
    assert model.training
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    sparsify(model, opt, "dense")


@pytest.mark.parametrize("kind", ["low rank", "other arguments", "orthogonal"])
def test_excluded_they_stay_dense_and_the_others_become_sparse(kind):
    model = REFUSED[kind][0]()
    opt = torch.optim.SGD(model.parameters(), 0.1)
    sparse = sparsify(model, opt, "static", 0.5, exclude="head.*")
    assert set(sparse.masks) == {"one.weight", "two.weight"}
