"""Filmstrips: a few frames of one test clip under each corruption."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidsparse.evaluation.metrics import CLEAN

COLUMNS, GAP = 4, 2  # frames in a strip; white px between them
TALLEST = 224  # px; taller frames are shrunk


@dataclass(frozen=True)
class Strip:
    """One row of frames: what was done to them, and the picture as a data address (JPEG 4:4:4, quality 92)."""

    corruption: str
    severity: int
    source: str
    width: int
    height: int


def strips(frames: dict[str, NDArray[np.uint8]], folder: Path) -> list[Strip]:
    """Clean, then each corruption at its middle stored severity; written as `folder`/frames_NAME.png, old ones removed.

    `frames` maps "clean" or "corruption/severity" to uint8 (T, H, W, 3).
    """
    for old in folder.glob("frames_*.png"):
        old.unlink()
    severities: dict[str, list[int]] = {}
    for key in frames:
        name, _, level = key.partition("/")
        severities.setdefault(name, []).append(int(level or 0))
    made = []
    for name in sorted(severities, key=lambda each: each != CLEAN):
        severity = sorted(severities[name])[len(severities[name]) // 2]
        image = filmstrip(frames[name if name == CLEAN else f"{name}/{severity}"])
        image.save(folder / f"frames_{name}.png")
        made.append(Strip(name, severity, data_address(image), *image.size))
    return made


def filmstrip(clip: NDArray[np.uint8], columns: int = COLUMNS) -> Image.Image:
    """Up to `columns` frames, evenly spaced over uint8 (T, H, W, 3), side by side."""
    moments = np.unique(np.linspace(0, len(clip) - 1, columns).round().astype(int))
    frames = np.pad(clip[moments], ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    strip = Image.fromarray(np.concatenate(list(frames), axis=1)[:, :-GAP])
    strip.thumbnail((strip.width, TALLEST))
    return strip


def data_address(image: Image.Image) -> str:
    """The picture as an address that needs no file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return "data:image/jpeg;base64," + b64encode(buffer.getvalue()).decode()
