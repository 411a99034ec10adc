"""The picture of each corruption's page: the drawn scene under it."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from corruptions.registry import Corruption
from tools.docs.scene import Pixels, scene
from vidsparse.preview import Clip, row_of
from vidsparse.utils.files import save

SIDE: Final = 128  # pixels of one frame
_FRAMES, _SHOWN = 48, 24  # of the clip, and the one that is shown
_LATE = 47  # frame of a coded video, by which damage has spread
_COLUMNS = 6
_QUALITY = 72


def drawn_clip() -> Clip:
    """Return the scene as a clip of 48 frames at 25 a second."""
    return Clip(scene(_FRAMES, SIDE), 25.0, "balloon")


def draw(record: Corruption, clip: Clip, path: Path) -> None:
    """Write the picture of one corruption as WebP."""
    picture = _in_time(record, clip) if record.support == "order" else _by_severity(record, clip)
    save(path, lambda file: Image.fromarray(picture).save(file, "WEBP", quality=_QUALITY, method=6))


def caption(record: Corruption) -> str:
    """Return what the picture shows, as words of one line."""
    if record.support == "order":
        return f"above: frames 0 to {_COLUMNS - 1} of {_FRAMES}, clean; below: severity 3"
    return "clean, then severities 1 to 5"


def _by_severity(record: Corruption, clip: Clip) -> Pixels:
    """Return one frame clean and at each severity, side by side."""
    cell, shown = (record.name, record.home), _LATE if record.support == "video" else _SHOWN
    corrupted = (clip.at(cell, severity, [shown])[0] for severity in (1, 2, 3, 4, 5))
    return row_of([clip.frames[shown], *corrupted])


def _in_time(record: Corruption, clip: Clip) -> Pixels:
    """Return the first frames, numbered, and below them what is shown in their place."""
    numbered = Clip(np.stack([_numbered(frame, t) for t, frame in enumerate(clip.frames)]), clip.fps, clip.key)
    shown = numbered.at((record.name, record.home), 3, range(_COLUMNS))
    return np.concatenate([row_of(list(numbered.frames[:_COLUMNS])), row_of(list(shown))])


def _numbered(frame: Pixels, number: int) -> Pixels:
    marked = frame.copy()
    cv2.putText(marked, str(number), (6, 30), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 3)
    return marked
