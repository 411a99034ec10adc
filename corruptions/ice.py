"""Frost on a pane, grown instead of photographed: feathers of ice that branch from stems, lit from the side.

ImageNet-C (ICLR 2019) crops photographs of unknown licence. These textures are made of the same elements (curved stems
with barbs on both sides, clear glass between dense beds, a cold light) at the same levels and spectrum.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import draws
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.plasma import plasma

Field = NDArray[np.float32]

SIDE = 512  # pixels at the scale of ImageNet-C; each texture continues across its own borders
TEXTURES = 5
_FEATHERS = 1400
# luminance of the bare pane, and what slopes towards the light, the height of the ice and a mist add to it: as bright
# in the mean as the photographs are together, so that what one frame gets differs little from what many get
_PANES = (
    (0.66, 0.33, 0.20, 0.40),
    (0.70, 0.33, 0.20, 0.40),
    (0.66, 0.36, 0.25, 0.45),
    (0.70, 0.30, 0.20, 0.40),
    (0.68, 0.33, 0.24, 0.42),
)


@lru_cache(maxsize=TEXTURES)
def texture(number: int) -> NDArray[np.uint8]:
    """Return texture `number`, below TEXTURES: read-only uint8 (SIDE, SIDE, 3) RGB."""
    pixels = _cold_light(_relief(number))
    pixels.flags.writeable = False
    return pixels


def _relief(number: int) -> Field:
    """Return the luminance of a texture: float32 (SIDE, SIDE), about 0 to 1."""
    pane, slopes, thickness, mist = _PANES[number]
    name = f"texture {number}"
    heights = np.zeros((SIDE, SIDE), np.float32)
    _grow(_feathers(draws.seed(name, "frost", "feathers"), _clouds(f"{name}, wind", 2.5)), heights)
    light = heights - np.roll(heights, (2, 1), (0, 1))
    fogged = _clouds(f"{name}, mist", 1.6) - 0.5
    return np.asarray(pane + mist * fogged + thickness * (heights - 0.5) + slopes * light, np.float32)


def _clouds(name: str, decay: float) -> Field:
    """Return a plasma map softened across its own borders, which hides the creases of the algorithm."""
    sharp = plasma(Scene(name, "frost", (0,), "static", tau=1, fps=25, scale=1), 0, SIDE, decay)
    soft = cv2.GaussianBlur(np.pad(sharp, 16, mode="wrap"), (33, 33), 5)
    return np.asarray(soft[16:-16, 16:-16], np.float32)


def _cold_light(luminance: Field) -> NDArray[np.uint8]:
    """Colour a luminance: shadows are blue, lights are white."""
    light = np.clip(luminance, 0, 1)[..., None]
    return np.asarray(255 * light ** np.array([1.35, 0.98, 0.84], np.float32), np.uint8)


def _feathers(seed: int, wind: Field) -> Field:
    """Return float32 (n, 8): root y, x, direction, bend, length, half-width, distance of the barbs, height.

    Neighbours grow in similar directions, which the wind gives; a few are long and most are short.
    """
    u = np.array([[draws.uniform(seed, n, i) for i in range(8)] for n in range(_FEATHERS)])
    roots = (u[:, :2] * SIDE).astype(int)
    directions = 4 * np.pi * wind[roots[:, 0], roots[:, 1]] + 1.8 * (u[:, 2] - 0.5)
    length = 14 + 100 * u[:, 4] ** 3
    bend = 1.2 * (u[:, 3] - 0.5) / length
    width = length * (0.12 + 0.16 * u[:, 5])
    feathers = (roots[:, 0], roots[:, 1], directions, bend, length, width, 2.5 + 3.5 * u[:, 6], 0.3 + 0.7 * u[:, 7])
    return np.stack(feathers, axis=1).astype(np.float32)


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
