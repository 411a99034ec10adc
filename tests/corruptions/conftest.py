import numpy as np
import pytest
from numpy.typing import NDArray


def make_clip(n_frames: int = 16, height: int = 48, width: int = 56, seed: int = 0) -> NDArray[np.uint8]:
    """A moving 1/f texture in colour, with natural contrast: uint8 (T, H, W, 3)."""
    rng = np.random.default_rng(seed)
    side = 2 * max(height, width)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.normal(size=(side, side, 3)), axes=(0, 1)) / frequency[..., None]
    texture = np.fft.ifft2(spectrum, axes=(0, 1)).real
    texture = texture @ np.array([[1, 0.6, 0.4], [0.5, 1, 0.5], [0.3, 0.6, 1]])
    levels = np.clip(120 + 45 * (texture - texture.mean()) / texture.std(), 0, 255).astype(np.uint8)
    return np.stack([np.roll(levels, (-t, -2 * t), (0, 1))[:height, :width] for t in range(n_frames)])


@pytest.fixture(scope="session")
def clip() -> NDArray[np.uint8]:
    texture = make_clip()
    texture.flags.writeable = False  # corrupt never edits its input
    return texture
