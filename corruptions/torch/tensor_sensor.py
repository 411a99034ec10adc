"""Faults of the sensor of `corruptions.sensor` on tensors; what each means stands there.

Frames are uint8 (n, 3, H, W).
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from corruptions import fields, sensor
from corruptions.row import Level
from corruptions.torch.tensor_draws import Shots, normals, normals_of, uniforms
from corruptions.torch.tensor_noise import counts, size_of, stacked, truncated

Photons = tuple[Tensor, Tensor]  # the distribution of each level, and the grey value of each count


def iso_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Count photons, then add what is read."""
    tables = _photons(((0, 255),), 1.0, 1.0, sensor.ISO_PHOTONS, frames.device)
    return _exposed(frames, shots, tables, 255 * sensor.ISO_READ * level[0])


def low_light(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Map a frame's darkest to brightest value to 0 .. c by a square, then count and read."""
    ends = zip(*(each.tolist() for each in (frames.amin((1, 2, 3)), frames.amax((1, 2, 3)))), strict=True)
    tables = _photons(tuple(ends), level[0], 2.0, sensor.LOW_PHOTONS, frames.device)
    return _exposed(frames, shots, tables, 255 * sensor.LOW_SIGMA)


@lru_cache(maxsize=8)
def _photons(
    ends: tuple[tuple[int, int], ...], top: float, gamma: float, photons: float, device: torch.device
) -> Photons:
    made = [sensor.photon_tables(low, high, top, gamma, photons) for low, high in ends]
    return stacked([cdf for cdf, _, _ in made], device), torch.from_numpy(made[0][2]).to(device)


def _exposed(frames: Tensor, shots: Shots, photons: Photons, sigma: float) -> Tensor:
    cdf, values = photons
    counted = values[counts(frames, uniforms(shots, "", size_of(frames)), cdf)]
    return truncated(counted + sigma * normals_of(uniforms(shots, "read", size_of(frames))))


def dead_pixels(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Let a share c of the sensor's pixels show black or white, and interpolate the colours between."""
    (height, width), drawn = size_of(frames), uniforms(shots, "", size_of(frames))
    hit = drawn[:, :1].float() < level[0] * (1 << fields.BITS)
    white = drawn[:, 1:2] >> (fields.BITS - 1)
    y, x = (torch.arange(side, device=frames.device) % 2 for side in (height, width))
    colour = (y[:, None] + x) == torch.arange(3, device=frames.device).view(3, 1, 1)
    at = (hit & colour).float()
    weight, value = _spread(at), _spread(at * white)
    over = weight.clamp(min=1)
    return truncated(frames * (1 - weight / over) + 255 * value / over)


def _spread(at: Tensor) -> Tensor:
    """Return what interpolation between the pixels of one colour makes of single ones: float32 (n, 3, H, W)."""
    (height, width), edged, total = size_of(at), F.pad(at, (1, 1, 1, 1)), torch.zeros_like(at)
    for i in range(3):
        for j in range(3):
            shares = [spread[i, j].item() for spread in (sensor.SPARSE, sensor.DENSE, sensor.SPARSE)]
            weights = torch.tensor(shares, device=at.device).view(3, 1, 1)
            total += weights * edged[..., i : i + height, j : j + width]
    return total


def fixed_pattern_noise(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Add an offset to each column, each row and each pixel, and scale each pixel's gain."""
    (c,), (height, width) = level, size_of(frames)
    columns = normals(shots, "column", (1, width))
    rows = normals(shots, "row", (1, height)).transpose(1, 2)
    grain, gain = normals(shots, "pixel", (height, width)), normals(shots, "gain", (height, width))
    offset = columns + 0.4 * rows + 0.5 * grain
    return truncated(frames * (1 + c * (0.5 * gain))[:, None] + (255 * c * offset)[:, None])


def night(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Dim the frame, add noise that follows the light, and the coloured blotches that a denoiser leaves."""
    (light, luma, chroma), size = level, size_of(frames)
    y = frames * (light / 255)
    grain = luma * normals(shots, "luma", size)
    red, blue = (chroma * _blotches(shots, stream, size) for stream in ("red", "blue"))
    noise = torch.stack([grain + red, grain - (red + blue) / 2, grain + blue], dim=1)
    return truncated(255 * (y + noise * (y + 0.02).sqrt()))


def _blotches(shots: Shots, stream: str, size: tuple[int, int]) -> Tensor:
    """Return a smooth field of variance about 1: float32 (n, H, W)."""
    coarse = normals(shots, stream, sensor.few(shots.scenes[0], size))[:, None]
    return F.interpolate(coarse, size, mode="bicubic")[:, 0] * float(sensor.MAGNIFIED)
