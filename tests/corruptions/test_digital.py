from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corruptions import REGISTRY, corrupt, digital
from corruptions.motion import Scene
from corruptions.severities import TABLES

Frame = NDArray[np.uint8]
SCENE = Scene("key", "jpeg_compression", (0,), "static", 1, 25, 1)


QUALITIES = sorted(
    {int(level[0]) for (_, name), levels in TABLES.items() if name == "jpeg_compression" for level in levels}
)


def pillow(frame: Frame, quality: int) -> Frame:
    """What the published generators call."""
    coded = BytesIO()
    Image.fromarray(frame).save(coded, "JPEG", quality=quality)
    return np.asarray(Image.open(coded))


@pytest.mark.parametrize("quality", QUALITIES)
def test_jpeg_is_bit_for_bit_what_pillow_makes_at_every_quality_and_size(clip: Frame, quality: int) -> None:
    noise = np.random.default_rng(quality).integers(0, 256, (1, 65, 71, 3), np.uint8)
    for frames in (
        clip[:1],
        noise,
        noise[:, :16, :16],
        noise[:, 1:34, 2:19],
        np.full((1, 31, 40, 3), quality, np.uint8),
    ):
        made = frames.copy()
        digital.jpeg_compression(made, (quality,), SCENE)
        assert np.array_equal(made[0], pillow(frames[0], quality))


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (32, 32), (63, 112), (65, 71)])
def test_pixelate_is_bit_for_bit_what_pillow_makes_at_every_share_and_size(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(4).integers(0, 256, (1, *size, 3), np.uint8)
    for profile in REGISTRY["pixelate"].tables:
        for severity in range(1, 6):
            share = TABLES[profile, "pixelate"][severity - 1][0]
            small = Image.fromarray(frame[0]).resize((int(size[1] * share), int(size[0] * share)), Image.Resampling.BOX)
            expected = np.asarray(small.resize(size[::-1], Image.Resampling.NEAREST))
            assert np.array_equal(corrupt(frame, "pixelate", severity, profile=profile)[0], expected)


@pytest.mark.parametrize(
    ("size", "share"), [((16, 3000), 0.003), ((600, 20), 0.004), ((16, 16), 0.01), ((257, 16), 0.003)]
)
def test_pixelate_of_boxes_of_any_width_is_what_pillow_makes(size: tuple[int, int], share: float) -> None:
    """Sums of over 257 pixels pass 16 bits; one pixel is left at least. Rows come before columns, as in small boxes."""
    frame = np.random.default_rng(4).integers(200, 256, (1, *size, 3), np.uint8)
    made = frame.copy()
    digital.pixelate(made, (share,), SCENE)
    high, wide = (max(int(side * share), 1) for side in size)
    narrow = Image.fromarray(frame[0]).resize((wide, size[0]), Image.Resampling.BOX)
    small = narrow.resize((wide, high), Image.Resampling.BOX)
    assert np.array_equal(made[0], np.asarray(small.resize(size[::-1], Image.Resampling.NEAREST)))


def boxes(lines: NDArray[np.int64], few: int) -> NDArray[np.int64]:
    """The first axis averaged over boxes of equal width, pixel by pixel, with whole weights of sum 2^22."""
    scale, made = len(lines) / few, []
    for box in range(few):
        middle = (box + 0.5) * scale
        places = (np.arange(len(lines)) - middle + 0.5) / scale
        first = int(middle - scale / 2 + 0.5)  # of pixels whose centre lies on the border
        under = lines[(places > -0.5) & (places <= 0.5) & (np.arange(len(lines)) >= first)]
        made.append((under.sum(axis=0) * int((1 << 22) / len(under) + 0.5) + (1 << 21)) >> 22)
    return np.stack(made)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (45, 112), (112, 91)])
@pytest.mark.parametrize("scale", [0.3, 1.0, 1.7])
def test_pixelate_averages_along_rows_then_columns_at_every_scale(size: tuple[int, int], scale: float) -> None:
    frame = np.random.default_rng(size).integers(0, 256, (1, *size, 3), np.uint8)
    for c in (0.95, 0.6, 0.4, 0.25):
        share, made = c / (c + (1 - c) * scale), frame.copy()
        digital.pixelate(made, (c,), replace(SCENE, scale=scale))
        few = int(size[0] * share), int(size[1] * share)
        small = boxes(boxes(frame[0].astype(np.int64).swapaxes(0, 1), few[1]).swapaxes(0, 1), few[0])
        shown = Image.fromarray(small.astype(np.uint8)).resize(size[::-1], Image.Resampling.NEAREST)
        assert np.array_equal(made[0], np.asarray(shown))


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
