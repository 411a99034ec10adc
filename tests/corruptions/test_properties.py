"""What must hold for every corruption, profile, severity and mode: a seeded sample here, all of it in `make soak`."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt, frames_needed, names
from corruptions.registry import Mode
from corruptions.severities import SIDES, TABLES
from helpers.promises import flicker, spread_of_modes, steady_cells

Frames = NDArray[np.uint8]
CELLS = tuple(TABLES)
MODES = get_args(Mode)


@settings(max_examples=60)
@given(st.data())
def test_the_same_bytes_in_any_chunks_and_backwards(clip: Frames, data: st.DataObject) -> None:
    profile, name = data.draw(st.sampled_from(CELLS))
    severity, mode = data.draw(st.integers(0, 5)), data.draw(st.sampled_from(MODES))
    size, backwards = data.draw(st.sampled_from((1, 7, 16))), data.draw(st.booleans())
    resolution, key = data.draw(st.sampled_from(("absolute", "relative"))), data.draw(st.text(max_size=3))
    source, n = clip[:, :33, :47], len(clip)
    made = corrupt(source, name, severity, key, profile=profile, temporal=mode, resolution=resolution)
    assert made.shape == source.shape
    assert made.dtype == np.uint8
    if severity == 0:
        assert np.array_equal(made, source)
    order = np.arange(n)[::-1] if backwards else np.arange(n)
    chunks = [order[first : first + size] for first in range(0, n, size)]
    for outputs in chunks[: 1 if REGISTRY[name].support == "video" else 3]:
        needed = frames_needed(name, severity, outputs, n, key, profile)
        part = corrupt(
            source[needed], name, severity, key, profile=profile, temporal=mode, resolution=resolution,
            indices=needed, outputs=outputs, n_frames=n,
        )  # fmt: skip
        assert np.array_equal(part, made[outputs])


@pytest.mark.parametrize(("profile", "name"), [cell for cell in CELLS if REGISTRY[cell[1]].random])
def test_keys_differ_in_every_profile(clip: Frames, profile: str, name: str) -> None:
    made = {corrupt(clip, name, 3, key, profile=profile).tobytes() for key in "ab"}
    assert len(made) == 2 or (name in ("jumble", "box_jumble") and len(clip) <= TABLES[profile, name][2][0])


@settings(max_examples=60)
@given(st.sampled_from(steady_cells()), st.integers(1, 5), st.sampled_from(("static", "drift")), st.integers(0, 99))
def test_the_mean_of_a_still_video_does_not_flicker(cell: tuple[str, str], severity: int, mode: Mode, key: int) -> None:
    profile, name = cell
    side = min(SIDES[profile], 112)
    assert flicker(name, profile, severity, mode, str(key), side) < 0.5


@pytest.mark.slow
# the gain of auto_exposure is one draw a frame, whose square has long tails: thousands of keys would be needed, and
# test_motion.py holds that drift has the marginal of the others
@pytest.mark.parametrize(
    "name", [name for name in names() if len(REGISTRY[name].modes) == 3 and name != "auto_exposure"]
)
def test_the_mode_never_changes_the_mean_distortion_of_a_profile(name: str) -> None:
    """One profile and severity of each corruption here; 96 keys, so that luck cannot decide."""
    profiles = REGISTRY[name].tables
    cell = profiles[len(name) % len(profiles)]
    assert spread_of_modes(name, cell, 1 + len(name) % 5, keys=96) < 0.3
