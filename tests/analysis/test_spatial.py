"""Kernel maps by hand; tests that stay silent on random masks and speak where channels are given up."""

import math

import numpy as np
import pytest
import torch

from vidsparse.analysis import spatial
from vidsparse.sparsity.distribution import allocate
from vidsparse.sparsity.measure.dispersion import describe, kernel_counts


def random_mask(shape: tuple[int, ...], nonzero: int, rng: np.random.Generator) -> torch.Tensor:
    flat = np.zeros(math.prod(shape), np.float32)
    flat[rng.choice(flat.size, nonzero, replace=False)] = 1
    return torch.from_numpy(flat.reshape(shape))


def test_maps_count_and_sum_each_kernel_in_any_number_of_dimensions():
    for kernel in ((3, 3), (3, 3, 3), (1,), ()):
        weight = torch.randn(4, 5, *kernel) * (torch.rand(4, 5, *kernel) < 0.5)
        counts, sizes = kernel_counts(weight), spatial.kernel_magnitudes(weight)
        for o, i in np.ndindex(4, 5):
            assert counts[o, i] == int((weight[o, i] != 0).sum())
            assert sizes[o, i] == pytest.approx(float(weight[o, i].abs().sum()), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "density"), [((32, 16, 3, 3), 0.5), ((64, 32, 1, 1), 0.1), ((48, 1, 3, 3, 3), 0.3), ((100, 80), 0.05)]
)
def test_on_random_masks_p_values_are_uniform_enough(shape, density):
    """A 5 % test says yes in about 5 of 100 random masks, whatever the layer's shape and density."""
    rng = np.random.default_rng(0)
    rows = [spatial.layer_row(random_mask(shape, round(density * math.prod(shape)), rng)) for _ in range(300)]
    for side in ("output", "input"):
        p = np.array([row[f"{side}_p_dispersion"] for row in rows], float)
        if shape[1] > 1 or side == "output":
            assert 0.015 <= np.nanmean(p < 0.05) <= 0.1, side
            assert np.nanmean([row[f"{side}_dispersion"] for row in rows]) == pytest.approx(1, abs=0.1)
        assert np.nanmean(np.array([row[f"{side}_p_empty"] for row in rows], float) < 0.05) <= 0.07


def test_the_expected_number_of_empty_channels_is_exact():
    rng = np.random.default_rng(1)
    shape, nonzero = (40, 3, 1, 1), 50
    empty = [int((kernel_counts(random_mask(shape, nonzero, rng)).sum(1) == 0).sum()) for _ in range(3000)]
    found = spatial.channel_test(kernel_counts(random_mask(shape, nonzero, rng)).sum(1), 3)
    assert found.expected == pytest.approx(np.mean(empty), rel=0.03)


def test_channels_that_were_given_up_are_found_at_once():
    rng = np.random.default_rng(2)
    mask = random_mask((32, 32, 3, 3), 32 * 32 * 9 * 6 // 10, rng)
    mask[[3, 9]] = 0
    mask[:, 5] = 0
    row = spatial.layer_row(mask)
    assert (row["output_empty"], row["input_empty"]) == (2, 1)
    assert row["output_p_empty"] < 1e-6
    assert row["input_p_empty"] < 1e-3
    assert row["output_p_dispersion"] < 1e-10


def test_under_erk_every_layer_is_tested_at_its_own_density():
    rng, shapes = np.random.default_rng(3), {"a": (32, 16, 3, 3), "b": (64, 32, 3, 3), "c": (10, 64)}
    counts = allocate(shapes, 0.3)
    table = spatial.spatial_table({name: random_mask(shape, counts[name], rng) for name, shape in shapes.items()})
    assert dict(zip(table.layer, table.nonzero, strict=True)) == counts
    sparse = table[table.density < 1]
    assert len(sparse) >= 2
    assert (sparse.output_p_dispersion > 0.001).all()


def test_dense_layers_have_no_mask_to_test_but_lines_of_magnitude():
    weight = torch.randn(16, 8, 3, 3)
    even = spatial.layer_row(weight)
    weight[:4] *= 10
    row = spatial.layer_row(weight)
    assert row["density"] == 1
    assert math.isnan(row["output_p_dispersion"])
    assert row["output_cv"] > 3 * even["output_cv"]


def test_structure_says_the_same_as_the_table_in_one_line():
    mask = random_mask((16, 8, 3, 3), 400, np.random.default_rng(4))
    row, line = spatial.layer_row(mask), describe(mask)
    assert line["nonzero"] == row["nonzero"] == 400
    assert line["output_dispersion"] == pytest.approx(row["output_dispersion"])
    assert line["empty_inputs"] == row["input_empty"]


def test_maps_of_a_few_layers_are_kept_from_first_to_last():
    weights = {f"l{i}": torch.ones(4, 4, 3, 3) for i in range(9)} | {"head": torch.ones(10, 4)}
    assert list(spatial.kernel_maps(weights)) == [f"{m}/l{i}" for m in "NA" for i in (0, 3, 5, 8)]
    assert spatial.kernel_maps({"head": torch.ones(10, 4)}) == {}
