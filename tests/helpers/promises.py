"""The promises of every corruption in time, as numbers: shared by the tests of CI and by the long ones."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt
from corruptions.registry import Mode
from corruptions.severities import TABLES

Clip = NDArray[np.uint8]
Resolution = Literal["absolute", "relative"]
STEADY = ("photometric", "blur", "weather")  # the families whose brightness must not flicker


def steady_cells() -> tuple[tuple[str, str], ...]:
    """(profile, name) of all that must not flicker."""
    return tuple(cell for cell in TABLES if REGISTRY[cell[1]].family in STEADY)


@lru_cache(maxsize=16)
def still(side: int, seed: int, mean: float, contrast: float, n_frames: int = 16) -> Clip:
    """A clip that stands still, of 1/f noise about a grey level: uint8 (T, side, side, 3)."""
    noise = np.random.default_rng(seed).normal(size=(side, side, 3))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) / frequency[..., None], axes=(0, 1)).real
    frame = np.clip(mean + contrast * field / field.std(), 0, 255).astype(np.uint8)
    clip = np.repeat(frame[None], n_frames, axis=0)
    clip.flags.writeable = False
    return clip


def flicker(
    name: str, profile: str, severity: int, mode: Mode, key: str, side: int, resolution: Resolution = "relative"
) -> float:
    """The flicker of `consistency`, in grey levels, on a dark, a mean or a bright clip that stands still."""
    scenes = ((120, 45), (40, 20), (200, 30))
    mean, contrast = scenes[severity % 3]
    clip = still(side, 0, mean, contrast)
    made = corrupt(clip, name, severity, key, profile=profile, temporal=mode, resolution=resolution)
    return float(np.diff((made - 1.0 * clip).mean(axis=(1, 2, 3))).std())


def mean_psnr(name: str, profile: str, severity: int, mode: Mode, keys: Sequence[str], clip: Clip) -> float:
    """The PSNR of the mean squared error over keys and frames, in decibels."""
    errors = [
        np.mean(
            (corrupt(clip, name, severity, key, profile=profile, temporal=mode, resolution="relative") - 1.0 * clip)
            ** 2
        )
        for key in keys
    ]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def spread_of_modes(name: str, profile: str, severity: int, keys: int, side: int = 48) -> float:
    """By how much the mean PSNR of the temporal modes differs, in decibels, over a clip and a number of keys.

    A mode that draws once a clip is given as many draws as the others: its keys are the clip's frames times as many.
    """
    clip = still(side, 1, 120, 45, 4)
    psnr = []
    for mode in get_args(Mode):
        many = keys if mode == "independent" else keys * len(clip)
        psnr.append(mean_psnr(name, profile, severity, mode, [str(key) for key in range(many)], clip))
    return max(psnr) - min(psnr)
