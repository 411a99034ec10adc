"""Draws of masks are those of torch's generator for ever, however they are made."""

import hashlib

import pytest
import torch
from torch import nn

from vidsparse.sparsity.first_masks import noise
from vidsparse.sparsity.twister import uniform


@pytest.mark.parametrize("seed", [0, 1, 5489, 2**31 + 7, 2**32 - 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize("size", [0, 1, 15, 16, 623, 624, 625, 1248, 100_003])
def test_numbers_are_those_of_torch(seed, size):
    expected = torch.rand(size, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(torch.from_numpy(uniform(seed, size)), expected)


def test_the_ten_thousandth_word_is_that_of_the_standard():
    """C++ (26.5.5): the 10000th word of seed 5489 is 4123659995; of a number its lowest 24 bits are seen."""
    assert int(uniform(5489, 10_000)[-1] * 2**24) == 4123659995 & 0xFFFFFF


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_noise_is_a_function_of_seed_step_and_layer_in_every_layout(layout, kind):
    weight = nn.Parameter(torch.zeros(8, 5, 3, 3).to(memory_format=layout))
    key = int.from_bytes(hashlib.blake2b(b"7/40/conv", digest_size=8).digest(), "little") >> 1
    torch.set_default_dtype(kind)  # numbers of 64 bit are other draws
    try:
        expected = torch.rand(weight.shape, generator=torch.Generator().manual_seed(key))
        drawn = noise(7, 40, "conv", weight)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(drawn, expected)
    assert drawn.dtype == expected.dtype
    assert drawn.stride() == weight.stride()
