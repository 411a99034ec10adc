import itertools
import sys
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import corruptions
from corruptions import REGISTRY, MissingFrames, UnknownName, WrongFrames, corrupt, frames_needed, names
from corruptions.registry import Mode

Frames = NDArray[np.uint8]
IN_PLACE = [name for name in names() if REGISTRY[name].support == "frame"]
RANDOM = [name for name in names() if REGISTRY[name].random]
MOVING = [name for name in names() if len(REGISTRY[name].modes) == 3]
BAR = names("bar")  # patterns show on flat frames too and some hardly move in a frame: test_bar.py says what holds
SHAKE = names("shake")  # whole frames move and corners turn black: test_shake.py says what holds
FAST = ("rain",)  # drops fall a streak's length a frame, so that neighbours share few pixels: test_rain.py
SLOW = ("fog", "glass_blur")  # most of the residual is a mean that all modes share: test_plasma.py, test_blur.py
UNEVEN = (
    "glass_blur",
    "snow",
    "frost",
    "spatter",
    "saturate",
    "elastic_transform",
    "vertical_lines",
)  # tables that dip
DRAWN = ("mosaic", "glitched", "geometric_shapes", "stickers")  # as published, another draw at each level
ADDED = tuple(
    n for family in ("sensor", "exposure", "readout", "occlusion", "laion") for n in names(family)
)  # see there
MODES = get_args(Mode)


def squared_error(clean: Frames, corrupted: Frames) -> float:
    return float(((corrupted.astype(float) - clean) ** 2).mean())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", names())
def test_the_same_bytes_alone_in_chunks_and_in_any_order(clip: Frames, name: str, mode: Mode) -> None:
    whole = corrupt(clip, name, 3, "k", temporal=mode)
    t = len(clip)
    chunks = [list(range(i, min(i + size, t))) for size in (1, 7, 16) for i in range(0, t, size)]
    for outputs in [*chunks, list(range(t))[::-1], [9, 2, 9]]:
        needed = frames_needed(name, 3, outputs, t, "k")
        made = corrupt(clip[needed], name, 3, "k", temporal=mode, indices=needed, outputs=outputs, n_frames=t)
        assert np.array_equal(made, whole[outputs])


@settings(max_examples=60)
@given(st.data())
def test_any_size_and_level_gives_a_new_clip_of_the_same_kind(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names()))
    profile = data.draw(st.sampled_from(REGISTRY[name].tables))
    height, width = data.draw(st.integers(16, 70)), data.draw(st.integers(16, 70))
    resolution: Literal["absolute", "relative"] = data.draw(st.sampled_from(("absolute", "relative")))
    clean = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)
    kept = clean.copy()
    severity = data.draw(st.integers(0, 5))
    mode = data.draw(st.sampled_from(("default", *MODES)))
    made = corrupt(clean, name, severity, "k", profile=profile, temporal=mode, resolution=resolution)
    assert made.shape == clean.shape
    assert made.dtype == np.uint8
    assert np.array_equal(clean, kept)
    assert not np.shares_memory(made, clean)


@pytest.mark.parametrize("name", names())
def test_severity_0_is_a_copy(clip: Frames, name: str) -> None:
    made = corrupt(clip, name, 0, "k")
    assert np.array_equal(made, clip)
    assert not np.shares_memory(made, clip)


@pytest.mark.parametrize("name", names())
def test_an_image_is_one_frame_whatever_the_mode(clip: Frames, name: str) -> None:
    image = corrupt(clip[:1], name, 4, "k", temporal="independent")
    assert all(np.array_equal(corrupt(clip[:1], name, 4, "k", temporal=mode), image) for mode in MODES)
    if name in IN_PLACE:
        assert np.array_equal(corrupt(clip, name, 4, "k")[:1], image)
        assert not np.array_equal(image, clip[:1])
    elif REGISTRY[name].support != "video":
        assert np.array_equal(image, clip[:1])


@pytest.mark.parametrize("name", names())
def test_the_key_decides_all_and_only_what_is_random(clip: Frames, name: str) -> None:
    first = corrupt(clip, name, 1, "a")
    assert np.array_equal(first, corrupt(clip.copy(), name, 1, "a"))
    assert np.array_equal(first, corrupt(clip, name, 1, "b")) != (name in RANDOM)


@pytest.mark.parametrize("name", [name for name in IN_PLACE if name not in (*BAR, *SHAKE, *UNEVEN, *DRAWN)])
def test_distortion_grows_with_severity_video_by_video(clip: Frames, name: str) -> None:
    for key in "abcd":
        errors = [squared_error(clip, corrupt(clip, name, severity, key)) for severity in range(6)]
        assert np.all(np.diff(errors) > 0)


