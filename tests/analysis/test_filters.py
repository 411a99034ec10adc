"""Filters: what is kept and removed, exactly; waves of one frequency and a known norm."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vidsparse.analysis import filters

CLIPS = torch.rand(2, 4, 16, 16, 3, generator=torch.Generator().manual_seed(0))


def spectrum(clips: torch.Tensor) -> torch.Tensor:
    return torch.fft.fftshift(torch.fft.fft2(clips.double(), dim=(2, 3)), dim=(2, 3)).abs()


@given(st.integers(0, 16))
def test_the_two_sides_remove_a_centred_square_and_its_outside(radius):
    reach = torch.arange(-8, 8).abs()
    reach = torch.maximum(reach[:, None], reach[None, :])
    whole = spectrum(CLIPS)
    for side, removed in (("low", reach < radius / 2), ("high", reach > (16 - radius) / 2)):
        found = spectrum(filters.attenuate(CLIPS, side, radius))
        assert torch.allclose(found[:, :, removed], torch.zeros((), dtype=torch.float64), atol=1e-4)
        assert torch.allclose(found[:, :, ~removed], whole[:, :, ~removed], atol=1e-4)


def test_radius_0_changes_nothing_and_the_whole_side_leaves_the_mean_or_nothing_low():
    for side in ("low", "high"):
        assert torch.allclose(filters.attenuate(CLIPS, side, 0), CLIPS, atol=1e-6)
        assert torch.allclose(filters.attenuate_time(CLIPS, side, 0), CLIPS, atol=1e-6)
    flat = CLIPS.mean((2, 3), keepdim=True).expand_as(CLIPS)
    assert torch.allclose(filters.attenuate(CLIPS, "high", 16), flat, atol=1e-6)
    assert filters.attenuate(CLIPS, "low", 1).mean((2, 3)).abs().max() < 1e-6


@given(st.integers(1, 15))
def test_a_larger_radius_removes_more(radius):
    for side in ("low", "high"):
        smaller, larger = (filters.attenuate(CLIPS, side, r).square().sum() for r in (radius, radius + 1))
        assert larger <= smaller + 1e-3


def test_along_time_high_makes_a_clip_stand_still_and_low_keeps_only_what_moves():
    still = filters.attenuate_time(CLIPS, "high", 4)
    assert torch.allclose(still, CLIPS.mean(1, keepdim=True).expand_as(CLIPS), atol=1e-6)
    moving = filters.attenuate_time(CLIPS, "low", 1)
    assert torch.allclose(moving, CLIPS - CLIPS.mean(1, keepdim=True), atol=1e-6)
    frozen = CLIPS[:, :1].expand_as(CLIPS)
    assert filters.attenuate_time(frozen, "low", 2).abs().max() < 1e-6
    odd = torch.rand(1, 5, 8, 8, 3)
    assert filters.attenuate_time(odd, "high", 3).shape == odd.shape


@pytest.mark.parametrize("size", [8, 32])
def test_a_wave_has_one_frequency_and_norm_1(size):
    for v, u in filters.frequencies(size, 5):
        wave = filters.fourier_wave(size, v, u)
        power = torch.fft.fft2(wave).abs()
        assert wave.norm() == pytest.approx(1)
        found = {tuple(at) for at in (power > power.max() / 2).nonzero().tolist()}
        assert found == {(v % size, u % size), (-v % size, -u % size)}


def test_added_waves_have_the_published_norm_in_each_frame_and_channel():
    signs = filters.wave_signs(2, 3, -2)
    added = filters.add_wave(CLIPS, 3, -2, signs) - CLIPS
    norms = added.square().sum((2, 3)).sqrt()
    assert torch.allclose(norms, torch.full_like(norms, filters.fourier_norm(16)), atol=1e-4)
    assert torch.allclose(added[:, 0], added[:, 3], atol=1e-6)
    assert set(filters.wave_signs(500, 1, 1).flatten().tolist()) == {-1.0, 1.0}
    assert torch.equal(filters.wave_signs(9, 1, 1)[:4], filters.wave_signs(4, 1, 1))


@pytest.mark.parametrize(("size", "points"), [(32, 9), (16, 17), (56, 5), (8, 1)])
def test_half_of_the_plane_stands_for_the_whole(size, points):
    half = filters.frequencies(size, points)
    whole = {(v, u) for v, u in half} | {(-v, -u) for v, u in half}
    assert len(whole) == points * points
    assert len(half) == (points * points + 1) // 2
    assert np.abs(list(whole)).max() == (size // 2 if points > 1 else 0)
