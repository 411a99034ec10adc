"""The blurs of `corruptions.blur` on tensors; what each means stands there. Frames are uint8 (n, 3, H, W).

Sums run over the taps of a kernel, one shifted view of the frames a tap, in an order that does not depend on how many
frames there are: so a clip alone is the clip in a batch, bit by bit.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from corruptions import bilinear, blur, psf
from corruptions.exceptions import CorruptionError
from corruptions.motion import Scene
from corruptions.row import Level
from corruptions.torch.tensor_draws import Shots
from corruptions.torch.tensor_noise import size_of, truncated

Weights = NDArray[np.float32]


def gaussian_blur(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Convolve with a Gaussian cut at 4 sigma; borders are held."""
    return soften(frames, psf.scaled_sigma(level[0], shots.scenes[0].scale))


def soften(frames: Tensor, sigma: float) -> Tensor:
    """Return the Gaussian blur of `sigma` pixels, down and then across."""
    weights = blur.half_gaussian(sigma).tolist()
    return truncated(_along(_along(frames.float(), weights, 2), weights, 3))


def _along(values: Tensor, weights: list[float], side: int) -> Tensor:
    """Convolve one side by a symmetric kernel whose middle weight comes first, the border held."""
    reach, length = len(weights) - 1, values.shape[side]
    places = torch.arange(-reach, length + reach, device=values.device).clamp_(0, length - 1)
    edged, total = values.index_select(side, places), weights[0] * values
    for k in range(1, reach + 1):
        total.add_(edged.narrow(side, reach - k, length) + edged.narrow(side, reach + k, length), alpha=weights[k])
    return total


def defocus_blur(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Convolve with a softened disk; borders are mirrored."""
    quarter = _quarter(blur.out_of_focus(level, shots.scenes[0]))
    (height, width), reach = size_of(frames), len(quarter) - 1
    edged, total = F.pad(frames.float(), (reach,) * 4, mode="reflect"), torch.zeros(frames.shape, device=frames.device)
    for i, row in enumerate(quarter.tolist()):
        pair = _pair(edged, 2, reach, i, height)
        for j, weight in enumerate(row):
            if weight:
                total.add_(_pair(pair, 3, reach, j, width), alpha=weight)
    return truncated(total)


def _quarter(weights: Weights) -> Weights:
    """Return what a kernel that is the same from all sides has right of and below its middle."""
    half = len(weights) // 2
    turned = (weights, weights[::-1], weights[:, ::-1], weights[::-1, ::-1])
    return np.asarray(np.mean([each[half:, half:] for each in turned], axis=0, dtype=np.float64), np.float32)


def _pair(edged: Tensor, side: int, reach: int, k: int, length: int) -> Tensor:
    """Return the sum of what stands k before and k after each place, or what stands there for k = 0."""
    after = edged.narrow(side, reach + k, length)
    return after + edged.narrow(side, reach - k, length) if k else after


def motion_blur(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Smear along a line at an angle of each frame's own."""
    return _smeared(frames, level, shots, blur.turned)


def xy_motion_blur(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Average the frame along a move of each frame's own."""
    return _smeared(frames, level, shots, blur.moved)


def _smeared(
    frames: Tensor, level: Level, shots: Shots, streak: Callable[[Level, Scene, int], tuple[Weights, float]]
) -> Tensor:
    """Return the weighted sum of what stands along a streak; the border is held."""
    weights, down, right = (each.to(frames.device) for each in _taps(level, shots, streak))
    pixels, (height, width) = frames.permute(0, 2, 3, 1).contiguous(), size_of(frames)
    number, y, x = (torch.arange(length, device=frames.device) for length in (len(frames), height, width))
    total = torch.full(pixels.shape, 1e-3, device=frames.device)
    for tap in range(weights.shape[1]):
        rows = (y + down[:, tap, None]).clamp_(0, height - 1)[:, :, None]
        columns = (x + right[:, tap, None]).clamp_(0, width - 1)[:, None]
        total += weights[:, tap].view(-1, 1, 1, 1) * pixels[number[:, None, None], rows, columns]
    return truncated(total, 0.0).permute(0, 3, 1, 2)


def _taps(
    level: Level, shots: Shots, streak: Callable[[Level, Scene, int], tuple[Weights, float]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Return each frame's weights, float32 (n, taps), and shifts down and right, int64; taps it has not weigh 0."""
    made = [streak(level, scene, t) for scene, t in shots.each()]
    most = max(len(weights) for weights, _ in made)
    found = np.zeros((3, len(made), most))
    for number, (weights, degrees) in enumerate(made):
        found[0, number, : len(weights)] = weights
        found[1:, number, : len(weights)] = blur.streak(len(weights), degrees)
    weights, down, right = torch.from_numpy(found)
    return weights.float(), down.long(), right.long()


def zoom_blur(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Average the frame and its centre magnified, by whole weights of sum 2^13, as `bilinear` has it."""
    wide, total = frames.int(), torch.zeros(frames.shape, dtype=torch.int32, device=frames.device)
    for rows, columns, unit in blur.zooms(level, size_of(frames)):
        y, fy = _split(rows)
        x, fx = _split(columns)
        low = np.floor(fy * np.float32(unit) + np.float32(0.5))[:, None]
        for place, weight in ((y, np.float32(unit) - low), (np.minimum(y + 1, len(rows) - 1), low)):
            beside = np.floor(weight * fx + np.float32(0.5))
            line = wide.index_select(2, _on(place, frames))
            total += _on(weight - beside, frames) * line.index_select(3, _on(x, frames))
            total += _on(beside, frames) * line.index_select(3, _on(np.minimum(x + 1, len(columns) - 1), frames))
    return ((total + 8) >> bilinear.UNIT.bit_length() - 1).to(torch.uint8)


def _split(places: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the whole parts and the fractions of places, as `bilinear` rounds them: one pixel of border before."""
    whole = np.floor(places + np.float32(1))
    return whole - np.float32(1), places + np.float32(1) - whole


def _on(values: NDArray[np.float32], frames: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.int32)).to(frames.device)


def glass_blur(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Soften, let every pixel copy the one that the pane shows, and soften again; panes are made by the processor."""
    scale, size = shots.scenes[0].scale, size_of(frames)
    if scale < 1:
        raise CorruptionError(
            "glass_blur in relative resolution on frames smaller than those of its table is not made on tensors: "
            "resolution='absolute', or corruptions.corrupt"
        )
    sigma = psf.scaled_sigma(level[0], scale)
    panes = np.stack([_pane(level, scene, 0 if scene.mode == "static" else t, size) for scene, t in shots.each()])
    source = torch.from_numpy(panes).long().to(frames.device)[:, None].expand(-1, 3, -1)
    seen = soften(frames, sigma).flatten(2).gather(2, source).view_as(frames)
    return soften(seen, sigma)


@lru_cache(maxsize=16)
def _pane(level: Level, scene: Scene, t: int, size: tuple[int, int]) -> NDArray[np.int32]:
    return blur.pane(level, scene, t, size)
