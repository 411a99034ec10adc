"""Draws on tensors are the integers of the NumPy path, whatever the mode, the frame and the number of clips."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from corruptions import counter_rng, fields
from corruptions.motion import Scene
from corruptions.registry import MODES
from corruptions.torch import tensor_draws
from corruptions.torch.tensor_draws import Shots

SCENE = Scene("0/clip_7", "gaussian_noise", (0,), "independent", tau=0.2, fps=25, scale=1)
TIMES = (0, 1, 5, 7, 10, 123, 10**8)  # tau fps is 5: knots at 0, 5, 10
CPU = torch.device("cpu")


def shots(mode: str) -> Shots:
    """Frames of two videos in turn."""
    scenes = [replace(SCENE, mode=mode, key=key) for _ in TIMES for key in ("0/clip_7", "0/clip_8")]
    return Shots(tuple(scenes), tuple(t for t in TIMES for _ in range(2)), CPU)


def test_the_first_words_are_those_that_plain_integers_give():
    seed = counter_rng.seed("0/clip_7", "gaussian_noise", "s")
    drawn = tensor_draws.fill([counter_rng.state(seed, frame) for frame in TIMES], 50, CPU)
    want = [[counter_rng.word(seed, frame, pixel) for pixel in range(50)] for frame in TIMES]
    assert drawn.numpy().view(np.uint64).tolist() == want


def test_a_word_is_the_literal_one():
    """SplitMix64 of seed 0: the published reference gives these first."""
    assert tensor_draws.fill([0], 3, CPU).numpy().view(np.uint64)[0].tolist() == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stream", ["", "read"])
def test_words_of_every_mode_are_those_of_the_numpy_path(mode, stream):
    at, pixels = shots(mode), 4001
    want = [fields.words(scene, stream, t, pixels) for scene, t in zip(at.scenes, at.times, strict=True)]
    assert (tensor_draws.words(at, stream, pixels).numpy().view(np.uint64) == np.stack(want)).all()


@pytest.mark.parametrize("mode", MODES)
def test_uniforms_are_the_channels_of_the_words(mode):
    at, size = shots(mode), (9, 11)
    drawn = tensor_draws.uniforms(at, "", size)
    assert drawn.shape == (len(at), 3, *size)
    for c in range(3):
        want = [fields.words(s, "", t, 99) >> fields.SHIFTS[c] & fields.CHANNEL
                for s, t in zip(at.scenes, at.times, strict=True)]  # fmt: skip
        assert (drawn[:, c].reshape(-1, 99).numpy() == np.stack(want).astype(np.int64)).all()


@pytest.mark.parametrize("mode", MODES)
def test_normals_are_those_of_the_numpy_path(mode):
    at, size = shots(mode), (9, 11)
    want = [fields.normals(scene, "luma", t, size) for scene, t in zip(at.scenes, at.times, strict=True)]
    drawn = tensor_draws.normals(at, "luma", size)
    assert drawn.dtype == torch.float32
    if mode == "drift":  # a sum of two products, rounded once or twice
        assert np.abs(drawn.numpy() - np.stack(want)).max() < 1e-6
    else:
        assert (drawn.numpy() == np.stack(want)).all()


def test_frames_that_share_a_draw_share_it_across_a_batch():
    at = shots("static")
    drawn = tensor_draws.words(at, "", 100)
    assert (drawn[::2] == drawn[0]).all()
    assert (drawn[1::2] == drawn[1]).all()
    assert (drawn[0] != drawn[1]).all()
