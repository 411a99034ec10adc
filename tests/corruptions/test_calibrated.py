import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corruptions import REGISTRY, SUITES, consistency, corrupt, frame_order, frames_needed, suite
from corruptions.registry import MODES, Mode
from corruptions.severities import SIDES
from corruptions.tables_calibrated import CALIBRATED, TARGETS
from corruptions.tables_camera import VIDEO_C_3

Clip = NDArray[np.uint8]
OURS: dict[str, Any] = {"profile": "video_c", "resolution": "relative"}
CELLS = suite("video_c")
SUPPORT = {name: REGISTRY[name].support for name in CELLS}
MOVING = [name for name in CELLS if len(REGISTRY[name].modes) == 3]
ORDER = [name for name in CELLS if SUPPORT[name] == "order"]
SHAKE = [name for name in CELLS if REGISTRY[name].family == "shake"]
DAMAGE = ("bit_error", "packet_loss", "ts_loss")
OCCLUSION = [name for name in CELLS if REGISTRY[name].family == "occlusion"]
STEADY = [name for name in CELLS if REGISTRY[name].family in ("photometric", "blur", "weather", "rain", "digital")]


def texture(height: int, width: int, seed: int, mean: float = 120, contrast: float = 45) -> Clip:
    """A still of 1/f noise, grey levels about `mean`: uint8 (H, W, 3)."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    down, right = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    frequency = np.hypot(down, right)
    frequency[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) / frequency[..., None], axes=(0, 1)).real
    return np.asarray(np.clip(mean + contrast * field / field.std(), 0, 255), np.uint8)


def pan(n_frames: int, side: int, seed: int) -> Clip:
    """A view that moves over a texture, 2 pixels right and 1 down a frame."""
    scene = texture(side + n_frames, side + 2 * n_frames, seed)
    return np.stack([scene[t : t + side, 2 * t : 2 * t + side] for t in range(n_frames)])


def squared_error(clean: Clip, corrupted: Clip) -> float:
    return float(((corrupted.astype(float) - clean) ** 2).mean())


def test_the_suite_is_the_table_with_a_target_for_every_cell() -> None:
    assert SUITES["video_c_2"].cells == tuple((name, "video_c") for name in CALIBRATED)
    assert SUITES["video_c"].cells == (*SUITES["video_c_2"].cells, *((name, "video_c") for name in VIDEO_C_3))
    assert [SUITES[name].version for name in ("video_c_2", "video_c")] == [2, 3]
    assert SUITES["video_c"].severities == (1, 2, 3, 4, 5)
    assert SUITES["video_c"].resolution == "relative"
    assert set(TARGETS) == set(CALIBRATED)
    assert SIDES["video_c"] == 224
    assert {REGISTRY[name].family for name in CELLS} == {
        *("noise", "blur", "shutter", "weather", "rain", "photometric", "digital", "shake", "order", "codec", "sensor"),
        *("exposure", "readout", "scan", "occlusion"),
    }


@pytest.mark.slow
@settings(max_examples=60)
@given(st.data())
def test_distortion_grows_with_severity_video_by_video(data: st.DataObject) -> None:
    others = (*ORDER, *SHAKE, *DAMAGE, *OCCLUSION, "interlacing")  # whose fields lie apart as far as the clip is long
    name = data.draw(st.sampled_from([n for n in CELLS if n not in others]))
    clip = pan(8, data.draw(st.sampled_from((64, 81, 112))), data.draw(st.integers(0, 99)))
    key = data.draw(st.text(max_size=3))
    errors = [squared_error(clip, corrupt(clip, name, severity, key, **OURS)) for severity in range(6)]
    assert np.all(np.diff(errors) > 0), (name, errors)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*DAMAGE, *OCCLUSION])
def test_mean_damage_grows_with_severity_in_every_video(name: str) -> None:
    """One hit can ruin more than two, and a large figure stand where the scene is like it; the mean over keys grows."""
    for seed in range(2):
        clip = pan(24, 64, seed)
        errors = [
            np.mean([squared_error(clip, corrupt(clip, name, severity, str(key), **OURS)) for key in range(12)])
            for severity in range(6)
        ]
        assert np.all(np.diff(errors) > 0), errors


@settings(max_examples=20)
@given(st.sampled_from(SHAKE), st.integers(0, 999))
def test_shaking_displaces_more_with_severity(name: str, key: int) -> None:
    """A ramp shows where its pixels come from: the distances grow, whatever the texture would say."""
    down, right = np.mgrid[:112, :112]
    ramp = np.stack([2 * right, 2 * down, np.full_like(down, 200)], axis=-1).astype(np.uint8)[None].repeat(4, axis=0)
    seen = [corrupt(ramp, name, severity, str(key), **OURS, indices=[0, 9, 20, 31]) for severity in range(6)]
    inside = seen[5][..., 2] == 200
    moved = [np.abs(shown.astype(float) - ramp)[inside].mean() for shown in seen]
    assert np.all(np.diff(moved) >= 0)
    assert moved[5] > moved[0]


@pytest.mark.slow
@settings(max_examples=60)
@given(st.sampled_from(ORDER), st.integers(30, 300), st.text(max_size=3))
def test_time_is_displaced_more_with_severity(name: str, n_frames: int, key: str) -> None:
    """All five levels differ for any video of 30 to 300 frames."""
    orders = [frame_order(name, severity, n_frames, key, "video_c") for severity in range(6)]
    late = [np.abs(order - np.arange(n_frames)).mean() for order in orders]
    assert np.all(np.diff(late) > 0), late
    assert all(order.min() >= 0 and order.max() < n_frames for order in orders)


@pytest.mark.parametrize("name", STEADY)
def test_the_mean_of_a_still_video_does_not_flicker(name: str) -> None:
    stills = [texture(112, 112, 0), texture(112, 112, 1, 40, 20), texture(112, 112, 2, 200, 30)]
    for number, still in enumerate(stills):
        clip = np.repeat(still[None], 16, axis=0)
        for mode in [mode for mode in REGISTRY[name].modes if mode != "independent"]:
            for severity in (1, 3, 4, 5):
                residual = corrupt(clip, name, severity, str(number), temporal=mode, **OURS).astype(float) - clip
                assert np.diff(residual.mean((1, 2, 3))).std() < 0.5


def test_the_report_agrees_that_snow_does_not_flicker_on_dark_clips() -> None:
    """At the published levels 4 and 5 it does, by 0.77."""
    dark = np.repeat(texture(96, 96, 3, 30, 15)[None], 12, axis=0)
    for key in "abc":
        assert consistency(dark, corrupt(dark, "snow", 5, key, temporal="drift", **OURS)).flicker < 0.5


@pytest.mark.parametrize("name", MOVING)
def test_the_mode_never_changes_the_mean_distortion(name: str) -> None:
    """Within 0.3 dB; where the light of all frames hangs on one draw, within four standard errors of what is left."""
    clip, times = pan(25, 64, 5)[::6], [0, 6, 12, 18, 24]
    errors = {
        mode: [
            squared_error(clip, corrupt(clip, name, 3, str(key), temporal=mode, indices=times, **OURS))
            for key in range(128)
        ]
        for mode in MODES
    }
    for one, other in itertools.combinations(errors.values(), 2):
        means, chance = (np.mean(one), np.mean(other)), np.hypot(np.std(one), np.std(other)) / np.sqrt(128)
        most = 4 * chance if name in ("auto_exposure", "white_balance") else min(means) * (10**0.03 - 1)
        assert abs(means[0] - means[1]) < most


@settings(max_examples=40)
@given(st.sampled_from(CELLS), st.integers(1, 5), st.sampled_from(MODES), st.sampled_from((1, 7, 16)))
def test_the_same_bytes_in_any_chunks(name: str, severity: int, mode: Mode, size: int) -> None:
    clip = pan(18, 40, 7)
    n = len(clip)
    whole = corrupt(clip, name, severity, "k", temporal=mode, **OURS)
    assert np.array_equal(whole, corrupt(clip.copy(), name, severity, "k", temporal=mode, **OURS))
    for first in range(0, n, 18 // 2 if SUPPORT[name] == "video" else size):
        outputs = np.arange(first, min(first + size, n))
        needed = frames_needed(name, severity, outputs, n, "k", "video_c")
        part = corrupt(clip[needed], name, severity, "k", temporal=mode, indices=needed, outputs=outputs, n_frames=n,
                       **OURS)  # fmt: skip
        assert np.array_equal(part, whole[outputs])


@pytest.mark.parametrize("level", [0, 77, 255])
def test_grey_stays_grey_without_colour_and_fog_shows_on_black(level: int) -> None:
    flat = np.full((1, 32, 32, 3), level, np.uint8)
    for severity in range(1, 6):
        assert np.array_equal(corrupt(flat, "saturate", severity, **OURS), flat)
        foggy = corrupt(flat, "fog", severity, **OURS).astype(float)
        assert foggy.mean() > 20
        assert np.ptp(foggy, axis=3).max() == 0


def test_severities_of_one_key_share_their_draws() -> None:
    """Frost, mud and flakes of one video stay where they are from level to level."""
    clip = np.repeat(texture(64, 64, 9)[None], 2, axis=0)
    for name in ("frost", "spatter", "gaussian_noise", "fog"):
        residuals = [corrupt(clip, name, severity, "k", **OURS)[1].astype(float) - clip[1] for severity in range(2, 6)]
        for milder, harsher in itertools.pairwise(residuals):
            assert np.corrcoef(milder.ravel(), harsher.ravel())[0, 1] > 0.5
