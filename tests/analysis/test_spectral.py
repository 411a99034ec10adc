"""Predictions by frequency: which conditions there are, and a network that knows one frequency alone."""

import pandas as pd
import pytest
import torch

from vidsparse.analysis import curves, filters, spectral
from vidsparse.analysis.analyse import BUDGET, cost
from vidsparse.config import AnalysisConfig, Config, DataConfig
from vidsparse.config.change import changed
from vidsparse.data.datasets.sources import Sample

DATA = DataConfig(frames=4, size=16, normalize="half")


def listener(inputs: torch.Tensor) -> torch.Tensor:
    """Logits (B, 2): class 1 where there is a wave of 4 periods across, which is all that this network hears."""
    wave = filters.fourier_wave(16, 0, 4).to(inputs)
    heard = (inputs.mean((1, 2)) * wave).sum((1, 2)).abs()
    return torch.stack([torch.full_like(heard, 0.8), heard], dim=1)


@pytest.fixture
def clips() -> tuple[torch.Tensor, list[Sample]]:
    """Three clips without the wave, three with it."""
    wave = 128 + 60 * torch.cos(2 * torch.pi * 4 * torch.arange(16) / 16)
    plain = torch.full((4, 16, 16, 3), 128, dtype=torch.uint8)
    waved = wave.round().byte()[None, None, :, None].expand(4, 16, 16, 3)
    pixels = torch.stack([plain] * 3 + [waved] * 3)
    return pixels, [Sample(f"c{i}", None, int(i >= 3), f"g{i}") for i in range(6)]


def predict(conditions, clips, batch=4):
    pixels, samples = clips
    shown = spectral.Shown(samples, pixels)
    return spectral.predict(conditions, shown, listener, DATA.normalize, batch, torch.device("cpu"))


def test_accuracy_falls_where_the_frequency_that_matters_is_removed(clips):
    table = predict(spectral.attenuations(AnalysisConfig(radii=[4, 8, 10, 12]), DATA), clips)
    found = curves.attenuation_curves(table).set_index(["axis", "side", "radius"]).accuracy.sort_index()
    assert found["space", "none", 0] == 1
    assert found["space", "low"].to_dict() == {4: 1, 8: 1, 10: 0.5, 12: 0.5}
    assert found["space", "high"].to_dict() == {4: 1, 8: 1, 10: 0.5, 12: 0.5}
    assert found["time", "high"].to_dict() == {2: 1, 4: 1}
    assert found["time", "low"].to_dict() == {2: 0.5}


def test_the_heat_map_is_hot_at_that_frequency_alone(clips):
    table = predict(spectral.waves(AnalysisConfig(fourier=5), DATA), clips)
    errors = curves.fourier_errors(table)
    assert errors.shape == (5, 5)
    hot = {(v, u) for v in errors.index for u in errors.columns if errors.loc[v, u] > 0.4}
    assert hot == {(0, 4), (0, -4)}
    assert (errors.to_numpy() == errors.to_numpy()[::-1, ::-1]).all()


def test_batches_do_not_matter(clips):
    conditions = spectral.waves(AnalysisConfig(fourier=3), DATA)
    pd.testing.assert_frame_equal(predict(conditions, clips, 1), predict(conditions, clips, 6))


def test_images_have_no_time_and_small_clips_few_radii():
    conditions = spectral.attenuations(AnalysisConfig(), DataConfig(frames=1, size=32))
    assert {c.axis for c in conditions} == {"space"}
    assert len(conditions) == 15
    assert len(set(conditions)) == len(conditions)
    video = spectral.attenuations(AnalysisConfig(), DataConfig(frames=16, size=112))
    assert len(set(video)) == len(video)
    assert max(c.radius for c in video if c.axis == "time") == 16


def test_auto_takes_what_is_cheap_in_order_and_on_takes_all():
    config = Config(analysis=AnalysisConfig(clips=10))
    budget = BUDGET["cpu"]
    assert cost(config.analysis, config.data, 10, budget / 1e6, budget) == ("saliency", "attenuation", "fourier")
    assert cost(config.analysis, config.data, 10, budget / 300, budget) == ("saliency", "attenuation")
    assert cost(config.analysis, config.data, 10, budget / 100, budget) == ("saliency",)
    assert cost(config.analysis, config.data, 10, budget, budget) == ()
    assert cost(config.analysis, config.data, 10, budget, BUDGET["cuda"]) == ("saliency", "attenuation", "fourier")
    config = changed(config, {"analysis.spectral": True, "analysis.saliency": False})
    assert cost(config.analysis, config.data, 10, 1e30, budget) == ("attenuation", "fourier")
