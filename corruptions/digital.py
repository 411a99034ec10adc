"""Compression and resampling (ImageNet-C, ICLR 2019). Every function edits a uint8 (T, H, W, 3) clip in place."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptions.motion import Scene
from corruptions.severities import Level


def jpeg_compression(frames: NDArray[np.uint8], level: Level, scene: Scene) -> None:
    """Code and decode each frame as a JPEG of quality c, chroma halved (4:2:0)."""
    (quality,) = level
    for frame in frames:
        coded = BytesIO()
        Image.fromarray(frame).save(coded, "JPEG", quality=int(quality))
        frame[...] = np.asarray(Image.open(coded))
