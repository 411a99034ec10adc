"""Corruptions on a GPU beside those on the processor: `make test-gpu`; elsewhere these tests are skipped."""

import pytest
import torch

from corruptions.registry import MODES, REGISTRY
from corruptions.torch import corrupt, names, tensor_draws

from .test_tensor_corrupt import clips, tensor
from .test_tensor_draws import shots

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here, which these tests are for"),
]


@pytest.mark.parametrize("mode", MODES)
def test_draws_are_the_same_integers(mode):
    here, pixels = shots(mode), 4001
    there = tensor_draws.Shots(here.scenes, here.times, torch.device("cuda"))
    apart = tensor_draws.words(there, "", pixels).cpu() != tensor_draws.words(here, "", pixels)
    assert apart.double().mean() <= (1e-5 if mode == "drift" else 0)  # erfc of the device


@pytest.mark.parametrize("name", names())
def test_clips_are_within_a_level_and_stay_on_their_device(name):
    batch = torch.stack([tensor(clip) for clip in clips(37, 51)])
    for severity in (1, 3, 5):
        for mode in REGISTRY[name].modes:
            want = corrupt(batch, name, severity, ["0/a", "0/b"], temporal=mode)
            made = corrupt(batch.cuda(), name, severity, ["0/a", "0/b"], temporal=mode)
            assert made.is_cuda
            assert made.dtype == want.dtype
            apart = (made.cpu().int() - want.int()).abs()
            # the erfc of drift may move a draw by 1 of 2^21, and so a value from one side of a threshold to the other
            assert (apart > 1).double().mean() <= (1e-5 if mode == "drift" else 0)
            assert (apart > 0).double().mean() < 1e-3
