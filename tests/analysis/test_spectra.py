"""Power spectra: Parseval, single waves, and corruptions whose spectrum is known."""

import numpy as np
import pytest
import torch
from torch import nn

import corruptions
from vidsparse.analysis import spectra


def test_a_wave_has_its_power_at_its_frequency_and_white_noise_everywhere():
    x = torch.arange(32)
    wave = torch.cos(2 * torch.pi * 8 * x / 32).expand(32, 32)
    frequency, power = spectra.radial_power(wave)
    assert frequency[power.argmax()] == 0.25
    assert power[8] > 100 * np.delete(power, 8).max()
    noise = torch.randn(50, 64, 64, generator=torch.Generator().manual_seed(0))
    assert spectra.radial_power(noise)[1] == pytest.approx(np.ones(33), rel=0.15)


def test_time_power_obeys_parseval_and_finds_a_flicker():
    clips = torch.rand(3, 8, 4, 4)
    frequency, power = spectra.time_power(clips)
    both_sides = power.sum() + power[1:-1].sum()
    assert both_sides / 8 == pytest.approx(float(clips.double().square().mean()))
    flicker = torch.tensor([0.0, 1.0] * 4)[:, None, None].expand(8, 4, 4)
    assert frequency[1:][spectra.time_power(flicker)[1][1:].argmax()] == 0.5


def test_corruptions_add_what_they_are_known_to_add():
    ramp = np.linspace(40, 210, 32).astype(np.uint8)
    clean = np.stack([np.broadcast_to(np.roll(ramp, t)[None, :, None], (32, 32, 3)) for t in range(4)])
    noisy = corruptions.corrupt(clean, "gaussian_noise", 3, "a")
    bright = corruptions.corrupt(clean, "brightness", 1, "a")
    table = spectra.corruption_spectra([{"clean": clean, "gaussian_noise/3": noisy, "brightness/1": bright}])
    assert table.groupby("corruption").severity.first().to_dict() == {"brightness": 1, "clean": 0, "gaussian_noise": 3}

    def share_above_quarter(name: str) -> float:
        rows = table[(table.corruption == name) & (table.axis == "space")]
        return rows[rows.frequency > 0.25].power.sum() / rows.power.sum()

    assert share_above_quarter("gaussian_noise") > 0.4
    assert share_above_quarter("brightness") < 0.1
    assert set(table.axis) == {"space", "time"}


def test_filters_of_the_first_convolution_by_their_frequency():
    low, high = nn.Conv3d(1, 1, (1, 3, 3)), nn.Conv3d(1, 1, (3, 3, 3))
    with torch.no_grad():
        low.weight.fill_(1.0)
        high.weight.copy_(torch.tensor([1.0, -2.0, 1.0]).expand(1, 1, 3, 3, 3))
    space = spectra.filter_spectra(nn.Sequential(low))
    assert set(space.axis) == {"space"}
    assert space.power.iloc[0] == space.power.max()
    both = spectra.filter_spectra(nn.Sequential(high))
    assert set(both.axis) == {"space", "time"}
    assert spectra.filter_spectra(nn.Linear(2, 2)).empty
