"""The numbers behind the low-frequency account: cases whose right value is known."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from vidsparse.analysis import kernel_frequencies, low_frequencies, spectra
from vidsparse.evaluation.metrics import MismatchedTables
from vidsparse.evaluation.statistics import rank_correlation


def test_shares_of_residuals_are_those_of_white_noise_of_a_wave_and_of_brightness():
    rng = np.random.default_rng(0)
    x, size = np.arange(32), 32
    clean = np.full((8, size, size, 3), 128, np.uint8)
    wave = np.broadcast_to(30 * np.cos(2 * np.pi * 12 * x / size)[None, :, None], clean.shape)
    added = {"noise/3": rng.normal(0, 20, clean.shape), "wave/3": wave, "brightness/1": np.full(clean.shape, 20.0)}
    strip = {"clean": clean, **{name: (clean + each).round().astype(np.uint8) for name, each in added.items()}}
    table = spectra.corruption_spectra([{**strip, "nothing/1": clean}])
    shares = low_frequencies.high_frequency_shares(table)
    line = np.abs(np.fft.fftfreq(size, 1 / size))
    ring = np.hypot(line[:, None], line[None, :]).round()
    assert shares.loc["noise", "space"] == pytest.approx((ring[ring <= 16] > 8).mean(), abs=0.02)
    assert shares.loc["noise", "time"] == pytest.approx(3 / 8, abs=0.03)  # k = 3, 4, 5 of 8
    assert shares.loc["wave", "space"] == pytest.approx(1, abs=0.01)
    assert shares.loc["brightness", ["space", "time"]].tolist() == pytest.approx([0, 0], abs=1e-9)
    assert shares.loc["wave", "time"] == pytest.approx(0, abs=1e-9), "it stands still"
    assert shares.loc["nothing"].isna().all()
    assert "clean" not in shares.index


def test_a_gain_that_follows_the_share_correlates_and_an_offset_of_a_seed_changes_nothing():
    shares = pd.Series(np.linspace(0, 1, 12), [f"c{at}" for at in range(12)])
    gains = {0: shares**2, 1: shares**2 - 0.3}
    found = low_frequencies.gain_and_residual(gains, shares)
    assert (found["correlation"], found["corruptions"], found["seeds"]) == (1.0, 12, 2)
    assert found["seeds_low"] == found["seeds_high"] == 1.0
    assert 0.9 < found["low"] < 1
    flipped = low_frequencies.gain_and_residual({0: -shares.rename(lambda name: f"{name} (imagenet_c)")}, shares)
    assert flipped["correlation"] == -1
    assert math.isnan(flipped["seeds_low"])


def test_corruptions_without_a_share_are_left_out_and_few_have_no_interval():
    shares = pd.Series({"a": 0.1, "b": 0.2, "c": 0.9, "d": math.nan})
    found = low_frequencies.gain_and_residual(
        {0: pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 9.0, "e": 9.0})}, shares
    )
    assert (found["corruptions"], found["correlation"]) == (3, 1.0)
    assert math.isnan(found["low"])
    flat = low_frequencies.gain_and_residual({0: pd.Series(0.0, shares.index)}, shares)
    assert math.isnan(flat["correlation"])


def test_the_interval_of_a_correlation_holds_as_often_as_it_says():
    rng, n, true = np.random.default_rng(1), 15, 0.6
    of_ranks = 6 / np.pi * math.asin(true / 2)  # Spearman's of a bivariate normal distribution
    held = []
    for _ in range(600):
        one = rng.normal(size=n)
        found = rank_correlation(one, true * one + 0.8 * rng.normal(size=n))
        held.append(found.low <= of_ranks <= found.high)
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def attenuated(right: dict[int, list[int]]) -> pd.DataFrame:
    """Four clips of two recordings, by radius whether each is right."""
    clip = {"id": list("abcd"), "group": list("ggkk"), "label": 1}
    sides = {radius: "low" if radius else "none" for radius in right}
    parts = [
        pd.DataFrame({"axis": "space", "side": sides[radius], "radius": radius, **clip, "prediction": answers})
        for radius, answers in right.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_differences_of_curves_are_paired_by_clip_and_seed():
    dense = {seed: attenuated({0: [1, 1, 1, 1], 8: [1, 0, 0, 0]}) for seed in (0, 1, 5)}
    sparse = {0: attenuated({0: [1, 1, 1, 1], 8: [1, 1, 0, 0]}), 1: attenuated({0: [1, 1, 1, 0], 8: [1, 1, 1, 1]})}
    sparse[1] = sparse[1].sample(frac=1, random_state=0)  # in whatever order
    found = low_frequencies.attenuation_gains(sparse, dense).set_index("radius")
    assert found["gain"].to_dict() == {0: -0.125, 8: 0.5}
    assert set(found["seeds"]) == {2}
    assert set(found["n"]) == {4}
    assert (found["low"] <= found["gain"]).all()
    assert (found["gain"] <= found["high"]).all()
    reverse = low_frequencies.attenuation_gains(dense, sparse).set_index("radius")
    assert reverse["gain"].to_dict() == {0: 0.125, 8: -0.5}


def test_curves_of_other_clips_seeds_or_radii_are_refused():
    one = attenuated({0: [1, 1, 1, 1], 8: [1, 0, 0, 0]})
    for ours, theirs in (
        ({0: one}, {1: one}),
        ({0: one}, {0: one.replace({"id": {"a": "z"}})}),
        ({0: one}, {0: one.replace({"radius": {8: 4}})}),
    ):
        with pytest.raises(MismatchedTables):
            low_frequencies.attenuation_gains(ours, theirs)


def by_grid(kernel: np.ndarray, cut: float) -> float:
    """The share by a fine grid of frequencies, each in the middle of its cell."""
    n = 400
    f = (np.arange(n) + 0.5) / n - 0.5
    y, x = (np.exp(-2j * np.pi * f[:, None] * np.arange(size)) for size in kernel.shape)
    power = np.abs(y @ kernel @ x.T) ** 2
    inside = np.abs(f) < cut
    return float(power[np.ix_(inside, inside)].sum() / power.sum())


def test_energy_of_weights_below_a_frequency_is_the_integral_of_their_spectrum():
    draw = torch.Generator().manual_seed(0)
    kernel = torch.randn(3, 5, generator=draw)
    table = kernel_frequencies.low_frequency_weights({"conv": kernel[None, None]})
    assert table["share"].item() == pytest.approx(by_grid(kernel.numpy(), 0.25), abs=1e-6)
    smooth, checks = torch.ones(1, 1, 3, 3), torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]])[None, None]
    found = kernel_frequencies.low_frequency_weights({"smooth": smooth, "checks": checks}).set_index("layer")["share"]
    assert found["smooth"] > 0.8 > 0.05 > found["checks"]


def test_random_weights_have_the_share_of_noise_whatever_their_mask():
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 64, 3, 3, 3, generator=draw)
    masked = weight * (torch.rand(weight.shape, generator=draw) < 0.3)
    for each in (weight, masked, 1e3 * masked):
        table = kernel_frequencies.low_frequency_weights({"conv": each}).set_index("axis")
        assert table.loc["space", "share"] == pytest.approx(0.25, abs=0.01) == table.loc["space", "of_noise"]
        assert table.loc["time", "share"] == pytest.approx(0.5, abs=0.01) == table.loc["time", "of_noise"]


def test_layers_that_see_one_pixel_have_no_frequencies_and_empty_ones_no_share():
    weights = {"linear": torch.ones(4, 4), "point": torch.ones(4, 4, 1, 1, 1), "slow": torch.ones(4, 4, 3, 1, 1)}
    table = kernel_frequencies.low_frequency_weights({**weights, "gone": torch.zeros(2, 2, 3, 3)})
    assert table[["layer", "axis"]].to_numpy().tolist() == [["slow", "time"], ["gone", "space"]]
    assert table["share"].isna().tolist() == [False, True]
    assert kernel_frequencies.low_frequency_weights({"linear": torch.ones(2, 2)}).empty
