"""Exposure, tone and colour of `corruptions.photometric`, `exposure` and `digital` on tensors, value by value.

What each means stands there. Frames are uint8 (n, 3, H, W).
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from corruptions import exposure, photometric
from corruptions.row import Level
from corruptions.torch.tensor_draws import Shots
from corruptions.torch.tensor_noise import size_of, truncated


def brightness(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Add c to the HSV value V."""
    value = frames.amax(1, keepdim=True).int()
    return _scaled_to_value(level[0], frames.device)[256 * value + frames]


@lru_cache(maxsize=16)
def _scaled_to_value(c: float, device: torch.device) -> Tensor:
    return torch.from_numpy(photometric.scaled_to_value(c)).reshape(-1).to(device)


def contrast(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Scale by c about the mean of the frame's channel, by a table of 256 levels a channel."""
    (c,), (height, width) = level, size_of(frames)
    mean = frames.sum((2, 3), dtype=torch.int64).double()[..., None] / (255 * height * width)
    share = torch.arange(256, dtype=torch.float64, device=frames.device) / 255
    table = (((share - mean) * c + mean).clamp_(0, 1) * 255).to(torch.uint8)
    return table.gather(2, frames.flatten(2).long()).view_as(frames)


def saturate(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Make the HSV saturation a S + b; grey has hue 0 and so turns red."""
    factor, added = level
    x, value = frames.float(), frames.amax(1, keepdim=True).float()
    chroma = value - frames.amin(1, keepdim=True)
    grey, black = (chroma == 0).float(), (value == 0).float()
    saturation = (factor * chroma / (value + black) + added).clamp_(0, 1)
    coloured = (value - value * saturation / (chroma + grey) * (value - x)).clamp_(min=0)
    not_red = torch.tensor([0.0, 1.0, 1.0], device=frames.device).view(3, 1, 1)
    return truncated(torch.where(chroma == 0, value * (1 - saturation * not_red), coloured))


def color_quant(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Keep the b highest of 8 bits."""
    return frames & ((0xFF << (8 - int(level[0]))) & 0xFF)


def exposure_flicker(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Multiply the rows by what lamps on the mains give."""
    height = frames.shape[2]
    return _gained(frames, (exposure.flicker(level, scene, t, height).reshape(1, -1, 1) for scene, t in shots.each()))


def auto_exposure(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Multiply the light by 2^(c n)."""
    return _gained(frames, (exposure.exposed(level, scene, t).reshape(1, 1, 1) for scene, t in shots.each()))


def white_balance(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Move the light from red to blue, and green on its own."""
    return _gained(frames, (exposure.balanced(level, scene, t).reshape(3, 1, 1) for scene, t in shots.each()))


def flash(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Add to each pixel its share of a flash at the camera."""
    return _gained(frames, [exposure.flashed(level, size_of(frames))[None]])


def _gained(frames: Tensor, gains: Iterable[exposure.Gain]) -> Tensor:
    """Multiply by gains that fit (3, H, W), one a frame or one for all."""
    return truncated(frames * torch.from_numpy(np.stack([*gains]).astype(np.float32)).to(frames.device))
