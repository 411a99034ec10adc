"""LAION-C's six, and what of 3DCC and ViTTA's sets is new: formulas, as their papers and programs state them."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import SUITES, corrupt, suite
from corruptions.laion import _small_pictures
from corruptions.severities import TABLES

Frames = NDArray[np.uint8]
GREY = np.full((1, 224, 224, 3), 128, np.uint8)


def test_the_suites_of_the_papers() -> None:
    assert suite("laion_c_6") == (
        *("mosaic", "vertical_lines", "glitched", "luminance_checkerboard", "geometric_shapes", "stickers"),
    )
    assert " ".join(suite("vitta_12")) == (
        "gaussian_noise pepper_noise salt_noise shot_noise zoom_blur impulse_noise defocus_blur clip_motion_blur "
        "jpeg_compression contrast rain h265_abr"
    )
    assert SUITES["vitta_12"].severities == (5,)
    assert " ".join(suite("imagenet_3dcc_nodepth")) == (
        "iso_noise low_light flash color_quant xy_motion_blur bit_error h265_crf h265_abr"
    )


def test_a_mosaic_keeps_the_mean_of_every_tile_that_is_not_clipped() -> None:
    ramp = np.linspace(90, 160, 224)[None, None, :, None].repeat(224, axis=1).repeat(3, axis=3).astype(np.uint8)
    for severity, ((side,), *_) in enumerate(zip(TABLES["laion_c", "mosaic"], strict=True), start=1):
        if 224 % int(side):
            continue
        made = corrupt(ramp, "mosaic", severity, "k")[0].astype(float)
        n = 224 // int(side)
        tiles = [x.reshape(n, int(side), n, int(side), 3) for x in (made, ramp[0].astype(float))]
        means = [tile.mean(axis=(1, 3)) for tile in tiles]
        inside = (tiles[0].min(axis=(1, 3)) > 0) & (tiles[0].max(axis=(1, 3)) < 255)
        assert inside.mean() > 0.05
        assert np.abs(means[0] - means[1])[inside].max() < 1.01
    assert _small_pictures(8).std(axis=(1, 2)).mean() > 20  # they are pictures, not colours


def test_lines_are_bent_left_by_the_dark_and_stand_on_black() -> None:
    white, black = np.full((1, 224, 224, 3), 255, np.uint8), np.zeros((1, 224, 224, 3), np.uint8)
    for severity, (lines, _) in enumerate(TABLES["laion_c", "vertical_lines"], start=1):
        made = corrupt(white, "vertical_lines", severity)[0]
        assert set(np.unique(made)) <= {0, 255}
        places = {int(i / lines * 224) for i in range(int(lines))}  # as the program rounds them
        assert set(np.nonzero(made[100, :, 0])[0].tolist()) == places  # upright: nothing bends them
        assert not corrupt(black, "vertical_lines", severity).any()
    half = white.copy()
    half[:, 112:] = 128  # dark below
    made, dark, bright = (
        corrupt(frame, "vertical_lines", 5)[0, ..., 0] for frame in (half, np.full_like(white, 128), white)
    )
    assert np.array_equal(np.nonzero(made[50])[0], np.nonzero(bright[50])[0])
    assert np.array_equal(np.nonzero(made[150])[0], np.nonzero(dark[150])[0])
    first, whole = np.nonzero(dark[150])[0], np.nonzero(bright[150])[0]
    kept, lean = whole[-len(first) :], 40 * (1 - 128 / 255)
    assert np.abs((kept - first) - lean).max() <= 1


def test_a_glitch_tears_bands_and_blackens_every_second_row() -> None:
    ramp = np.arange(224, dtype=np.uint8)[None, None, :, None].repeat(224, axis=1).repeat(3, axis=3)
    for severity, (strength,) in enumerate(TABLES["laion_c", "glitched"], start=1):
        for key in range(8):
            made = corrupt(ramp, "glitched", severity, str(key))[0].astype(int)
            assert not made[::2].any()
            shifts = [(made[1::2, :, c] - ramp[0, 1::2, :, c]) % 224 for c in range(3)]
            rows = np.stack([(shift == shift[:, :1]).all(axis=1) for shift in shifts])
            assert rows.all()  # whole rows, moved around the ends
            moved = np.array([np.where(s[:, 0] > 112, s[:, 0] - 224, s[:, 0]) for s in shifts])
            reach = min(strength * strength * 224 // 100, 112)
            assert np.sort(np.abs(moved), axis=0)[1].max() <= reach
            whole = np.sort(np.abs(moved).max(axis=1))
            assert whole[0] <= max(2 * strength, reach)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_a_board_lightens_and_darkens_in_turn(severity: int) -> None:
    least, most = TABLES["laion_c", "luminance_checkerboard"][severity - 1]
    made = corrupt(GREY, "luminance_checkerboard", severity, "k")[0, ..., 0].astype(float) - 128
    tiles = made.reshape(16, 14, 16, 14)
    assert np.ptp(tiles, axis=(1, 3)).max() == 0
    value = tiles[:, 0, :, 0]
    sign = 1 - 2 * (np.indices((16, 16)).sum(axis=0) % 2)
    assert (value * sign >= math.floor(min(least, 127)) - 1).all()
    assert (value * sign <= min(most, 128)).all()


def test_more_shapes_and_stickers_cover_more_and_the_same_ones_stay() -> None:
    for name, profile in (("geometric_shapes", "laion_c"), ("stickers", "laion_c")):
        hidden = []
        for severity in range(1, 6):
            black, white = (corrupt(np.full_like(GREY, level), name, severity, "k")[0] for level in (0, 255))
            hidden.append((black == white).all(axis=-1))
        shares = [mask.mean() for mask in hidden]
        assert np.all(np.diff(shares) >= 0)
        assert all((milder <= harder).all() for milder, harder in itertools.pairwise(hidden))
        if name == "stickers":
            count, side = TABLES[profile, name][0][0], 16
            assert shares[0] == pytest.approx(1 - (1 - (side / 224) ** 2) ** count, abs=0.05)


@pytest.mark.parametrize(("name", "value"), [("pepper_noise", 0), ("salt_noise", 255)])
def test_pepper_and_salt_hit_their_share(name: str, value: int) -> None:
    for severity in (1, 5):
        (c,) = TABLES["vitta", name][severity - 1]
        assert (corrupt(GREY, name, severity, "k") == value).mean() == pytest.approx(c, abs=0.005)


def test_iso_noise_has_the_variance_of_photons_and_electrons() -> None:
    for level in (64, 128):
        made = corrupt(np.full_like(GREY, level), "iso_noise", 1, "k") / 255
        assert made.mean() == pytest.approx(level / 255, abs=0.006)
        assert made.var() == pytest.approx(level / 255 / 25 + (0.7 * 0.08) ** 2, rel=0.05)


def test_low_light_squares_the_range_of_its_own_frame() -> None:
    frame = GREY.copy()
    frame[:, :8], frame[:, 8:16], frame[:, 16:120] = 28, 228, 78  # (78 - 28) / 200 is a quarter
    made = corrupt(frame, "low_light", 2, "k")[0] / 255
    mean = 0.5 * 0.25**2
    assert made[20:118].mean() == pytest.approx(mean, abs=0.006)
    assert made[124:].mean() == pytest.approx(0.5 * 0.5**2, abs=0.004)
    assert made[124:].var() == pytest.approx(0.125 / 120 + 0.018**2, rel=0.1)


def test_flash_and_colour_bits_follow_their_formulas() -> None:
    dim = np.full((1, 101, 101, 3), 60, np.uint8)
    made = corrupt(dim, "flash", 3)[0, ..., 0]
    assert made[50, 50] == math.floor(60 * (1 + 1 / 0.9))
    assert made[0, 0] == math.floor(60 * (1 + (1 + 1 / 0.36) ** -2 / 0.9))
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    for severity in range(1, 6):
        assert np.array_equal(corrupt(ramp, "color_quant", severity), ramp // 2 ** (2 + severity) * 2 ** (2 + severity))


def test_a_sideways_blur_is_a_box_as_long_as_published() -> None:
    spot = np.zeros((1, 101, 101, 3), np.uint8)
    spot[:, 50, 50] = 255
    (steps,) = TABLES["imagenet_3dcc", "xy_motion_blur"][4]
    pixel = 224 / 512 * (steps - 1) / 59
    for key in range(24):
        long = corrupt(spot, "xy_motion_blur", 5, str(key))[0, ..., 0]
        y, x = np.nonzero(long)
        assert 50 * pixel - 2 <= np.ptp(x) <= 75 * pixel + 1
        assert np.ptp(y) <= 75 * pixel + 1
        assert long[y, x].max() - long[y, x].min() <= 255 / 15  # even weights
