"""Networks with ablated neurons, in float64, and what it means that two compute the same."""

import warnings

import timm
import torch
import torchvision
from torch import nn

import vidsparse

LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


def damage(model: nn.Module, share: float = 0.5, seed: int = 0, columns: float = 0.1) -> nn.Module:
    """Ablate neurons and inputs of all layers, in float64 and with norms and biases that have been trained."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.double().eval().modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if isinstance(module, LAYERS):
            weight.data = torch.randn(weight.shape, generator=generator).double() / weight[0].numel() ** 0.5
            weight.data[torch.rand(len(weight), generator=generator) < share] = 0
            weight.data[:, torch.rand(weight.shape[1], generator=generator) < columns] = 0
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean = torch.randn(weight.shape, generator=generator).double()
            module.running_var = torch.rand(weight.shape, generator=generator).double() + 0.5
            weight.data = torch.randn(weight.shape, generator=generator).double()
        if isinstance(bias, nn.Parameter):
            bias.data = torch.randn(bias.shape, generator=generator).double()
    return model


def assert_same(model: nn.Module, small: nn.Module, x: torch.Tensor) -> None:
    with torch.no_grad():
        expected, found = model.eval()(x), small(x)
    assert expected.std() > 1e-3, "the test must see something"
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def weights(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def build(name: str) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        if name in vidsparse.list_models():
            return vidsparse.create_model(name, 7, 4, 32)
        if name.startswith("timm/"):
            return timm.create_model(name.removeprefix("timm/"), num_classes=7)
        return torchvision.models.get_model(name, weights=None, num_classes=7)