@pytest.mark.parametrize("name", DRAWN)
def test_distortion_grows_with_severity_in_the_mean(clip: Frames, name: str) -> None:
    errors = [np.mean([squared_error(clip, corrupt(clip, name, s, str(key))) for key in range(24)]) for s in range(6)]
    assert np.all(np.diff(errors) > 0)


@pytest.mark.parametrize("name", [name for name in MOVING if name not in (*ADDED, "xy_motion_blur")])
def test_the_mode_never_changes_the_mean_distortion(clip: Frames, name: str) -> None:
    mean = {
        mode: np.mean([squared_error(clip, corrupt(clip, name, 3, str(key), temporal=mode)) for key in range(48)])
        for mode in MODES
    }
    psnr = [10 * np.log10(255**2 / error) for error in mean.values()]
    assert max(psnr) - min(psnr) < 0.3


@pytest.mark.parametrize("name", [name for name in MOVING if name not in (*BAR, *SHAKE, *FAST, *SLOW, *ADDED)])
def test_drift_remembers_less_than_static_and_more_than_independent(name: str) -> None:
    still = np.repeat(np.random.default_rng(1).integers(40, 216, (1, 40, 40, 3), np.uint8), 16, axis=0)
    memory = {}
    for mode in MODES:
        residual = corrupt(still, name, 3, "k", temporal=mode).astype(float) - still
        pairs = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in itertools.pairwise(residual)]
        memory[mode] = float(np.mean(pairs))
    assert memory["static"] > 0.999
    assert memory["independent"] + 0.02 < memory["drift"] < 0.999


@pytest.mark.parametrize(
    "name", [n for n in IN_PLACE if n not in (*BAR, *SHAKE, *ADDED, *names("weather"), "saturate", "color_quant")]
)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_frame_stays_flat_unless_noise_is_added(name: str, level: int) -> None:
    flat = np.full((1, 17, 31, 3), level, np.uint8)
    for severity in range(1, 6):
        made = corrupt(flat, name, severity, "k")
        if REGISTRY[name].family != "noise":
            assert made.min() == made.max()
        if name not in ("brightness", "gaussian_noise", "impulse_noise"):
            assert abs(float(np.median(made)) - level) <= (5 if REGISTRY[name].family != "noise" else 60)


def test_drift_runs_on_seconds_and_not_on_frames(clip: Frames) -> None:
    slow = corrupt(clip[:1], "motion_blur", 3, "k", indices=[10], fps=25)
    assert np.array_equal(slow, corrupt(clip[:1], "motion_blur", 3, "k", indices=[20], fps=50))
    assert not np.array_equal(slow, corrupt(clip[:1], "motion_blur", 3, "k", indices=[20], fps=25))


def test_missing_frames_are_named(clip: Frames) -> None:
    with pytest.raises(MissingFrames, match=r"contrast needs 2 frames .*\(16, 17\)"):
        corrupt(clip, "contrast", 3, outputs=[3, 16, 17])


