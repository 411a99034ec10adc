"""Counts against published densities (seven public programs agree on them) and against their own definition."""

from math import prod

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vidsparse.sparsity import allocate
from vidsparse.utils import torchvision_compat
from vidsparse.utils.errors import ConfigError

torchvision_compat.install()

# ERK densities of torchvision's ResNet-18 layer shapes at five sparsities.
RESNET18_ERK = {
    "conv1": (1, 1, 1, 0.491918, 0.195798),
    "layer1.0.conv1": (1, 0.885859, 0.422703, 0.207686, 0.082665),
    "layer2.0.conv1": (1, 0.654478, 0.312296, 0.153440, 0.061073),
    "layer2.0.downsample.0": (1, 1, 1, 1, 0.538557),
    "layer3.0.conv2": (0.678779, 0.214028, 0.102127, 0.050178, 0.019972),
    "layer4.0.conv1": (0.507119, 0.159901, 0.076299, 0.037488, 0.014921),
    "layer4.1.conv2": (0.337424, 0.106394, 0.050768, 0.024944, 0.009928),
    "layer4.0.downsample.0": (1, 1, 0.683147, 0.335650, 0.133598),
    "fc": (1, 0.719688, 0.343412, 0.168728, 0.067159),
}
SPARSITIES = (0.5, 0.8, 0.9, 0.95, 0.98)
TOTALS = (5_839_456, 2_335_782, 1_167_891, 583_946, 233_578)


@pytest.fixture(scope="module")
def resnet18() -> dict[str, tuple[int, ...]]:
    from torchvision.models import resnet18

    with torch.device("meta"):
        model = resnet18()
    return {name[: -len(".weight")]: tuple(p.shape) for name, p in model.named_parameters() if p.dim() > 1}


@pytest.mark.parametrize("column", range(5))
def test_erk_equals_published_densities_of_resnet18(resnet18, column):
    counts = allocate(resnet18, 1 - SPARSITIES[column])
    assert sum(counts.values()) == TOTALS[column]
    for name, row in RESNET18_ERK.items():
        assert counts[name] / prod(resnet18[name]) == pytest.approx(row[column], rel=1e-3)


shapes = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(st.integers(1, 9), min_size=2, max_size=5).map(tuple),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(shapes, st.floats(0.3, 1.0), st.sampled_from(["erk", "er", "uniform"]))
def test_counts_are_integers_within_each_layer_and_exact_in_total(shapes, density, distribution):
    try:
        counts = allocate(shapes, density, distribution)
    except ConfigError:
        assume(False)  # so sparse that a layer would be empty
    assert all(type(n) is int and 1 <= n <= prod(shapes[name]) for name, n in counts.items())
    assert sum(counts.values()) == round(density * sum(map(prod, shapes.values())))


def test_uniform_gives_every_layer_the_same_density():
    assert allocate({"a": (10, 10), "b": (4, 25)}, 0.3, "uniform") == {"a": 30, "b": 30}


def test_er_ignores_the_kernel_and_erk_counts_it():
    shapes = {"wide": (32, 32, 3, 3, 3), "thin": (64, 432)}
    er, erk = (allocate(shapes, 0.2, d) for d in ("er", "erk"))
    assert er["wide"] / er["thin"] == pytest.approx((32 + 32) * 27 / (64 + 432), rel=1e-3)
    assert erk["wide"] / erk["thin"] == pytest.approx((32 + 32 + 3 + 3 + 3) / (64 + 432), rel=1e-3)


def test_density_one_keeps_everything():
    assert allocate({"a": (3, 5), "b": (7, 2, 3)}, 1.0) == {"a": 15, "b": 42}


@pytest.mark.parametrize("density", [0.0, -0.5, 1.2])
def test_impossible_density_is_refused(density):
    with pytest.raises(ConfigError, match="outside"):
        allocate({"a": (3, 5)}, density)


def test_a_layer_without_any_weight_is_refused():
    with pytest.raises(ConfigError, match="fc"):
        allocate({"conv": (64, 64, 3, 3), "fc": (2, 2)}, 1e-4, "uniform")
