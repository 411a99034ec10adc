"""Power spectra: of clips, of what each corruption adds to them, of a network's first filters."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_PADDED = 32  # samples that a filter is padded to with zeros, so that its spectrum has a curve


def radial_power(frames: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean power at each spatial frequency of float frames (..., S, S): (cycles a pixel, power), both (S / 2 + 1,).

    Power is |F|^2 / S^2, the mean over a ring of width 1 / S around the frequency and over all leading dimensions; by
    Parseval the mean over all frequencies is the mean square of the pixels.
    """
    size = frames.shape[-1]
    power = torch.fft.fft2(frames.double(), norm="ortho").abs().square().reshape(-1, size, size).mean(0)
    line = torch.fft.fftfreq(size, 1 / size)
    ring = torch.hypot(line[:, None], line[None, :]).round().long().clamp(max=size // 2 + 1).flatten()
    total = torch.zeros(size // 2 + 2, dtype=torch.float64).index_add_(0, ring, power.flatten().cpu())
    count = torch.zeros(size // 2 + 2, dtype=torch.float64).index_add_(0, ring, torch.ones_like(total[ring]))
    keep = size // 2 + 1  # the corners beyond the highest frequency along an axis are left out
    return np.arange(keep) / size, (total / count)[:keep].numpy()


def time_power(clips: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean power at each temporal frequency of float clips (..., T, H, W): (cycles a frame, power), (T // 2 + 1,)."""
    length = clips.shape[-3]
    power = (
        torch.fft.fft(clips.double(), dim=-3, norm="ortho").abs().square().mean((-2, -1)).reshape(-1, length).mean(0)
    )
    keep = length // 2 + 1
    return np.arange(keep) / length, power[:keep].cpu().numpy()


def corruption_spectra(strips: Sequence[Mapping[str, NDArray[np.uint8]]]) -> pd.DataFrame:
    """What each corruption adds, from clips uint8 (T, S, S, 3) under "clean" and "corruption/severity".

    Columns: corruption, severity, axis ("space" or "time"), frequency (cycles a pixel or a frame), power. Rows "clean"
    are the spectrum of the clips themselves, the others of corrupted minus clean, frames scaled to [0, 1]; the mean
    over clips. Corruptions that change the order of frames differ from the clean clip by that.
    """
    rows: dict[tuple[str, str, float], list[float]] = {}
    for strip in strips:
        clean = torch.from_numpy(strip["clean"]).permute(3, 0, 1, 2).float() / 255
        for name, frames in strip.items():
            clip = torch.from_numpy(frames).permute(3, 0, 1, 2).float() / 255
            added = clip if name == "clean" else clip - clean
            for axis, found in (("space", radial_power(added)), ("time", time_power(added))):
                if axis == "space" or clip.shape[1] > 1:
                    for frequency, power in zip(*found, strict=True):
                        rows.setdefault((name, axis, float(frequency)), []).append(float(power))
    named = [(*_split(name), axis, frequency, float(np.mean(p))) for (name, axis, frequency), p in rows.items()]
    return pd.DataFrame(named, columns=["corruption", "severity", "axis", "frequency", "power"])


def filter_spectra(model: nn.Module) -> pd.DataFrame:
    """Power of the first convolution's filters, mean over filters and channels, each of unit energy.

    Columns: axis ("space", and "time" for 3-D kernels that see more than one frame), frequency (cycles a pixel or a
    frame), power. Kernels are padded with zeros to 32 samples. Empty for a network without convolutions.
    """
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)), None)
    columns = ["axis", "frequency", "power"]
    if first is None:
        return pd.DataFrame(columns=columns)
    weight = first.weight.detach().float().cpu()
    kernels = weight[:, :, None] if weight.dim() == 4 else weight  # (O, I, t, h, w)
    kernels = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None, None]
    rows = [("space", f, p) for f, p in zip(*radial_power(_padded(kernels, (3, 4))), strict=True)]
    if kernels.shape[2] > 1:
        rows += [("time", f, p) for f, p in zip(*time_power(_padded(kernels, (2,))), strict=True)]
    return pd.DataFrame(rows, columns=columns)


def _padded(kernels: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Zeros appended along `dims` up to 32 samples."""
    shape = [max(n, _PADDED) if d in dims else n for d, n in enumerate(kernels.shape)]
    padded = kernels.new_zeros(shape)
    padded[tuple(slice(n) for n in kernels.shape)] = kernels
    return padded


def _split(name: str) -> tuple[str, int]:
    corruption, _, severity = name.partition("/")
    return corruption, int(severity or 0)