BAD_CALLS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"frames": np.zeros((2, 32, 32, 3), np.float32)}, WrongFrames, "float32: give uint8 RGB"),
    ({"frames": np.zeros((2, 32, 32), np.uint8)}, WrongFrames, r"shape \(2, 32, 32\): .* repeat a grey channel"),
    ({"frames": np.zeros((2, 3, 32, 32), np.uint8)}, WrongFrames, r"shape \(2, 3, 32, 32\): give uint8 RGB"),
    ({"frames": np.zeros((2, 15, 32, 3), np.uint8)}, WrongFrames, "at least 16 x 16"),
    ({"frames": np.zeros((32, 32, 3), np.uint8)}, WrongFrames, r"an image is a clip of one frame: frames\[None\]"),
    ({"frames": np.zeros((2, 32, 32, 4), np.uint8)}, WrongFrames, r"leave transparency out: frames\[\.\.\., :3\]"),
    ({"frames": np.zeros((2, 3, 32, 32), np.uint8)}, WrongFrames, r"channels come last"),
    ({"frames": np.zeros((32, 32, 4), np.uint8)}, WrongFrames, r"leave transparency out: frames\[None, \.\.\., :3\]"),
    ({"frames": [[1]]}, WrongFrames, "a list, not a NumPy array"),
    ({"name": "shotnoise"}, UnknownName, "did you mean shot_noise"),
    ({"profile": "imagnet_c"}, corruptions.UnknownProfile, "did you mean imagenet_c"),
    ({"temporal": "statik"}, UnknownName, "did you mean static"),
    ({"resolution": "relativ"}, UnknownName, "did you mean relative"),
    ({"severity": 6}, corruptions.CorruptionError, "severity 6 of shot_noise"),
    ({"severity": 2.0}, corruptions.CorruptionError, "severity 2.0 of shot_noise: it is a whole number"),
    ({"severity": True}, corruptions.CorruptionError, "severity True of shot_noise: it is a whole number"),
    ({"key": 7}, corruptions.CorruptionError, "key 7: give a text"),
    ({"name": "contrast", "key": None}, corruptions.CorruptionError, "key None: give a text"),
    *(({"fps": fps}, corruptions.CorruptionError, "frames a second") for fps in (0, 1e-9, np.nan, np.inf, "25", None)),
    ({"n_frames": "2"}, WrongFrames, "n_frames '2': it is the number of frames"),
    ({"n_frames": 2.0, "name": "jumble"}, WrongFrames, "n_frames 2.0: it is the number of frames"),
    ({"outputs": [[0], [0, 1]]}, WrongFrames, r"a flat list of whole numbers from 0, not \[\[0\], \[0, 1\]\]"),
    ({"outputs": np.array([2**63], np.uint64)}, WrongFrames, "whole numbers from 0"),
    ({"indices": [0]}, WrongFrames, "2 frames with 1 indices"),
    ({"indices": [0.5, 1.0]}, WrongFrames, "whole numbers"),
    ({"indices": [-1, 0]}, WrongFrames, "whole numbers from 0"),
    ({"name": "freeze", "indices": [30, 31]}, WrongFrames, "frame 31 in a video of 2: give the right n_frames"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD_CALLS, ids=lambda case: str(case)[:30])
def test_a_mistake_gets_one_clear_sentence(change: dict[str, Any], error: type[Exception], message: str) -> None:
    call: dict[str, Any] = {"frames": np.zeros((2, 32, 32, 3), np.uint8), "name": "shot_noise", "severity": 3}
    with pytest.raises(error, match=message):
        corrupt(**(call | change))


def test_the_clock_and_the_length_are_asked_for_wherever_they_count() -> None:
    for fps in (0.0, float("nan")):
        with pytest.raises(corruptions.CorruptionError, match="frames a second"):
            frames_needed("frame_rate", 3, [0], 4, fps=fps)
        with pytest.raises(corruptions.CorruptionError, match="frames a second"):
            corruptions.frame_order("frame_rate", 3, 4, fps=fps)
    with pytest.raises(WrongFrames, match="n_frames -1"):
        corruptions.frame_order("jumble", 3, -1)


@pytest.mark.parametrize("name", names())
def test_no_frames_are_wanted_and_none_are_given(name: str) -> None:
    clip = np.zeros((3, 20, 33, 3), np.uint8)
    assert corrupt(clip, name, 3, outputs=[]).shape == (0, 20, 33, 3)
    assert corrupt(clip[:0], name, 3).shape == (0, 20, 33, 3)
    if REGISTRY[name].support == "video":
        assert corruptions.damaged_frames(clip[:0], name, 3).shape == (0,)


class Tagged(np.ndarray):
    """What some readers of images give: an array that carries more than pixels, and keeps doing so in arithmetic."""

    def __array_wrap__(self, made: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return super().__array_wrap__(made, context, False)


@pytest.mark.parametrize("name", names())
def test_memory_layout_and_class_of_the_array_do_not_count(name: str) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (3, 20, 33, 3), np.uint8)
    expected = corrupt(clip, name, 4, "k")
    channels_first = np.ascontiguousarray(clip.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    fixed = clip.copy()
    fixed.flags.writeable = False
    for given_as in (clip.view(Tagged), np.ma.masked_array(clip), np.asfortranarray(clip), channels_first, fixed):
        assert np.array_equal(corrupt(given_as, name, 4, "k"), expected)


@pytest.mark.parametrize("fps", [np.float32(29.97), Fraction(30000, 1001), np.int64(30), 0.001, 1e6])
def test_a_frame_rate_may_be_any_number(fps: Any) -> None:
    clip = np.random.default_rng(0).integers(0, 256, (3, 20, 33, 3), np.uint8)
    for name in ("fog", "frame_rate", *names("codec")):
        assert corrupt(clip, name, 3, "k", fps=fps).shape == clip.shape


def test_without_pyav_a_codec_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.delitem(sys.modules, "corruptions.codec", raising=False)
    with pytest.raises(corruptions.CorruptionError, match=r"mpeg2 .*pip install av"):
        corrupt(np.zeros((2, 16, 16, 3), np.uint8), "mpeg2", 1)
