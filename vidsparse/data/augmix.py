"""AugMix of images and clips: mixtures of chains of simple operations, every frame of a clip under the same draws.

Source: Hendrycks et al. 2020, "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty" (arXiv
1912.02781), section 3 and algorithm 1. Its operations leave out what ImageNet-C tests (noise, blur, contrast,
brightness, colour, sharpness); here those too that a run's own suite tests, see `augmix_operations`. The weights of
chains are Dirichlet(alpha), the share of the mixture is Beta(alpha, alpha), a chain has `depth` operations or 1 to 3,
and an operation of strength s has a level drawn from 0.1 to s, of 10.

An operation that reads the picture (autocontrast, equalize) reads all frames of a clip, so that one map holds for all
of them and nothing flickers.
"""

from collections.abc import Callable, Mapping
from math import cos, radians, sin
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vidsparse.config import AugmixConfig
from vidsparse.data.augmix_operations import LEAST_LEVEL, OVERLAPS

Frames = NDArray[np.uint8]
Lut = NDArray[np.uint8]  # (256, 3): what becomes of each value, by channel

_TURN, _SHEAR, _SHIFT, _LEVELS = 30.0, 0.3, 1 / 3, 10.0  # degrees, a pixel, shares of a side; of strength 10


def mixtures(clip: Frames, config: AugmixConfig, seed: int) -> Frames:
    """A clip uint8 (T, H, W, 3) as AugMix mixes it, same shape; with `config.jsd`, (3, T, H, W, 3): itself and two.

    A function of clip and seed alone. Rounded to whole values, which the paper does not do: at most half of one.
    """
    rng = np.random.default_rng((seed, 0xA6))
    if not config.jsd:
        return mixture(clip, config, rng)
    return np.stack([clip, mixture(clip, config, rng), mixture(clip, config, rng)])


def mixture(clip: Frames, config: AugmixConfig, rng: np.random.Generator) -> Frames:
    """(1 - m) · clip + m · Σ w_i · chain_i(clip), one draw for all frames."""
    names = config.operations or list(OVERLAPS)
    weights = rng.dirichlet([config.alpha] * config.width)
    share = rng.beta(config.alpha, config.alpha)
    mixed = (1 - share) * clip.astype(np.float32)
    for weight in weights:
        chained = clip
        for _ in range(config.depth or int(rng.integers(1, 4))):
            name = names[rng.integers(len(names))]
            level, sign = rng.uniform(LEAST_LEVEL, config.severity) / _LEVELS, float(rng.choice((-1.0, 1.0)))
            chained = apply(chained, name, level, sign)
        mixed += np.float32(share * weight) * chained
    rounded: Frames = np.rint(mixed).clip(0, 255).astype(np.uint8)
    return rounded


def apply(clip: Frames, name: str, level: float, sign: float = 1.0) -> Frames:
    """One operation on all frames uint8 (T, H, W, 3); `level` 0 to 1 is its strength, `sign` its direction.

    Geometric ones are bilinear and leave black what comes from outside.
    """
    if name in _LUTS:
        lut = _LUTS[name](clip, level)
        return np.stack([lut[clip[..., channel], channel] for channel in range(3)], axis=-1)
    height, width = clip.shape[1:3]
    matrix = _MATRICES[name](sign * level, height, width)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack([cv2.warpAffine(frame, matrix, (width, height), flags=flags) for frame in clip])


def _autocontrast(clip: Frames, level: float) -> Lut:
    low = clip.min((0, 1, 2)).astype(float)
    high = clip.max((0, 1, 2)).astype(float)
    scale = np.where(high > low, 255 / np.maximum(high - low, 1), 1.0)
    values = np.arange(256.0)[:, None]
    spread = ((values - np.where(high > low, low, 0)) * scale).clip(0, 255)
    return np.asarray(spread, np.uint8)


def _equalize(clip: Frames, level: float) -> Lut:
    """As Pillow defines it: values by their rank, in equal steps; a channel of one value stays.

    Counts are those of a frame on average, so that a clip that stands still becomes what its frame does.
    """
    made = np.repeat(np.arange(256)[:, None], 3, axis=1)
    for channel in range(3):
        counts = np.rint(np.bincount(clip[..., channel].ravel(), minlength=256) / len(clip)).astype(int)
        there = counts[counts > 0]
        step = int(there[:-1].sum()) // 255
        if len(there) > 1 and step:
            made[:, channel] = (step // 2 + np.concatenate([[0], counts.cumsum()[:-1]])) // step
    return made.clip(0, 255).astype(np.uint8)


def _posterize(clip: Frames, level: float) -> Lut:
    dropped = 8 - (4 - int(level * 4))  # bits: 4 of 8 are kept at level 0, none at 1
    values = np.arange(256) >> dropped << dropped
    return np.repeat(values.astype(np.uint8)[:, None], 3, axis=1)


def _solarize(clip: Frames, level: float) -> Lut:
    values = np.arange(256)
    turned = np.where(values < 256 - int(level * 256), values, 255 - values)
    return np.repeat(turned.astype(np.uint8)[:, None], 3, axis=1)


def _rotated(level: float, height: int, width: int) -> NDArray[np.float64]:
    angle, y, x = radians(level * _TURN), (height - 1) / 2, (width - 1) / 2
    c, s = cos(angle), sin(angle)
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])


def _sheared_x(level: float, height: int, width: int) -> NDArray[np.float64]:
    return np.array([[1, level * _SHEAR, 0], [0, 1, 0]], float)


def _sheared_y(level: float, height: int, width: int) -> NDArray[np.float64]:
    return np.array([[1, 0, 0], [level * _SHEAR, 1, 0]], float)


def _moved_x(level: float, height: int, width: int) -> NDArray[np.float64]:
    return np.array([[1, 0, int(level * _SHIFT * width)], [0, 1, 0]], float)


def _moved_y(level: float, height: int, width: int) -> NDArray[np.float64]:
    return np.array([[1, 0, 0], [0, 1, int(level * _SHIFT * height)]], float)


_LUTS: Final[Mapping[str, Callable[[Frames, float], Lut]]] = {
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "posterize": _posterize,
    "solarize": _solarize,
}
_MATRICES: Final[Mapping[str, Callable[[float, int, int], NDArray[np.float64]]]] = {
    "rotate": _rotated,
    "shear_x": _sheared_x,
    "shear_y": _sheared_y,
    "translate_x": _moved_x,
    "translate_y": _moved_y,
}
