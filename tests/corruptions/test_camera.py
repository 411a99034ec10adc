"""What real cameras do: formulas of the families sensor, exposure, readout and scan, and what hides the scene."""

import itertools
import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import corruptions
from corruptions import REGISTRY, consistency, corrupt, frame_order
from corruptions.motion import Scene
from corruptions.occlusion import _figure
from corruptions.rows_camera import ROWS
from corruptions.severities import TABLES
from corruptions.tables_camera import CAMERA, TARGETS_CAMERA, VIDEO_C_3

Frames = NDArray[np.uint8]
GREY = np.full((8, 96, 96, 3), 128, np.uint8)
CELLS = tuple(row.name for row in ROWS if row.family != "probe")
MODES = ("static", "drift", "independent")


def light(values: Frames) -> NDArray[np.float64]:
    """The light that grey levels stand for: gamma 2.2."""
    return np.asarray((values / 255.0) ** 2.2)


def test_the_table_has_every_camera_corruption_and_a_target_for_all_that_are_solved() -> None:
    assert set(CAMERA) == set(CELLS)
    assert set(TARGETS_CAMERA) == set(CELLS) - {"interlacing"}
    assert set(VIDEO_C_3) < set(CAMERA)


@pytest.mark.parametrize("name", CELLS)
def test_mean_distortion_grows_with_severity(clip: Frames, name: str) -> None:
    keys, shown = range(12 if REGISTRY[name].random else 1), clip
    if REGISTRY[name].support in ("order", "window"):  # what is late is the more wrong the later only where light grows
        shown = (
            np.arange(0, 240, 3, np.uint8)[:, None, None, None].repeat(16, axis=1).repeat(16, axis=2).repeat(3, axis=3)
        )
    errors = [
        np.mean([np.mean((corrupt(shown, name, severity, str(key)) - 1.0 * shown) ** 2) for key in keys])
        for severity in range(6)
    ]
    assert np.all(np.diff(errors) > 0)


@pytest.mark.parametrize("name", [n for n in CELLS if len(REGISTRY[n].modes) == 3])
def test_static_stands_still_and_drift_hangs_together(name: str) -> None:
    still = np.repeat(np.random.default_rng(1).integers(40, 216, (1, 48, 48, 3), np.uint8), 12, axis=0)
    kept, moving, jumping = (corrupt(still, name, 4, "k", temporal=mode, fps=31) for mode in MODES)
    assert np.ptp(kept, axis=0).max() == 0
    steps = [np.mean(np.abs(np.diff(made.astype(float), axis=0))) for made in (moving, jumping)]
    assert steps[0] > 0
    assert steps[0] < 1.05 * steps[1] or name == "exposure_flicker"  # its drift is a clock


def test_a_dead_pixel_is_a_blot_of_its_own_colour_and_half_of_them_are_white() -> None:
    (share,) = TABLES["camera_c", "dead_pixels"][0]
    made = corrupt(np.full((1, 400, 400, 3), 128, np.uint8), "dead_pixels", 1, "k")[0]
    centres = [(made[..., c] == value) for c in range(3) for value in (0, 255)]
    found = sum(centre.sum() for centre in centres)
    assert found == pytest.approx(share * 400 * 400, rel=0.15)
    assert centres[0].sum() + centres[2].sum() + centres[4].sum() == pytest.approx(found / 2, rel=0.15)
    red = centres[0]
    own = red[::2, ::2]  # red stands on even rows and columns, and is black between two only where both are
    assert np.array_equal(red[1:-1:2, ::2], own[:-1] & own[1:])
    assert np.array_equal(red[::2, 1:-1:2], own[:, :-1] & own[:, 1:])
    assert not red[1::2, 1::2].any()


def test_a_pixel_that_dies_keeps_its_value_while_it_is_dead() -> None:
    """In drift faults come and go slowly: one that is black in this frame is not white in the next."""
    made = corrupt(np.full((40, 64, 64, 3), 128, np.uint8), "dead_pixels", 3, "k", temporal="drift")[:, ::2, ::2, 0]
    dead = np.isin(made[:-1], (0, 255)) & np.isin(made[1:], (0, 255))
    assert dead.sum() > 500
    assert (made[:-1] != made[1:])[dead].mean() < 0.05


def test_a_fixed_pattern_is_stripes_and_grain_of_the_stated_size() -> None:
    (c,) = TABLES["camera_c", "fixed_pattern_noise"][2]
    residual = corrupt(np.full((1, 400, 400, 3), 128, np.uint8), "fixed_pattern_noise", 3, "k")[0, ..., 0] - 128.0
    grain = c * math.hypot(0.5, 0.5 * 128 / 255) * 255
    assert residual.mean(axis=0).std() == pytest.approx(255 * c, rel=0.12)
    assert residual.mean(axis=1).std() == pytest.approx(0.4 * 255 * c, rel=0.15)
    assert (residual - residual.mean(axis=0) - residual.mean(axis=1)[:, None]).std() == pytest.approx(grain, rel=0.05)


