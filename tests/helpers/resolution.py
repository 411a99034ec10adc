"""How hard a corruption is at several sizes of one picture, in relative resolution."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import REGISTRY, corrupt

Pixels = NDArray[np.uint8]


def picture(side: int, finest: float = 0.0) -> Pixels:
    """Return 1/f noise in colour, uint8 (side, side, 3); `finest` blurs what a 56th of the side cannot show."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = np.inf
    noise = np.random.default_rng(0).normal(size=(side, side, 3))
    field = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) / frequency[..., None], axes=(0, 1)).real
    if finest:
        field = cv2.GaussianBlur(field, (0, 0), finest * side / 56)
    field = field @ np.array([[1, 0.6, 0.4], [0.5, 1, 0.5], [0.3, 0.6, 1]])
    return np.clip(120 + 45 * (field - field.mean()) / field.std(), 0, 255).astype(np.uint8)


def psnr_by_side(
    name: str, profile: str, severity: int, large: Pixels, sides: tuple[int, ...], keys: int
) -> list[float]:
    """Return the PSNR in decibels, of the mean squared error over keys, at each side; never finer than `large`."""
    found = []
    for side in sides:
        clean = np.asarray(cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        errors = []
        for key in range(keys if REGISTRY[name].random else 1):
            made = corrupt(clean[None], name, severity, str(key), profile=profile, resolution="relative")[0]
            errors.append(np.square(made.astype(np.float32) - clean).mean())
        found.append(float(10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-9))))
    return found
