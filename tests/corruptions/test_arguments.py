"""Whatever is given, a call is right or raises a named error: never one of Python's, NumPy's or a codec's own."""

import random
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import corruptions
from corruptions.exceptions import CorruptionError, UnknownName

CLIP = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
READ_ONLY = CLIP.copy()
READ_ONLY.flags.writeable = False


class Subclass(np.ndarray[Any, Any]):
    """An array type of somebody's own."""


# fmt: off
ODD: list[Any] = [
    None, float("nan"), float("inf"), -float("inf"), True, np.bool_(True), np.int64(3), np.uint8(2), np.float32(2), 2.5,
    -1, 10**30, -(10**30), 2**63, 2**64, 1e300, 1e-300, np.int64(-1), Fraction(25), Decimal(25), Decimal("NaN"), 1 + 0j,
    "", "3", b"x", "gausian", "static", "\ud800", "\0", "a" * 10_000, np.str_("static"), [], (), {}, {"a": 1}, {1, 2},
    [1], [1, 2], (0, 1), [[0, 1], [1]], ["a"], [None], [1.5], [True], [2**70], [-1], range(3), object(), int, slice(3),
    np.array(3), np.array([0, 1]), np.array([2**63], np.uint64), np.array([0.0, 1.0]), np.array(["a"]), np.array([]),
    np.array([None]), np.datetime64("2020-01-01"), np.ma.masked, ..., bytearray(b"a"), memoryview(b"ab"),
]
FRAMES: list[Any] = [
    READ_ONLY, CLIP[::-1], CLIP[:, :, ::-1], CLIP[..., ::-1], np.asfortranarray(CLIP), CLIP.view(Subclass),
    np.ma.masked_array(CLIP), CLIP.astype(">u2"), CLIP.astype(float), CLIP.astype(bool), CLIP.astype(object), CLIP[0],
    CLIP[..., 0], CLIP[:0], CLIP[:, :0], CLIP[:1], CLIP.transpose(0, 3, 1, 2), CLIP.tolist(), CLIP[:, :15],
    np.broadcast_to(CLIP[:1], CLIP.shape), np.zeros((2, 17, 33, 3), np.uint8), np.zeros((2, 16, 16, 3, 1), np.uint8),
]
# fmt: on
RIGHT: dict[str, list[Any]] = {
    "key": ["a", "b/c"],
    "profile": [None, "imagenet_c", "cifar_c", "video_c", "kinetics_c", "ucf101_p"],
    "temporal": ["default", "static", "drift", "independent"],
    "resolution": ["absolute", "relative"],
    "indices": [None, [0, 1, 2, 3], [7, 3, 5, 1]],
    "outputs": [None, [0], [3, 1, 1], []],
    "n_frames": [None, 4, 10],
    "fps": [25.0, 30, 1],
}
NAMES = list(corruptions.names())


def called(rng: random.Random) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """A call of one of the public functions, in which about every fourth argument is odd."""

    def of(right: list[Any]) -> Any:
        return rng.choice(ODD) if rng.random() < 0.25 else rng.choice(right)

    def some(*keys: str) -> dict[str, Any]:
        return {key: of(RIGHT[key]) for key in keys if rng.random() < 0.35}

    frames = rng.choice(FRAMES + ODD) if rng.random() < 0.3 else CLIP
    labels = CLIP[..., 0] if frames is CLIP else frames
    name, severity = of(NAMES), of([0, 1, 2, 3, 4, 5])
    short = ("key", "profile", "fps")
    calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
        (corruptions.corrupt, (frames, name, severity), some(*RIGHT)),
        (corruptions.corrupt_labels, (labels, name, severity), some(*RIGHT) | rng.choice([{}, {"fill": of([0, 9])}])),
        (corruptions.damaged_frames, (frames, name, severity), some("key", "profile", "temporal", "fps")),
        (corruptions.frames_needed, (name, severity, of([[0, 1], [3], []]), of([4, 10])), some(*short)),
        (corruptions.frame_order, (name, severity, of([4, 10])), some(*short)),
        (corruptions.names, (of([None, "noise", "codec"]),), {}),
        (corruptions.suite, (of(list(corruptions.SUITES)),), {}),
    ]
    return rng.choice([calls[0]] * 4 + calls[1:])


def tried(seed: int) -> None:
    """Make one call, and hold what comes of it against what every call promises."""
    function, arguments, settings = called(random.Random(seed))
    arrays = [each for each in arguments if isinstance(each, np.ndarray) and each.ndim]
    before = [each.tobytes() for each in arrays]
    given = None
    with suppress(CorruptionError):
        given = function(*arguments, **settings)
    if function is corruptions.corrupt and given is not None:
        assert type(given) is np.ndarray
        assert (given.dtype, given.shape[1:]) == (np.uint8, arguments[0].shape[1:])
        assert given.flags.writeable
        assert not np.shares_memory(given, arguments[0])
    assert [each.tobytes() for each in arrays] == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_odd_arguments_are_right_or_refused_by_name() -> None:
    for seed in range(400):
        try:
            tried(seed)
        except Exception as error:
            raise AssertionError(f"call {seed}: {called(random.Random(seed))}") from error


@pytest.mark.parametrize("odd", [["fog"], {"fog"}, np.array(["fog", "snow"]), np.array([]), slice(3), 3, None, b"fog"])
def test_a_name_that_is_no_text_is_an_unknown_name(odd: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: corruptions.corrupt(CLIP, odd, 3),
        lambda: corruptions.corrupt(CLIP, "fog", 3, temporal=odd),
        lambda: corruptions.corrupt(CLIP, "fog", 3, resolution=odd),
        lambda: corruptions.frames_needed(odd, 3, [0], 4),
        lambda: corruptions.frame_order(odd, 3, 4),
        lambda: corruptions.suite(odd),
    ]
    if odd is not None:
        calls += [lambda: corruptions.names(odd), lambda: corruptions.corrupt(CLIP, "fog", 3, profile=odd)]
    for call in calls:
        with pytest.raises(UnknownName, match="unknown"):
            call()


SIDES = [(16, 16), (17, 31), (16, 4096), (4096, 33), (16, 8192), (16384, 16), (16, 16386)]
REFUSED = {
    "mpeg4": 8192,
    "mpeg2": 16384,
    "h264_crf": 16385,
    "h264_abr": 16385,
    "bit_error": 16385,
    "packet_loss": 16385,
}


@pytest.mark.parametrize("name", [name for name in corruptions.names("codec") if not name.startswith("h265")])
@pytest.mark.parametrize("sides", SIDES, ids=str)
def test_a_codec_codes_frames_of_any_sides_or_says_its_limit(name: str, sides: tuple[int, int]) -> None:
    frames = np.tile(np.linspace(40, 200, sides[1]).astype(np.uint8)[None, None, :, None], (1, sides[0], 1, 3))
    if max(sides) >= REFUSED.get(name, 16385):
        with pytest.raises(CorruptionError, match=r"does not code frames of .* pixels at most; give smaller frames"):
            corruptions.corrupt(frames, name, 3, key="k")
    else:
        shown = corruptions.corrupt(frames, name, 3, key="k")
        assert shown.shape == frames.shape
        assert np.abs(shown.astype(int) - frames).mean() < 25
