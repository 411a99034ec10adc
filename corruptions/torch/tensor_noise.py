"""The noises of `corruptions.noise` on tensors; what each means stands there. Frames are uint8 (n, 3, H, W)."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corruptions import fields, noise
from corruptions.row import Level
from corruptions.torch.tensor_draws import CHANNEL, Shots, normals_of, uniforms

_HIGHER = 33  # bits beyond every number of a distribution


def gaussian_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Add N(0, c)."""
    return _with_normal(frames, shots, 255 * level[0], 0.0)


def speckle_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Add x N(0, c)."""
    return _with_normal(frames, shots, 0.0, level[0])


def _with_normal(frames: Tensor, shots: Shots, fixed: float, per_level: float) -> Tensor:
    values = frames.float()
    values += (fixed + per_level * values) * normals_of(uniforms(shots, "", size_of(frames)))
    return truncated(values, 0.0)


def impulse_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Turn a share c of the values into 255 or 0."""
    u, each = uniforms(shots, "", size_of(frames)), _chance(level[0] / 2)
    return frames.masked_fill(u < each, 255).masked_fill_(u > CHANNEL - each, 0)


def pepper_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Turn a share c of the values into 0."""
    return frames.masked_fill(uniforms(shots, "", size_of(frames)) < _chance(level[0]), 0)


def salt_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Turn a share c of the values into 255."""
    return frames.masked_fill(uniforms(shots, "", size_of(frames)) < _chance(level[0]), 255)


def _chance(share: float) -> int:
    return round(share * (1 << fields.BITS))


def shot_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Count Poisson(c x) photons."""
    cdf, values = _photons(level[0], frames.device)
    return values[counts(frames, uniforms(shots, "", size_of(frames)), cdf)]


@lru_cache(maxsize=16)
def _photons(c: float, device: torch.device) -> tuple[Tensor, Tensor]:
    cdf, _, values = noise.photon_tables(c)
    return stacked([cdf], device), torch.from_numpy(values).to(device)


def stacked(distributions: Sequence[NDArray[np.uint32]], device: torch.device) -> Tensor:
    """Return distributions (256, K) of each grey level, one a frame or one for all, for `counts`: int64 (m, 256, K)."""
    return torch.from_numpy(np.stack(distributions).astype(np.int64)).to(device)


def counts(frames: Tensor, uniform: Tensor, cdf: Tensor) -> Tensor:
    """Return how many photons each value stands for, by the inverse of its level's distribution: int64 (n, 3, H, W).

    All rows are one ascending list, in which each row stands above the one before it, so that one search does.
    """
    rows, of_a_row = cdf.shape[0] * cdf.shape[1], cdf.shape[2]
    steps = torch.arange(rows, device=cdf.device)
    ascending = (cdf.reshape(rows, -1) + (steps << _HIGHER)[:, None]).reshape(-1)
    first = torch.arange(len(cdf), device=cdf.device).view(-1, 1, 1, 1) * cdf.shape[1]
    row = first + frames.long()
    return torch.searchsorted(ascending, (row << _HIGHER) + uniform, right=True) - row * of_a_row


def truncated(values: Tensor, lift: float = 1e-3) -> Tensor:
    """Return the whole parts of float32 values, lifted, between 0 and 255: uint8. The values are used up."""
    return values.add_(lift).clamp_(0, 255).to(torch.uint8)


def size_of(frames: Tensor) -> tuple[int, int]:
    """Return the height and the width of frames (n, 3, H, W)."""
    return frames.shape[-2], frames.shape[-1]
