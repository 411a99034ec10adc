"""One test clip under each corruption: a few frames side by side, and of a video a short loop."""

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidsparse.evaluation.metrics import CLEAN

COLUMNS, GAP = 4, 2  # frames in a strip; white px between them
TALLEST = 224  # px; taller frames are shrunk
LOOPS = 1_500_000  # bytes that all loops of a page may take together
_LOOP_SIDE, _LOOP_FRAMES, _LOOP_MS = 128, 32, 125  # px and frames at most; of one frame


@dataclass(frozen=True)
class Strip:
    """One row of frames: what was done to them, and the picture as a data address (JPEG 4:4:4, quality 92).

    `loop`: the moving clip as a data address (WebP); empty for images and where it would be too large.
    """

    corruption: str
    severity: int
    source: str
    width: int
    height: int
    loop: str = ""


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
        clip = frames[name if name == CLEAN else f"{name}/{severity}"]
        image, moving = filmstrip(clip), loop(clip, LOOPS // len(severities))
        image.save(folder / f"frames_{name}.png")
        made.append(Strip(name, severity, data_address(image), *image.size, loop=moving))
    return made


def filmstrip(clip: NDArray[np.uint8], columns: int = COLUMNS) -> Image.Image:
    """Up to `columns` frames, evenly spaced over uint8 (T, H, W, 3), side by side."""
    moments = np.unique(np.linspace(0, len(clip) - 1, columns).round().astype(int))
    frames = np.pad(clip[moments], ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    strip = Image.fromarray(np.concatenate(list(frames), axis=1)[:, :-GAP])
    strip.thumbnail((strip.width, TALLEST))
    return strip


def loop(clip: NDArray[np.uint8], most: int) -> str:
    """uint8 (T, H, W, 3) as an endless WebP in at most `most` bytes, coarser where it must be; "" for one frame."""
    if len(clip) < 2:
        return ""
    frames = [Image.fromarray(frame) for frame in clip[:_LOOP_FRAMES]]
    for frame in frames:
        frame.thumbnail((_LOOP_SIDE, _LOOP_SIDE))
    for quality in (70, 40, 15):
        buffer = BytesIO()
        options: dict[str, Any] = {"quality": quality, "method": 2, "duration": _LOOP_MS, "loop": 0}
        frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], **options)
        if buffer.tell() <= most:
            return "data:image/webp;base64," + b64encode(buffer.getvalue()).decode()
    return ""


def data_address(image: Image.Image) -> str:
    """The picture as an address that needs no file."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return "data:image/jpeg;base64," + b64encode(buffer.getvalue()).decode()
