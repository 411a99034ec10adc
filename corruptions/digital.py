"""Compression and resampling (ImageNet-C, ICLR 2019). Every function edits a uint8 (T, H, W, 3) clip in place."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptions.motion import Scene
from corruptions.severities import Level


def jpeg_compression(frames: NDArray[np.uint8], level: Level, scene: Scene) -> None:
    """Code and decode each frame as a JPEG of quality c, chroma halved (4:2:0)."""
    options = [cv2.IMWRITE_JPEG_QUALITY, int(level[0])]
    for frame in frames:
        coded = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)[1]
        frame[...] = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)


def pixelate(frames: NDArray[np.uint8], level: Level, scene: Scene) -> None:
    """Shrink each frame to the share c of its sides by box averages and enlarge it again by whole pixels.

    Scaled to another resolution, what a block of 1 / c pixels has beyond one pixel is scaled.
    """
    (c,) = level
    share = c / (c + (1 - c) * scene.scale)
    size = frames.shape[2], frames.shape[1]
    small = int(size[0] * share), int(size[1] * share)
    for frame in frames:
        image = Image.fromarray(frame).resize(small, Image.Resampling.BOX)
        frame[...] = np.asarray(image.resize(size, Image.Resampling.NEAREST))
