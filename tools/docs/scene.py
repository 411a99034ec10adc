"""A drawn scene for pictures and measurements: hills, a house, a fence and a balloon, free of anybody's rights.

It holds what corruptions act on: smooth sky, fine grass, straight edges, black and white, saturated and grey colours.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_FINE = 4  # everything is drawn at four times its size and shrunk, which softens the edges
_STRIPES = ((214, 48, 40), (250, 214, 60), (36, 92, 190), (245, 245, 240))
_WHITE = (238, 234, 226)


def scene(n_frames: int, side: int, step: float = 0.01) -> Pixels:
    """Return a pan over the scene by `step` sides a frame, while a balloon rises: uint8 (n_frames, side, side, 3)."""
    full = side * _FINE
    land = _land(full, full + math.ceil(step * full * n_frames))
    frames = np.empty((n_frames, side, side, 3), np.uint8)
    for t, frame in enumerate(frames):
        left = round(step * full * t)
        view = np.ascontiguousarray(land[:, left : left + full])
        _balloon(view, (0.7 - 0.4 * step * t) * full, (0.3 - 0.3 * step * t) * full, 0.13 * full)
        frame[...] = cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA)
    return frames


def _land(height: int, width: int) -> Pixels:
    """Return the landscape without the balloon: uint8 (height, width, 3)."""
    rng = np.random.default_rng(7)
    x = np.arange(width) / height
    sky = np.linspace(0, 1, height)[:, None, None] ** 0.7 * np.array([120, 70, 20]) + np.array([95, 150, 225])
    land = np.repeat(sky, width, 1) + 26 * _grain(rng, height, width, 24)[..., None]
    for base, swell, length, colour, rough, soft in (
        (0.55, 0.08, 1.9, (110, 125, 140), 6, 3),
        (0.64, 0.05, 3.1, (70, 110, 80), 14, 2),
        (0.74, 0.02, 4.3, (86, 142, 58), 26, 1),
    ):
        line = base + swell * np.sin(length * math.tau * x / 2 + 9 * base)
        below = np.arange(height)[:, None] > line * height
        land[below] = (np.array(colour) + rough * _grain(rng, height, width, soft)[..., None])[below]
    picture = np.ascontiguousarray(land.clip(0, 255).astype(np.uint8))
    for left in np.arange(0.42, width / height, 1.1):
        _house(picture, int(left * height), int(0.60 * height), int(0.2 * height))
    for post in np.arange(0.03, width / height, 0.085) * height:
        cv2.rectangle(picture, (int(post), int(0.84 * height)), (int(post + 0.018 * height), height), _WHITE, -1)
    cv2.rectangle(picture, (0, int(0.89 * height)), (width, int(0.91 * height)), _WHITE, -1)
    return picture


def _grain(rng: np.random.Generator, height: int, width: int, sigma: float) -> NDArray[np.float32]:
    """Return smooth noise of unit deviation, `sigma` shown pixels soft: float32 (height, width)."""
    noise = rng.standard_normal((math.ceil(height / _FINE), math.ceil(width / _FINE))).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), sigma)
    return np.asarray(cv2.resize(soft / soft.std(), (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _house(picture: Pixels, left: int, top: int, size: int) -> None:
    roof = (150, 60, 44)
    cv2.rectangle(picture, (left, top), (left + size, top + size * 3 // 4), _WHITE, -1)
    gable = [(left - size // 8, top), (left + size // 2, top - size // 2), (left + size * 9 // 8, top)]
    cv2.fillPoly(picture, [np.array(gable, np.int32)], roof)
    for column in (1, 4):
        corner = left + column * size // 6, top + size // 8
        cv2.rectangle(picture, corner, (corner[0] + size // 6, corner[1] + size // 4), (12, 12, 16), -1)
    door = (left + size * 5 // 12, top + size * 3 // 8), (left + size * 7 // 12, top + size * 3 // 4)
    cv2.rectangle(picture, *door, roof, -1)


def _balloon(picture: Pixels, x: float, y: float, radius: float) -> None:
    """Paint a balloon of striped silk, lit from the left, and its basket."""
    rows, columns = np.ogrid[: picture.shape[0], : picture.shape[1]]
    across, down = (columns - x) / radius, (rows - y) / radius
    inside = across**2 + (down / np.where(down > 0, 1.25, 1)) ** 2 < 1
    around = np.arcsin(np.clip(across / np.sqrt(np.maximum(1 - (down / 1.3) ** 2, 1e-3)), -1, 1))
    stripe = np.array(_STRIPES)[(around * 8 / math.pi + 8).astype(int) % 4]
    light = (0.85 - 0.25 * across + 0 * down)[..., None]
    picture[inside] = (stripe * light).clip(0, 255)[inside]

    def place(right: float, below: float) -> tuple[int, int]:
        return round(x + right * radius), round(y + below * radius)

    for side in (-1, 1):
        cv2.line(picture, place(0.5 * side, 1.05), place(0.2 * side, 1.5), (60, 50, 40), max(1, round(radius / 20)))
    cv2.rectangle(picture, place(-0.2, 1.5), place(0.2, 1.8), (120, 84, 44), -1)
