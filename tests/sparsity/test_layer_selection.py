"""Which layers become sparse, what is kept dense, and who pays for it."""

from math import prod

import pytest
import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from helpers.by_hand import densities
from helpers.toy import Menagerie, Net
from vidsparse.sparsity.masks import prunable
from vidsparse.sparsity.topology import sparsify
from vidsparse.utils.errors import ConfigError


def torchvision_model(name: str) -> nn.Module:
    from torchvision.models import get_model

    return get_model(name)


def timm_model(name: str) -> nn.Module:
    import timm

    return timm.create_model(name)


def pytorchvideo_model(name: str) -> nn.Module:
    from pytorchvideo.models.hub import slowfast, x3d

    return {"x3d_s": x3d.x3d_s, "slowfast_r50": slowfast.slowfast_r50}[name]()


ATTENTION = ("attention.in_proj_weight", "attention.out_proj.weight")
ZOO = {
    "r3d_18": torchvision_model,
    "mvit_v2_s": torchvision_model,
    "swin3d_t": torchvision_model,
    "vit_b_16": torchvision_model,
    "x3d_s": pytorchvideo_model,
    "slowfast_r50": pytorchvideo_model,
    "resnet18": timm_model,
    "vit_tiny_patch16_224": timm_model,
    "convnext_tiny": timm_model,
    "mobilenetv3_small_100": timm_model,
}


def on_meta(name: str) -> nn.Module:
    with torch.device("meta"):
        return ZOO[name](name)


def expected(model: nn.Module) -> dict[str, nn.Parameter]:
    """Every conv and linear weight, and packed attention projections, told by the names that their parameters have."""
    modules = dict(model.named_modules())
    wanted = {}
    for name, p in model.named_parameters():
        owner = modules[name.rpartition(".")[0]]
        if (name.endswith("weight") and isinstance(owner, _ConvNd | nn.Linear)) or name.endswith("in_proj_weight"):
            wanted[name] = p
    return wanted


@pytest.mark.parametrize("name", ZOO)
def test_exactly_kernels_linear_layers_and_projections_are_prunable(name):
    model = on_meta(name)
    found = prunable(model)
    assert {n: id(p) for n, p in found.items()} == {n: id(p) for n, p in expected(model).items()}
    assert all(p.dim() >= 2 for p in found.values())
    others = {n for n, _ in model.named_parameters()} - set(found)
    assert not [n for n in others if dict(model.named_parameters())[n].dim() >= 2 and "conv" in n]
    assert not [n for n in found if any(word in n for word in ("norm", "bn", "rel_pos", "pos_embed", "cls_token"))
                and n != "patch_embed.proj.weight" and "downsample" not in n and "norm_" not in n]  # fmt: skip


@pytest.mark.parametrize("name", ["r3d_18", "x3d_s", "slowfast_r50", "vit_b_16", "resnet18"])
@pytest.mark.parametrize("distribution", ["erk", "er", "uniform"])
def test_counts_of_whole_models_are_those_of_the_published_rule(name, distribution):
    from vidsparse.sparsity import allocate

    shapes = {n: tuple(p.shape) for n, p in prunable(on_meta(name)).items()}
    total = sum(map(prod, shapes.values()))
    for sparsity in (0.5, 0.8, 0.9):
        counts = allocate(shapes, 1 - sparsity, distribution)
        assert sum(counts.values()) == round((1 - sparsity) * total)
        for n, density in densities(shapes, 1 - sparsity, distribution).items():
            assert abs(counts[n] - density * prod(shapes[n])) < 1


def test_shared_frozen_and_embedded_weights_are_told_apart():
    model = Menagerie()
    assert list(prunable(model)) == [
        "conv3d.weight", "depthwise.weight", "conv2d.weight", "attention.in_proj_weight", "attention.out_proj.weight",
        "one.weight", "unused.weight", "last.weight",
    ]  # fmt: skip


def make(model: nn.Module | None = None, method: str = "static", sparsity: float = 0.6, **choice):
    model = model or Net()
    return sparsify(
        model, torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1), method, sparsity, **choice
    )


