"""Frost on a pane, grown instead of photographed: four kinds of ice in five textures, as different as published ones.

ImageNet-C (ICLR 2019) crops five photographs of unknown licence, two of them the same: a wrinkled sheet in teal, white
plates (twice), grey-blue grains and pale feathers on dark glass. Networks answer each differently, so each kind here
has the levels, colours, radial spectrum and patchiness that were measured on its photograph, and shapes of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corruptions import fields
from corruptions.jit import kernel
from corruptions.motion import Scene

Field = NDArray[np.float32]
Precise = NDArray[np.float64]

SIDE: Final = (
    500  # pixels at the scale of ImageNet-C, whole at x 0.2 and 0.3 too; textures continue across their borders
)
TEXTURES: Final = 5
_CENTRES: Final = (0.0044, 0.011, 0.0221, 0.0442, 0.0744, 0.106, 0.149, 0.21, 0.297, 0.42, 0.595)  # cycles a pixel
_SHARES: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
_ROUNDS: Final = 3  # of spectrum and levels in turn, each of which disturbs the other a little


@dataclass(frozen=True)
class Kind:
    """What was measured on a published photograph, and the shapes that stand for its own.

    `amplitudes` are those of luminance at `_CENTRES`, grey levels times pixels; `levels` are its quantiles at
    `_SHARES`. `colours` give each channel as a polynomial of luminance in [0, 1]; `tint` is the standard deviation by
    which red falls and blue rises from place to place. `patches` is the variation of local contrast, and `veil` its
    correlation with the local mean; `rough` is the share of the amplitude that has no shape at all.
    """

    shapes: Callable[[str], Precise]
    amplitudes: tuple[float, ...]
    levels: tuple[float, ...]
    colours: tuple[tuple[float, float, float], ...]
    tint: float
    patches: float
    veil: float
    rough: float


@lru_cache(maxsize=TEXTURES)
def texture(number: int) -> NDArray[np.uint8]:
    """Return texture `number`, below TEXTURES: read-only uint8 (SIDE, SIDE, 3) RGB."""
    kind, name = _KINDS[number], f"texture {number}"
    light = _like(kind, _patchy(kind, name))
    pixels = _coloured(kind, light, _smooth(f"{name}, tint", 40))
    pixels.flags.writeable = False
    return pixels


def _noise(name: str) -> Precise:
    """Return independent standard normals: float64 (SIDE, SIDE)."""
    return fields.normals(_scene(name), "noise", 0, (SIDE, SIDE)).astype(np.float64)


def _scene(name: str) -> Scene:
    return Scene(name, "frost", (0,), "static", tau=1, fps=25, scale=1)


def _radius() -> Precise:
    """Return the distance of each coefficient of `rfft2` from 0, in cycles a pixel: (SIDE, SIDE / 2 + 1)."""
    return np.asarray(np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]))


def _standard(field: Precise) -> Precise:
    return np.asarray((field - field.mean()) / field.std())


def _soft(field: Precise, sigma: float) -> Precise:
    """Return the field after a Gaussian of `sigma` pixels, on the torus."""
    gains = np.exp(-2 * (np.pi * sigma * _radius()) ** 2)
    return np.asarray(np.fft.irfft2(np.fft.rfft2(field) * gains, field.shape))


def _smooth(name: str, sigma: float) -> Precise:
    """Return a normal field that changes over `sigma` pixels, of mean 0 and deviation 1."""
    return _standard(_soft(_noise(name), sigma))


def _patchy(kind: Kind, name: str) -> Precise:
    """Return the shapes of a kind, roughened, their contrast stronger in some places than in others."""
    shapes = _standard(kind.shapes(name)) + kind.rough * _noise(f"{name}, rough")
    base = _soft(shapes, 12)
    contrast = kind.veil * _standard(base) + (1 - kind.veil**2) ** 0.5 * _smooth(f"{name}, patches", 24)
    return np.asarray(base + (shapes - base) * np.exp(kind.patches * contrast))


def _like(kind: Kind, field: Precise) -> Precise:
    """Return the field with the spectrum and the levels of a kind, 0 to 255."""
    radius = np.maximum(_radius(), 0.5 / SIDE)
    wanted = SIDE * _amplitudes(kind, radius)
    ring = np.round(4 * np.log2(2 * SIDE * radius)).astype(int).ravel()
    for _ in range(_ROUNDS):
        waves = np.fft.rfft2(field - field.mean())
        power = np.bincount(ring, np.square(np.abs(waves)).ravel()) / np.maximum(np.bincount(ring), 1)
        there = np.sqrt(np.maximum(power, 1e-12))[ring].reshape(waves.shape)
        field = np.fft.irfft2(waves * (wanted / there), field.shape)
        field = np.interp(field, np.quantile(field, _SHARES), kind.levels)
    return field


def _amplitudes(kind: Kind, radius: Precise) -> Precise:
    """Return the amplitudes of a kind at these frequencies.

    The longest waves, which no crop holds, get what its levels vary more than the measured rings do.
    """
    amplitudes = np.exp(np.interp(np.log(radius), np.log(_CENTRES), np.log(kind.amplitudes)))
    longest = radius * SIDE < 2.5
    levels = np.interp(np.linspace(0, 1, 1001), _SHARES, kind.levels)
    rest = levels.var() * SIDE**2 - 2 * np.square(amplitudes[~longest]).sum()
    amplitudes[longest] = max(rest / (2 * longest.sum()), 0.0) ** 0.5
    return np.asarray(amplitudes)


def _coloured(kind: Kind, light: Precise, tint: Precise) -> NDArray[np.uint8]:
    """Colour a luminance."""
    powers = np.stack([np.square(light / 255), light / 255, np.ones_like(light)], axis=-1)
    shift = kind.tint * tint[..., None] * np.array([-1.0, 0.35, 0.8])
    return np.asarray(np.clip(255 * powers @ np.array(kind.colours).T + shift, 0, 255), np.uint8)


def _shapes(
    name: str, count: int, lengths: tuple[float, float, float], widths: tuple[float, float], swirl: float
) -> Field:
    """Return float32 (count, 8): root y, x, direction, bend, length, half-width, distance of the barbs, height.

    `lengths` are the least, the range and how rare the long ones are; `widths` are the least and the range, in lengths.
    Neighbours grow in similar directions; `swirl` is how much they differ, in radians.
    """
    wind = _smooth(f"{name}, wind", 50)
    u = ((fields.words(_scene(name), "feathers", 0, 8 * count).reshape(count, 8) >> np.uint64(12)) + 0.5) * 2.0**-52
    roots = (u[:, :2] * SIDE).astype(int)
    directions = 2 * wind[roots[:, 0], roots[:, 1]] + swirl * (u[:, 2] - 0.5)
    length = lengths[0] + lengths[1] * u[:, 4] ** lengths[2]
    bend = 1.2 * (u[:, 3] - 0.5) / length
    width = length * (widths[0] + widths[1] * u[:, 5])
    each = (roots[:, 0], roots[:, 1], directions, bend, length, width, 2.5 + 3.5 * u[:, 6], 0.3 + 0.7 * u[:, 7])
    return np.stack(each, axis=1).astype(np.float32)


def _grown(shapes: Field) -> Precise:
    heights = np.zeros((SIDE, SIDE), np.float32)
    _grow(shapes, heights)
    return heights.astype(np.float64)


def _sheet(name: str) -> Precise:
    """A frozen film, wrinkled, lit from the side."""
    heights = _grown(_shapes(name, 5000, (6, 26, 2), (0.08, 0.1), 4))
    return _standard(heights - np.roll(heights, (2, 1), (0, 1))) + 0.5 * _smooth(f"{name}, film", 12)


def _plates(name: str) -> Precise:
    """White blades that lie over one another, with dark gaps."""
    levels = np.zeros((SIDE, SIDE), np.float32)
    _lay(_shapes(name, 3000, (10, 80, 3), (0.05, 0.12), 4.5), levels)
    return levels.astype(np.float64)


def _grains(name: str) -> Precise:
    """Small leaves of ice, crowded, lit from the side."""
    heights = _grown(_shapes(name, 6000, (4, 26, 3), (0.2, 0.25), 6.3))
    return _standard(heights - np.roll(heights, (1, 1), (0, 1))) + 0.7 * _standard(heights)


def _plumes(name: str) -> Precise:
    """Pale feathers on dark glass."""
    return _grown(_shapes(name, 2400, (8, 62, 2), (0.16, 0.18), 5))


@kernel("void(float32[:,::1], float32[:,::1])")
def _lay(blades: Field, levels: Field) -> None:
    """Cover the field with one blade after another, on the torus: each of its own level, sloped across, dark rims."""
    side = levels.shape[0]
    for n in range(blades.shape[0]):
        y0, x0, direction, bend, length, width, slope, top = blades[n]
        cos, sin = np.cos(direction), np.sin(direction)
        reach = int(length + width) + 2
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                along = cos * dx + sin * dy
                across = cos * dy - sin * dx - bend * along * along
                if along < 0 or along > length:
                    continue
                half = width * 2 * min(along / length, 1 - along / length) + 0.5
                if abs(across) > half:
                    continue
                rim = max(0.0, abs(across) - half + 1.2)
                y, x = (int(y0) + dy) % side, (int(x0) + dx) % side
                levels[y, x] = 0.35 * levels[y, x] + top + 0.06 * (slope - 4.25) * across / half - 0.6 * rim


@kernel("void(float32[:,::1], float32[:,::1])")
def _grow(feathers: Field, heights: Field) -> None:
    """Raise the ice to the height of each feather, on the torus: a stem, and on both sides barbs that lean forward."""
    side = heights.shape[0]
    for n in range(feathers.shape[0]):
        y0, x0, direction, bend, length, width, distance, top = feathers[n]
        cos, sin = np.cos(direction), np.sin(direction)
        reach = int(length + width) + 2
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                along = cos * dx + sin * dy
                across = cos * dy - sin * dx - bend * along * along
                off = abs(across)
                if along < 0 or along > length or off > width:
                    continue
                root = along - 0.9 * off  # where this pixel's barb leaves the stem
                phase = root / distance + 0.5 * (across > 0)  # the sides alternate
                number = int(np.floor(phase))
                luck = (number * 7919 + n * 104729 + (across > 0) * 31337) * 2654435761 % 65536 / 65536
                barb = max(1.0, width * (1 - max(root, 0.0) / length) * (0.45 + 0.55 * luck))
                ridge = 1 - 2 * abs(phase - number - 0.5) * max(0.6, off / barb)
                leaf = max(0.0, min(1.0, 1.5 * ridge)) * max(0.0, 1 - off / barb)
                stem = (1 - off / 1.5) * (1 - 0.5 * along / length)
                y, x = (int(y0) + dy) % side, (int(x0) + dx) % side
                heights[y, x] = max(heights[y, x], top * max(stem, 1.1 * leaf))


_WHITE = Kind(
    _plates,
    (503, 192, 118, 76, 53.6, 35.5, 26.3, 19.9, 14.0, 7.5, 3.4),
    (106, 139, 162, 174, 190, 205, 217, 225, 230, 237, 243),
    ((0.02, 0.95, 0.02), (0.01, 1.0, 0.0), (-0.07, 1.15, -0.04)),
    tint=1.5,
    patches=0.29,
    veil=-0.88,
    rough=0.5,
)
_KINDS: Final = (
    Kind(
        _sheet,
        (530, 230, 85, 33.3, 21.6, 18.7, 16.3, 14.5, 11.4, 6.8, 3.5),
        (90, 95, 102, 106, 115, 126, 140, 155, 164, 179, 195),
        ((0.84, 0.53, -0.18), (-0.33, 1.2, 0.06), (-0.52, 1.21, 0.17)),
        tint=9.0,
        patches=0.21,
        veil=0.21,
        rough=0.5,
    ),
    _WHITE,
    _WHITE,
    Kind(
        _grains,
        (510, 169, 123, 88.5, 61.6, 52.6, 43.6, 33.6, 24.6, 14.3, 6.7),
        (55, 83, 110, 123, 141, 158, 173, 188, 198, 226, 251),
        ((0.02, 0.97, -0.04), (0.0, 0.99, 0.01), (-0.06, 1.11, 0.02)),
        tint=2.0,
        patches=0.28,
        veil=0.35,
        rough=0.7,
    ),
    Kind(
        _plumes,
        (651, 403, 271, 139, 86, 63, 45, 32.2, 23.3, 17.4, 14.3),
        (34, 44, 56, 65, 84, 109, 138, 165, 183, 218, 248),
        ((0.05, 0.96, -0.03), (-0.01, 1.01, 0.01), (-0.08, 1.05, 0.05)),
        tint=1.5,
        patches=0.29,
        veil=0.17,
        rough=0.3,
    ),
)