def test_night_is_dimmer_and_its_noise_follows_the_light() -> None:
    dim, luma, _ = TABLES["camera_c", "night"][1]
    for level in (60, 200):
        made = corrupt(np.full((1, 300, 300, 3), level, np.uint8), "night", 2, "k")[0] / 255
        y = dim * level / 255
        assert made.mean() == pytest.approx(y, abs=0.01)
        grain = (made[:, 1:] - made[:, :-1])[..., 1].std() / math.sqrt(2)  # blotches change little from pixel to pixel
        assert grain == pytest.approx(luma * math.sqrt(y + 0.02), rel=0.15)
    apart = made[..., 0] - made[..., 2]
    assert np.corrcoef(apart[:, 1:].ravel(), apart[:, :-1].ravel())[0, 1] > 0.9


@pytest.mark.parametrize("fps", [25.0, 30.0])
def test_flicker_is_a_sine_of_100_or_120_hz_over_rows_and_frames(fps: float) -> None:
    (depth,) = TABLES["camera_c", "exposure_flicker"][1]
    clip = np.full((12, 200, 16, 3), 128, np.uint8)
    for key in "abcd":
        made = light(corrupt(clip, "exposure_flicker", 2, key, fps=fps)).mean(axis=(2, 3)) / light(clip[0, 0, 0])[0]
        seconds = np.arange(12)[:, None] / fps + np.arange(200) / 200 / 50
        fits = []
        for rate in (100, 120):
            waves = np.stack([f(2 * np.pi * rate * seconds).ravel() for f in (np.sin, np.cos)], axis=1)
            weights, rest, *_ = np.linalg.lstsq(waves, made.ravel() - 1, rcond=None)
            fits.append((float(rest[0]), float(np.hypot(*weights))))
        assert min(fits)[1] == pytest.approx(depth, rel=0.05)
        assert min(fits)[0] / made.size < 1e-3


def test_exposure_and_white_balance_multiply_the_light_of_whole_frames() -> None:
    ramp = np.arange(40, 90, dtype=np.uint8)[None, None, :, None].repeat(3, axis=3).repeat(20, axis=1).repeat(6, axis=0)
    pumped = light(corrupt(ramp, "auto_exposure", 1, "k", temporal="independent")) / light(ramp)
    assert np.abs(pumped / pumped.mean(axis=(1, 2, 3), keepdims=True) - 1).max() < 0.06  # a grey level is that much
    assert pumped.mean(axis=(1, 2, 3)).std() > 0.05
    balanced = light(corrupt(ramp, "white_balance", 1, "k")).mean(axis=(0, 1, 2)) / light(ramp).mean()
    assert balanced[0] * balanced[2] == pytest.approx(1, abs=0.06)
    assert abs(math.log2(balanced[0])) > 0.02
    assert consistency(ramp, corrupt(ramp, "auto_exposure", 1, "k")).flicker < 2


