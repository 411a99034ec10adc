"""Square views of frames."""

import numpy as np
from numpy.typing import NDArray


def center_crop(clip: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(T, H, W, 3) -> a view (T, size, size, 3) of its middle."""
    return crops(clip, size, 1)[0]


def crops(clip: NDArray[np.uint8], size: int, count: int) -> list[NDArray[np.uint8]]:
    """`count` square views (T, size, size, 3): the centre, three along the longer side, or five, corners and centre."""
    height, width = clip.shape[1:3]
    if count == 5:
        bottom, right = height - size, width - size
        corners = [(0, 0), (0, right), (bottom // 2, right // 2), (bottom, 0), (bottom, right)]
        return [clip[:, top : top + size, left : left + size] for top, left in corners]
    places = [0.5] if count == 1 else [i / (count - 1) for i in range(count)]
    corners = [
        (
            round((height - size) * (p if height > width else 0.5)),
            round((width - size) * (p if width >= height else 0.5)),
        )
        for p in places
    ]
    return [clip[:, top : top + size, left : left + size] for top, left in corners]