@pytest.mark.parametrize(
    ("choice", "dense"),
    [
        ({"exclude": "head.*"}, ["head.weight"]),
        ({"exclude": ["attention.*", "stem*"]}, ["stem.0.weight", *ATTENTION]),
        ({"include": ["stem.*", "grouped.weight"]}, [*ATTENTION, "head.weight"]),
        ({"include": ["att*", "g*"], "exclude": "*out*"}, ["stem.0.weight", ATTENTION[1], "head.weight"]),
        ({"first_layer": "dense"}, ["stem.0.weight"]),
        ({"last_layer": "dense", "exclude": "grouped*"}, ["grouped.weight", "head.weight"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inside", [True, False])
def test_layers_kept_dense_carry_no_mask_and_count_where_they_are_said_to(choice, dense, inside):
    sparse = make(sparsity=0.1, distribution="uniform", dense_in_budget=inside, **choice)
    sizes = {n: p.numel() for n, p in prunable(Net()).items()}
    assert list(sparse.kept_dense) == dense
    assert sparse.dense_in_budget == inside
    assert not set(sparse.masks) & set(dense)
    counted = sizes if inside else {n: size for n, size in sizes.items() if n not in dense}
    assert sparse.sizes() == counted
    assert sparse.nonzero == round(0.9 * sum(counted.values()))
    free = {n for n in counted if n not in dense}
    left = sparse.nonzero - (sum(sizes[n] for n in dense) if inside else 0)
    assert all(
        sparse.densities()[n] == pytest.approx(left / sum(sizes[m] for m in free), abs=1 / sizes[n]) for n in free
    )


def test_the_two_accountings_of_a_dense_first_layer_give_the_published_totals():
    """RigL's own code leaves the dense first layer out of the budget: ResNet-50 at 0.9 has a density of 0.10033."""
    from torchvision.models import resnet50

    with torch.device("meta"):
        model = resnet50()
    shapes = {n: tuple(p.shape) for n, p in prunable(model).items()}
    total = sum(map(prod, shapes.values()))
    first = prod(shapes["conv1.weight"])
    from vidsparse.sparsity import allocate

    outside = allocate({n: s for n, s in shapes.items() if n != "conv1.weight"}, 0.1)
    assert (sum(outside.values()) + first) / total == pytest.approx(0.10033, abs=5e-6)
    inside = allocate(shapes, 0.1, dense=["conv1.weight"])
    assert sum(inside.values()) == round(0.1 * total)
    assert inside["conv1.weight"] == first


@pytest.mark.parametrize("method", ["rigl", "granet_g", "snfs", "srigl", "gmp", "mest_g"])
def test_kept_layers_stay_dense_through_training(method):
    from helpers.toy import batch

    model = Menagerie()
    opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    kept = {"depthwise": "dense", "last_layer": "dense", "first_layer": "dense"}
    sparse = sparsify(model, opt, method, 0.5, 12, every=2, stop=0.75, **kept)
    assert sparse.kept_dense == ("conv3d.weight", "depthwise.weight", "last.weight")
    for step in range(8):
        opt.zero_grad()
        x, y = batch(step)
        torch.nn.functional.cross_entropy(model(x), y).backward()
        opt.step()
        assert all(bool(p.all()) for p in (model.conv3d.weight, model.depthwise.weight, model.last.weight))
    assert sparse.updates == 4
    assert sparse.total == sum(p.numel() for p in prunable(model).values())


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            {"exclude": "haed.weight"},
            "exclude: 'haed.weight' matches no prunable parameter; did you mean head.weight",
        ),
        ({"include": ["stem*", "nothing.*"]}, "include: 'nothing.\\*' matches no prunable parameter"),
        ({"exclude": "*"}, "nothing is left to be sparse"),
        ({"first_layer": "thick"}, "first_layer=thick: it is sparse or dense"),
        ({"exclude": ["stem*", "grouped*"], "sparsity": 0.9}, "kept dense alone have .* dense_in_budget=False"),
    ],
)
def test_choices_that_cannot_be_are_named(choice, said):
    with pytest.raises(ConfigError, match=said):
        make(**choice)


def test_a_sharded_model_is_refused_and_so_is_one_without_trained_layers():
    class FSDPModule:
        """Named as the mixin of torch's fully_shard, which needs processes to be made."""

    class Sharded(Net, FSDPModule):
        pass

    with pytest.raises(ConfigError, match=r"sharded \(FSDP\)"):
        make(Sharded())
    for method in ("rigl", "dense"):
        with pytest.raises(ConfigError, match="trains no convolution"):
            sparsify(Net(), torch.optim.SGD([nn.Parameter(torch.zeros(2))], 0.1), method)


def test_a_network_without_parameters_which_another_runtime_computes_is_dense_or_nothing():
    computed = nn.Flatten()
    assert not sparsify(computed, torch.optim.SGD([{"params": []}], 0.1), "dense").total
    with pytest.raises(ConfigError, match="trains no convolution"):
        sparsify(computed, torch.optim.SGD([{"params": []}], 0.1), "rigl")


def test_a_weight_replaced_after_the_fact_is_noticed_at_the_next_update():
    model = Net()
    opt = torch.optim.SGD(model.parameters(), 0.1)
    sparsify(model, opt, "rigl", 0.5, 10, every=1)
    model.head.weight = nn.Parameter(torch.zeros_like(model.head.weight))
    with pytest.raises(ConfigError, match=r"head\.weight was replaced after sparsify"):
        opt.step()
