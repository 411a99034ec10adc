import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from corruptions import corrupt


@pytest.mark.parametrize(("severity", "quality"), [(1, 25), (3, 15), (5, 7)])
def test_jpeg_is_what_another_codec_makes_at_the_published_quality(
    clip: NDArray[np.uint8], severity: int, quality: int
) -> None:
    coded = cv2.imencode(".jpg", clip[2, :, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    expected = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), int)[:, :, ::-1]
    assert np.abs(corrupt(clip, "jpeg_compression", severity)[2] - expected).max() <= 1


@pytest.mark.parametrize("size", [(48, 56), (31, 45)])
def test_pixelate_makes_blocks_of_box_averages(clip: NDArray[np.uint8], size: tuple[int, int]) -> None:
    frame = clip[:1, : size[0], : size[1]]
    blocks = corrupt(frame, "pixelate", 5)[0]
    assert len(np.unique(blocks.reshape(-1, 3), axis=0)) <= (size[0] // 4) * (size[1] // 4)
    if size == (48, 56):
        means = frame[0].reshape(12, 4, 14, 4, 3).mean(axis=(1, 3))
        assert np.abs(blocks[::4, ::4] - means).max() <= 1


def test_relative_pixels_grow_from_one_with_the_frame() -> None:
    """Level 2 is blocks of 2 pixels at 224: 1.5 at 112 and 3 at 448."""
    for side, shown in ((112, 74), (448, 149)):
        ramp = np.tile(np.arange(side) % 251, (side, 1)).astype(np.uint8)[None, :, :, None].repeat(3, axis=3)
        row = corrupt(ramp, "pixelate", 2, resolution="relative")[0, 0, :, 0].astype(int)
        assert abs(np.count_nonzero(np.diff(row)) + 1 - shown) <= 2
