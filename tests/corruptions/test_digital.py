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
