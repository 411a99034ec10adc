"""The promises of every corruption in time, for all profiles, severities and modes: `make soak`, or this file alone."""

from typing import get_args

import pytest

from corruptions import REGISTRY
from corruptions.registry import Mode
from corruptions.severities import SIDES, TABLES
from helpers.promises import flicker, spread_of_modes, steady_cells

MOVING = tuple(cell for cell in TABLES if len(REGISTRY[cell[1]].modes) == 3)


@pytest.mark.parametrize(("profile", "name"), [*steady_cells(), ("kinetics_c", "rain"), ("video_c", "rain")])
def test_the_brightness_of_a_still_video_does_not_flicker(profile: str, name: str) -> None:
    worst = {
        (severity, mode, side, key): flicker(name, profile, severity, mode, key, side)
        for severity in range(1, 6)
        for mode in get_args(Mode)
        if mode != "independent"
        for side in ({SIDES[profile]} if name == "rain" else {SIDES[profile], 64, 112})
        for key in "abcdefgh"
    }
    case = max(worst, key=worst.__getitem__)
    print(f"{profile} {name}: {worst[case]:.2f} grey levels at {case}")
    assert worst[case] < 0.5


@pytest.mark.parametrize(("profile", "name"), MOVING)
def test_the_mode_never_changes_the_mean_distortion(profile: str, name: str) -> None:
    spreads = [spread_of_modes(name, profile, severity, keys=256, side=64) for severity in range(1, 6)]
    print(f"{profile} {name}: " + ", ".join(f"{spread:.2f}" for spread in spreads) + " dB")
    assert max(spreads) < 0.3