def test_a_rolling_shutter_bends_an_upright_line_and_labels_with_it() -> None:
    line = np.zeros((1, 224, 224, 3), np.uint8)
    line[:, :, 110:114] = 255
    places, lengths = [], []
    for key in range(12):
        made = corrupt(line, "rolling_shutter", 5, str(key))[0, :, :, 0].astype(float)
        place = (made * np.arange(224)).sum(axis=1) / made.sum(axis=1) - 111.5
        places.append(place)
        lengths.append(np.ptp(place))
        labels = corruptions.corrupt_labels(line[..., 0] // 255, "rolling_shutter", 5, str(key))[0]
        seen = (labels * np.arange(224.0)).sum(axis=1) / labels.sum(axis=1) - 111.5
        assert np.abs(seen - place).max() < 1.1
    (c,) = TABLES["camera_c", "rolling_shutter"][4]
    assert np.sqrt(np.mean(np.square(places))) == pytest.approx(c, rel=0.3)
    assert np.mean(lengths) > c / 2  # bent, not only moved


def test_two_fields_are_woven() -> None:
    clip = np.stack([np.full((16, 16, 3), 10 * t, np.uint8) for t in range(9)])
    woven = corrupt(clip, "interlacing", 1)
    (c,) = TABLES["camera_c", "interlacing"][0]
    assert woven[2, ::2].max() == woven[2, ::2].min() == 20
    assert woven[2, 1::2].max() == woven[2, 1::2].min() == 20 + 10 * c
    assert np.array_equal(woven[8], clip[8])


@pytest.mark.parametrize("name", ["dropped_frames", "duplicated_frames"])
def test_lost_and_doubled_frames_keep_each_second_and_are_nested(name: str) -> None:
    orders = [frame_order(name, severity, 100, "k") for severity in range(6)]
    for order in orders:
        assert np.array_equal(order[::25], np.arange(0, 100, 25))
        assert all((order[s : s + 25] >= s).all() and (order[s : s + 25] < s + 25).all() for s in range(0, 100, 25))
        assert (np.diff(order) >= 0).all()
    shown = [set(order.tolist()) for order in orders]
    assert all(harder <= milder for milder, harder in itertools.pairwise(shown))
    (share,) = TABLES["camera_c", name][2]
    many = np.concatenate([frame_order(name, 3, 1000, str(key)) for key in range(8)])
    if name == "dropped_frames":
        kept = [len(np.unique(order)) for order in many.reshape(8, 1000)]
        assert kept == [1000 - 40 * round(25 * share)] * 8
    else:
        assert (np.diff(many) == 0).mean() > share / (1 + share) / 2


def test_frames_are_lost_by_the_clock() -> None:
    slow, fast = (frame_order("dropped_frames", 5, 60, "k", fps=fps) for fps in (10, 30))
    assert not np.array_equal(slow, fast)
    assert all(slow[s] in (s, *range(s, s + 10)) for s in range(0, 60, 10))


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_a_box_hides_its_share_wherever_it_lies(severity: int) -> None:
    (share,) = TABLES["camera_c", "occlusion_box"][severity - 1]
    for key in range(6):
        black, white = (np.full((3, 90, 120, 3), level, np.uint8) for level in (0, 255))
        for mode in ("static", "independent"):
            same = [corrupt(c, "occlusion_box", severity, str(key), temporal=mode) for c in (black, white)]
            hidden = 1 - (same[1].astype(float) - same[0]).mean(axis=(1, 2, 3)) / 255
            assert hidden == pytest.approx(np.full(3, share), abs=0.02)


def test_a_figure_walks_across_and_is_the_same_figure() -> None:
    clip = np.zeros((75, 64, 96, 3), np.uint8)
    white = np.full_like(clip, 255)
    places = []
    for t in range(0, 75, 5):
        black_then_white = [corrupt(c[:1], "occlusion_across", 3, "w", indices=[t]) for c in (clip, white)]
        hidden = 255 - (black_then_white[1][0, ..., 0].astype(float) - black_then_white[0][0, ..., 0])
        if hidden.sum() > 255:
            places.append((t, (hidden.sum(axis=0) * np.arange(96)).sum() / hidden.sum()))
    steps = np.diff([x for _, x in places])
    assert np.median(np.abs(steps)) > 1
    assert (np.sign(steps) == np.sign(np.median(steps))).mean() > 0.8


def test_clothes_of_a_figure_have_every_light_between_dark_and_bright() -> None:
    """0.2 to 0.8 of white before the folds: never a figure whose colour is all black."""
    figures = [_figure(Scene(str(key), "occlusion_across", (0,), "static", 1, 25, 1), 0.6, (112, 112))[0] / 255
               for key in range(60)]  # fmt: skip
    means = np.array([figure.mean(axis=(0, 1)) for figure in figures])
    assert means.min() == pytest.approx(0.2, abs=0.05)
    assert means.max() == pytest.approx(0.8, abs=0.05)
    assert means.mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("shown", [(0,) * 6, (90,) * 6, (0, 200, 0, 90, 0, 0)])
@pytest.mark.parametrize("side", [64, 224])
def test_a_box_in_the_scene_stays_where_nothing_can_be_seen_to_move(shown: tuple[int, ...], side: int) -> None:
    """Frames of one value, as at a fade to black, say of no movement: phase correlation then answers anything."""
    flat = np.repeat(np.array(shown, np.uint8), side * side * 3).reshape(6, side, side, 3)
    made = corrupt(flat, "occlusion_in_scene", 3, "a")
    hidden = (made != flat).any(axis=-1)
    assert hidden.any()
    assert np.array_equal(hidden, np.broadcast_to(hidden[0], hidden.shape))


def test_a_box_in_the_scene_goes_along_with_it(clip: Frames) -> None:
    """The clip pans: its content moves a row up and two columns left from frame to frame."""
    made = corrupt(clip[:9], "occlusion_in_scene", 3, "b")
    colour = np.median(made[0][(made[0] != clip[0]).any(axis=-1)], axis=0)
    hidden = (np.abs(made - colour).max(axis=-1) < 1) & (made != clip[:9]).any(axis=-1)
    rows, columns = ([np.mean(np.nonzero(mask.any(axis=axis))[0]) for mask in hidden] for axis in (1, 0))
    assert rows[5] - rows[1] == pytest.approx(-4, abs=1.5)
    assert columns[5] - columns[1] == pytest.approx(-8, abs=1.5)


@pytest.mark.parametrize("size", [(64, 98), (75, 224), (224, 112), (225, 225)])
def test_a_box_in_the_scene_stays_on_a_still_of_any_size(size: tuple[int, int]) -> None:
    """OpenCV transforms frames of 224 at 225 points and counts from between two of them."""
    still = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8), (0, 0), 2)
    clip = np.repeat(still[None], 6, axis=0)
    made = corrupt(clip, "occlusion_in_scene", 3, "a")
    assert (made != clip).any()
    assert np.array_equal(made, np.broadcast_to(made[0], made.shape))
