"""In relative resolution a corruption is about as hard at any size; `make soak` has all sizes and every cell."""

import numpy as np
import pytest

from corruptions import corrupt
from corruptions.severities import SIDES
from helpers.resolution import picture, psnr_by_side

SIDES_TRIED = (56, 80, 112, 160, 224, 320)
DRAWN = [
    (profile, name)
    for name, profiles in {
        "snow": ("imagenet_c", "cifar_c", "tiny_c", "video_c"),
        "spatter": ("imagenet_c", "tiny_c", "video_c"),
    }.items()
    for profile in profiles
]
SEEN = [  # rain blurs what is under its streaks
    ("kinetics_c", "rain"),
    ("video_c", "rain"),
    *[("imagenet_c", name) for name in ("glass_blur", "defocus_blur", "motion_blur", "gaussian_blur")],
    *[("cifar_c", name) for name in ("glass_blur", "defocus_blur", "motion_blur", "gaussian_blur")],
]


@pytest.fixture(scope="module")
def natural() -> np.ndarray:
    return picture(320)


@pytest.fixture(scope="module")
def coarse() -> np.ndarray:
    """Details that every size can show: what a blur takes from finer ones is more in larger frames."""
    return picture(320, finest=0.9)


@pytest.mark.parametrize(("profile", "name"), DRAWN)
def test_what_is_drawn_on_the_frame_is_as_hard_at_any_size(profile: str, name: str, natural: np.ndarray) -> None:
    sides = (*SIDES_TRIED, SIDES[profile]) if SIDES[profile] > 32 else SIDES_TRIED
    for severity in (2, 3, 5):
        found = psnr_by_side(name, profile, severity, natural, sides, keys=5)
        assert np.ptp(found) < 1.5, (severity, dict(zip(sides, found, strict=True)))


@pytest.mark.parametrize(("profile", "name"), SEEN)
def test_what_a_lens_does_is_as_hard_at_any_size(profile: str, name: str, coarse: np.ndarray) -> None:
    for severity in (2, 3, 5):
        found = psnr_by_side(name, profile, severity, coarse, SIDES_TRIED, keys=4)
        assert np.ptp(found) < 1.5, (severity, dict(zip(SIDES_TRIED, found, strict=True)))


@pytest.mark.parametrize("name", ["snow", "spatter", "rain", "glass_blur"])
def test_at_the_published_side_relative_is_absolute(name: str, natural: np.ndarray) -> None:
    profile = "kinetics_c" if name == "rain" else "imagenet_c"
    frames = np.stack([natural[:224, :300]] * 2)
    relative, absolute = (
        corrupt(frames, name, 4, "k", profile=profile, resolution=resolution, indices=[3, 9])
        for resolution in ("relative", "absolute")
    )
    assert np.array_equal(relative, absolute)
