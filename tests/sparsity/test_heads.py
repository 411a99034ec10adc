"""Every layer that writes class scores is a head: auxiliary and second ones too, wherever they are listed."""

import pytest
import torch
from torch import nn

from vidsparse.models.zoo import create_model
from vidsparse.sparsity import compaction
from vidsparse.sparsity.heads import _followed, example_input, heads
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.topology import sparsify

CLASSES = 7


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fcn_resnet50", ("classifier.4.weight", "aux_classifier.4.weight")),
        ("deeplabv3_mobilenet_v3_large", ("classifier.4.weight", "aux_classifier.4.weight")),
        ("lraspp_mobilenet_v3_large", ("classifier.low_classifier.weight", "classifier.high_classifier.weight")),
        ("unet", ("classifier.weight",)),
        ("cifar_resnet20", ("fc.weight",)),
        ("timm/vit_tiny_patch16_224", ("head.weight",)),
        ("mvit_v2_s", ("head.1.weight",)),
        ("i3d", ("logits.conv3d.weight",)),
        ("x3d_s", ("blocks.5.proj.weight",)),
    ],
)
def test_the_heads_of_the_networks_of_the_table(name, expected):
    frames = (
        16 if name == "i3d" else 1 if "/" in name or name.startswith(("cifar", "fcn", "deep", "lraspp", "unet")) else 4
    )
    model = create_model(name, CLASSES, frames, 64)
    assert heads(model) == expected
    assert _followed(model, example_input(model), prunable(model)) == set(expected)
    del model.example_shape  # as a model of anybody's
    assert set(heads(model)) >= set(expected)


class TwoHeads(nn.Module):
    """The heads are listed first, and the last-listed layer writes no score."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Linear(12, 5)
        self.coarse = nn.Linear(12, 3)
        self.body = nn.Linear(6, 12)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        x = self.body(x).relu()
        return {"fine": self.fine(x), "coarse": self.coarse(x)}


def test_heads_are_found_by_what_they_write_and_not_by_where_they_are_listed():
    model = TwoHeads()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert heads(model, example=(1, 6)) == ("fine.weight", "coarse.weight")
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fcn_resnet50", "lraspp_mobilenet_v3_large"])
def test_srigl_ablates_no_class_of_any_head(name):
    torch.manual_seed(0)
    model = create_model(name, CLASSES, 1, 64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    sparse = sparsify(model, optimizer, "srigl", 0.9, 100, "uniform", every=1, drop_fraction=0.9)
    with torch.no_grad():  # all but one class would lose their weights: theirs are the smallest of the layer
        for head in heads(model):
            dict(model.named_parameters())[head][1:].mul_(1e-6)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    assert sparse.updates == 1
    for head in heads(model):
        assert sparse.masks[head].flatten(1).any(1).all(), head


def test_dense_last_layers_are_all_heads():
    model = create_model("deeplabv3_mobilenet_v3_large", CLASSES, 1, 64)
    sparse = sparsify(model, torch.optim.SGD(model.parameters(), lr=0.1), "static", 0.5, last_layer="dense")
    assert sparse.kept_dense == ("classifier.4.weight", "aux_classifier.4.weight")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar_resnet20", "timm/resnet18"])
def test_compact_needs_no_example_for_networks_of_the_table(name):
    torch.manual_seed(0)
    model = create_model(name, CLASSES, 1, 32).eval()
    modules = dict(model.named_modules())
    coupled = [module for path, module in modules.items() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    with torch.no_grad():
        for module in coupled:
            if module.weight.dim() > 1:
                module.weight[: len(module.weight) // 4] = 0
            else:
                module.weight[: len(module.weight) // 4], module.bias[: len(module.bias) // 4] = 0, 0
                module.running_mean[: len(module.bias) // 4] = 0
    done = compaction(model)
    smaller = {layer: (was, now) for layer, (was, now) in done.writes.items() if now < was}
    assert len(smaller) > len(done.writes) // 3
    clips = torch.randn(2, 3, 1, 32, 32)
    assert torch.allclose(done.model(clips), model(clips), atol=1e-5)


def test_option_a_keeps_only_what_is_bound_to_its_zeros():
    """The first stage of cifar_resnet20 shrinks with the middle of the next ones, to which its shortcut leads."""
    torch.manual_seed(0)
    model = create_model("cifar_resnet20", CLASSES, 1, 32).eval()
    dead = {16: range(4, 8), 32: range(12, 16), 64: range(28, 32)}  # channel 4 of 16 is 12 of 32 and 28 of 64
    with torch.no_grad():
        for path, module in model.named_modules():
            if path.endswith(("conv1", "bn1")) and path.startswith("layer"):
                continue
            if isinstance(module, nn.Conv2d):
                module.weight[list(dead[len(module.weight)])] = 0
            if isinstance(module, nn.BatchNorm2d):
                for values in (module.weight, module.bias, module.running_mean):
                    values[list(dead[len(values)])] = 0
    done = compaction(model)
    assert done.writes["conv1"] == (16, 12)
    assert done.writes["layer2.0.conv2"] == (32, 28)
    clips = torch.randn(2, 3, 1, 32, 32)
    assert torch.allclose(done.model(clips), model(clips), atol=1e-5)
