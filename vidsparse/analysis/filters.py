"""Frequencies taken out of clips and put into them: pure functions of tensors, in space and in time.

Clips are float (B, T, S, S, 3), any scale; frequencies are counted in periods a side (or a clip), k = 0 .. S / 2.
"""

import torch
from torch import Tensor


def attenuate(clips: Tensor, side: str, radius: int) -> Tensor:
    """The paper's attenuation filters (arXiv 2410.03030, section 5.2): each frame and channel without some frequencies.

    side "low" removes a centred square of the shifted spectrum, max(|u|, |v|) < radius / 2; "high" removes all outside
    a centred square, max(|u|, |v|) > (S - radius) / 2. A larger radius, 0 .. S, removes more; 0 removes nothing. Square
    regions are read off the paper's figure 6; that they are taken from the unnormalised frames and that the result is
    not clipped is ours.
    """
    size = clips.shape[2]
    across = torch.fft.rfftfreq(size, 1 / size, device=clips.device).abs().round()
    down = torch.fft.fftfreq(size, 1 / size, device=clips.device).abs().round()
    reach = torch.maximum(down[:, None], across[None, :])
    spectrum = torch.fft.rfft2(clips, dim=(2, 3)) * _kept(reach, size, side, radius)[:, :, None]
    kept: Tensor = torch.fft.irfft2(spectrum, s=(size, size), dim=(2, 3))
    return kept


def attenuate_time(clips: Tensor, side: str, radius: int) -> Tensor:
    """The same along time: every pixel without its low (|k| < radius / 2) or high (|k| > (T - radius) / 2) frequencies.

    "high" at radius T leaves the mean frame, standing still; "low" at radius 1 takes it away.
    """
    length = clips.shape[1]
    reach = torch.fft.rfftfreq(length, 1 / length, device=clips.device).round()
    spectrum = torch.fft.rfft(clips, dim=1) * _kept(reach, length, side, radius)[:, None, None, None]
    kept: Tensor = torch.fft.irfft(spectrum, n=length, dim=1)
    return kept


def _kept(reach: Tensor, size: int, side: str, radius: int) -> Tensor:
    """1 where a frequency stays, 0 where it is removed."""
    removed = 2 * reach < radius if side == "low" else 2 * reach > size - radius
    return (~removed).float()


def fourier_wave(size: int, v: int, u: int) -> Tensor:
    """A Fourier basis image, float (S, S), of L2 norm 1: v periods down and u across (Yin et al. 2019, section 2).

    >>> wave = fourier_wave(8, 0, 4)
    >>> wave[0].mul(8).tolist(), float(wave.norm().round(decimals=6))
    ([1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], 1.0)
    """
    place = torch.arange(size, dtype=torch.float64)
    wave: Tensor = torch.cos(2 * torch.pi * (v * place[:, None] + u * place[None, :]) / size)
    unit: Tensor = wave / wave.norm()
    return unit.float()


def fourier_norm(size: int) -> float:
    """L2 norm of the added wave, for frames in [0, 1]: 4 at 32 px and 15.7 at 224 px (Yin et al. 2019, section 3).

    In between and beyond the norm a pixel is kept: 4 / 32 up to 64 px, 15.7 / 224 above, which is ours.

    >>> fourier_norm(32), round(fourier_norm(224), 3)
    (4.0, 15.7)
    """
    return size * (4 / 32 if size <= 64 else 15.7 / 224)


def wave_signs(count: int, v: int, u: int) -> Tensor:
    """Whether the wave (v, u) goes up or down in each channel of each of `count` clips: +1 or -1, float (count, 3)."""
    generator = torch.Generator().manual_seed((v + 10_000) * 100_003 + u + 10_000)
    return torch.randint(0, 2, (count, 3), generator=generator) * 2.0 - 1


def add_wave(clips: Tensor, v: int, u: int, signs: Tensor) -> Tensor:
    """Clips in [0, 1] with a wave of `fourier_norm` added to every frame, signs +1 or -1 (B, 3); it stands still.

    Not clipped to [0, 1], as in the formula of Yin et al.
    """
    size = clips.shape[2]
    wave = fourier_norm(size) * fourier_wave(size, v, u)
    return clips + (signs[:, None, None, None, :] * wave[None, None, :, :, None]).to(clips)


def frequencies(size: int, points: int) -> list[tuple[int, int]]:
    """(v, u) of a heat map of `points` frequencies a side, -S/2 .. S/2; one of each pair (v, u), (-v, -u).

    >>> frequencies(8, 3)
    [(0, 0), (0, 4), (4, -4), (4, 0), (4, 4)]
    """
    line = torch.linspace(-(size // 2), size // 2, points).round().int().tolist() if points > 1 else [0]
    return [(v, u) for v in sorted(set(line)) for u in sorted(set(line)) if v > 0 or (v == 0 and u >= 0)]
