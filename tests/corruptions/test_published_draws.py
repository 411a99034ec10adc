"""Given the published programs' own draws (np.random.seed(0)), ours make their values, at 144 places of a frame."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import blur, corrupt, fields, motion, plasma, psf
from corruptions.severities import TABLES
from helpers.parity_samples import frame_of, published, sampled

SIDE = 224
CHANNEL = 2**fields.BITS


@pytest.fixture
def luck() -> np.random.RandomState:
    return np.random.RandomState(0)


def difference(name: str, severity: int) -> NDArray[np.int64]:
    made = corrupt(frame_of("imagenet_c"), name, severity)
    return np.abs(sampled(made).astype(np.int64) - published(f"imagenet_c/{name}/{severity}"))


def words(u: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Words whose first channel is u in [0, 1)."""
    return np.asarray(u * CHANNEL, np.uint64)


def answer(monkeypatch: pytest.MonkeyPatch, values: dict[str, float]) -> None:
    monkeypatch.setattr(motion, "uniform", lambda scene, stream, t: values[stream])


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_glass_blur(monkeypatch: pytest.MonkeyPatch, luck: np.random.RandomState, severity: int) -> None:
    _, reach, passes = TABLES["imagenet_c", "glass_blur"][severity - 1]
    inside = int(SIDE - 2 * reach)
    offsets = luck.randint(-reach, reach, size=(int(passes), inside, inside, 2)) + reach

    def published(scene: motion.Scene, stream: str, t: int, pixels: int) -> NDArray[np.uint64]:
        field = np.zeros((SIDE, SIDE), np.uint64)
        right, down = np.moveaxis((offsets[int(stream[-1])] + 0.5) / (2 * reach), -1, 0)
        both = words(right) | (words(down) << np.uint64(fields.BITS))
        low = int(reach) + 1
        field[low : low + inside, low : low + inside] = both[::-1, ::-1]
        return field.reshape(-1)

    monkeypatch.setattr(fields, "words", published)
    assert (difference("glass_blur", severity) > 1).mean() < 0.005


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_snow(monkeypatch: pytest.MonkeyPatch, luck: np.random.RandomState, severity: int) -> None:
    field = np.pad(luck.normal(size=(SIDE, SIDE)), 2).astype(np.float32)
    first = 2 + math.floor(blur.steps(SIDE, TABLES["imagenet_c", "snow"][severity - 1][2])[1])

    def published(scene: motion.Scene, stream: str, t: int, shape: tuple[int, int]) -> NDArray[np.float32]:
        return field[first : first + shape[0], first : first + shape[1]]

    monkeypatch.setattr(fields, "normals", published)
    answer(monkeypatch, {"angle": luck.uniform()})
    assert np.percentile(difference("snow", severity), 99) <= 2


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_fog(monkeypatch: pytest.MonkeyPatch, luck: np.random.RandomState, severity: int) -> None:
    u = np.zeros((256, 256))
    step = 256
    while step >= 2:
        half = step // 2
        for block in (np.s_[half::step, half::step], np.s_[::step, half::step], np.s_[half::step, ::step]):
            u[block] = luck.uniform(size=u[block].shape)
        step = half

    def published(scene: motion.Scene, stream: str, t: int, pixels: int) -> NDArray[np.uint64]:
        every = 256 // int(pixels**0.5)
        return words(u[::every, ::every]).reshape(-1)

    monkeypatch.setattr(plasma.fields, "words", published)
    assert difference("fog", severity).max() <= 1


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_spatter(monkeypatch: pytest.MonkeyPatch, luck: np.random.RandomState, severity: int) -> None:
    field = luck.normal(size=(SIDE, SIDE)).astype(np.float32)
    monkeypatch.setattr(fields, "normals", lambda *_: field)
    assert (difference("spatter", severity) > 1).mean() < 0.005


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_elastic_transform(monkeypatch: pytest.MonkeyPatch, luck: np.random.RandomState, severity: int) -> None:
    answer(monkeypatch, {f"corner {number}": u for number, u in enumerate(luck.uniform(size=6))})
    pair = 2 * luck.uniform(size=(2, SIDE, SIDE)) - 1
    monkeypatch.setattr(fields, "pair", lambda *_: pair.astype(np.float32))
    assert (difference("elastic_transform", severity) > 2).mean() < 0.02


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_motion_blur(severity: int, luck: np.random.RandomState) -> None:
    frame = frame_of("imagenet_c")[0]
    weights = psf.streak_weights(*TABLES["imagenet_c", "motion_blur"][severity - 1])
    blur.smear(frame, weights, luck.uniform(-45, 45))
    seen = sampled(frame[None]).astype(int)
    assert np.abs(seen - published(f"imagenet_c/motion_blur/{severity}")).max() <= 1
