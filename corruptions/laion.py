"""LAION-C's six, for networks that were trained on a web of pictures (ICML 2025).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place. What is made of patterns is drawn for a frame of 224
pixels and fitted to others. The published mosaics and stickers are cut from ImageNet: here they are drawn.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import counter_rng, fields, motion
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
Shares = NDArray[np.float64]
Size = tuple[int, int]

_PICTURES = 64  # that mosaics and stickers are made of
_STICKER, _CHECK = 16, 14  # pixels of a frame of 224
_CHANNEL = np.uint64((1 << fields.BITS) - 1)


def mosaic(frames: Pixels, level: Level, scene: Scene) -> None:
    """Replace each tile of c pixels by a small drawn picture of about the same mean colour.

    Meaning: Put together from many small pictures.
    Formula: x' = small picture of a tile + mean(x over the tile) - mean(small picture)
    Level: c, side of a tile in pixels
    """
    size = frames.shape[1], frames.shape[2]
    drawn, whole = motion.as_published(scene, size)
    side = int(level[0])
    grid = math.ceil(whole[0] / side), math.ceil(whole[1] / side)

    def laid(t: int) -> Values:
        chosen = _shares(drawn, "tile", t, grid[0] * grid[1])[:, 0]
        tiles = _small_pictures(side)[(chosen * _PICTURES).astype(np.intp)].reshape(*grid, side, side, 3)
        sheet = tiles.transpose(0, 2, 1, 3, 4).reshape(grid[0] * side, grid[1] * side, 3)
        return sheet - _tiled(sheet, grid, side)

    for frame, pattern in zip(frames, motion.layers(scene, laid), strict=True):
        shown = np.asarray(motion.fitted(frame, whole), np.float32)
        padded = cv2.copyMakeBorder(
            shown, 0, grid[0] * side - whole[0], 0, grid[1] * side - whole[1], cv2.BORDER_REPLICATE
        )
        made = _tiled(np.asarray(padded, np.float32), grid, side) + pattern
        frame[...] = motion.fitted(_grey_levels(made)[: whole[0], : whole[1]], size)


def _tiled(sheet: Values, grid: Size, side: int) -> Values:
    """Return the mean of each tile on all of its pixels: float32 (H, W, 3)."""
    means = sheet.reshape(grid[0], side, grid[1], side, 3).mean(axis=(1, 3), dtype=np.float32)
    return np.asarray(means.repeat(side, axis=0).repeat(side, axis=1), np.float32)


@lru_cache(maxsize=16)
def _small_pictures(side: int) -> Values:
    """Return 64 drawn scenes, float32 (64, side, side, 3): a ground, a sky, and something round before them."""
    pictures = np.empty((_PICTURES, side, side, 3), np.float32)
    seed, fine = counter_rng.seed("", "laion_c", "pictures"), 32
    y, x = np.mgrid[:fine, :fine]
    for number in range(_PICTURES):
        luck = [counter_rng.uniform(seed, number, i) for i in range(14)]
        sky, ground, thing = (255 * np.array(luck[3 * i : 3 * i + 3]) for i in range(3))
        horizon = fine * (0.3 + 0.4 * luck[9]) + (luck[10] - 0.5) * (x - fine / 2)
        round_one = np.hypot(y - fine * luck[11], x - fine * luck[12]) < fine * (0.12 + 0.2 * luck[13])
        picture = np.where((y > horizon)[..., None], ground, sky) * (0.8 + 0.4 * y[..., None] / fine)
        picture[round_one] = thing
        pictures[number] = cv2.resize(np.asarray(picture, np.float32), (side, side), interpolation=cv2.INTER_AREA)
    return np.clip(pictures, 0, 255)


def vertical_lines(frames: Pixels, level: Level, scene: Scene) -> None:
    """Redraw each frame on black as l lines from top to bottom, of the colours of its cells, bent left by darkness.

    Meaning: Drawn again as lines that the dark bends.
    Formula: a line through the points (x_i - 40 (1 - y), k s) in the mean colour of each cell, y its mean luma
    Level: l, lines across the frame; s, rows of a cell
    """
    size = frames.shape[1], frames.shape[2]
    whole = motion.as_published(scene, size)[1]
    lines, step = int(level[0]), int(level[1])
    for frame in frames:
        shown = np.ascontiguousarray(motion.fitted(frame, whole))
        made = np.zeros_like(shown)
        _draw_lines(shown, lines, step, made)
        frame[...] = motion.fitted(made, size)


@kernel("void(uint8[:,:,::1], int64, int64, uint8[:,:,::1])")
def _draw_lines(frame: Pixels, lines: int, step: int, out: Pixels) -> None:
    height, width = frame.shape[0], frame.shape[1]
    for i in range(lines):
        x = i / lines * width
        first, last = int(x), min(int(x + width / lines), width)
        from_x, from_y = x, 0
        for y in range(0, height, step):
            rows = min(y + step, height)
            red, green, blue, luma, count = 0, 0, 0, 0, 0
            for column in range(first, last):
                for row in range(y, rows):
                    r, g, b = int(frame[row, column, 0]), int(frame[row, column, 1]), int(frame[row, column, 2])
                    red, green, blue, count = red + r, green + g, blue + b, count + 1
                    luma += (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16
            if count > 0:
                red, green, blue, luma = red // count, green // count, blue // count, luma // count
            to_x = x - 40 * (1 - luma / 255)
            x0, x1 = int(from_x), int(to_x)
            taps = max(abs(x1 - x0), abs(y - from_y))
            for tap in range(taps + 1):
                share = tap / taps if taps else 0.0
                at_x, at_y = int(np.floor(x0 + share * (x1 - x0) + 0.5)), int(from_y + share * (y - from_y) + 0.5)
                if 0 <= at_x < width and at_y < height:
                    out[at_y, at_x, 0], out[at_y, at_x, 1], out[at_y, at_x, 2] = red, green, blue
            from_x, from_y = to_x, y


def glitched(frames: Pixels, level: Level, scene: Scene) -> None:
    """Shift 2 c bands of up to a quarter of the height by up to c^2 percent of the width, around the ends; move one
    channel by up to 2 c pixels each way; blacken every second row.

    Meaning: A broken screen: torn bands, a colour out of place, black lines.
    Formula: x'(y, x) = x(y, x - U{-c^2 W / 100, ..., c^2 W / 100}) in 2 c bands; 0 on even rows y
    Level: c, strength
    """
    size = frames.shape[1], frames.shape[2]
    drawn, whole = motion.as_published(scene, size)
    strength = int(level[0])
    for frame, t in zip(frames, scene.times, strict=True):
        shown = np.ascontiguousarray(motion.fitted(frame, whole))
        made = shown.copy()
        for shift, top, tall in _shares(drawn, "band", t, 2 * strength):
            _tear(shown, made, strength, (shift, top, tall))
        (which, right, down), *_ = _shares(drawn, "colour", t, 1)
        channel, reach = int(which * 3), 4 * strength + 1
        moved = int(down * reach) - 2 * strength, int(right * reach) - 2 * strength
        made[..., channel] = np.roll(shown[..., channel], moved, (0, 1))
        made[::2] = 0
        frame[...] = motion.fitted(made, size)


def _tear(shown: Pixels, made: Pixels, strength: int, luck: tuple[float, float, float]) -> None:
    """Put one band of what was shown in its place, moved around the ends."""
    height, width = shown.shape[:2]
    reach = strength * strength * width // 100
    offset = int(luck[0] * (2 * reach + 1)) - reach
    top = int(luck[1] * (height + 1))
    bottom = top + 1 + int(luck[2] * max(height // 4, 1))
    if offset:
        made[top:bottom] = np.roll(shown[top:bottom], offset, axis=1)


def luminance_checkerboard(frames: Pixels, level: Level, scene: Scene) -> None:
    """Lighten and darken the tiles of a board of 14 pixels in turn, each by U(a, b) grey levels.

    Meaning: Light and shadow through a lattice.
    Formula: x' = x + (-1)^(i + j) U(a, b) / 255 on tile (i, j)
    Level: a, least change in grey levels; b, largest
    """
    least, most = level
    size = frames.shape[1], frames.shape[2]
    side = max(1, round(_CHECK * scene.scale))
    grid = math.ceil(size[0] / side), math.ceil(size[1] / side)
    sign = 1 - 2.0 * (np.indices(grid).sum(axis=0) % 2)

    def board(t: int) -> Values:
        luck = _shares(scene, "tile", t, grid[0] * grid[1])[:, 0].reshape(grid)
        tiles = np.asarray(sign * (least + (most - least) * luck), np.float32)
        return tiles.repeat(side, axis=0).repeat(side, axis=1)[: size[0], : size[1], None]

    for frame, light in zip(frames, motion.layers(scene, board), strict=True):
        frame[...] = _grey_levels(frame + light)


def geometric_shapes(frames: Pixels, level: Level, scene: Scene) -> None:
    """Paste n triangles, squares, stars and circles of 6 to 15 pixels, of any colour, anywhere.

    Meaning: Covered with confetti.
    Formula: x' = colour of the last of n shapes there, else x
    Level: n, shapes in a frame of 224 pixels a side
    """
    size = frames.shape[1], frames.shape[2]
    drawn, whole = motion.as_published(scene, size)
    count = _count(level[0], whole)

    def confetti(t: int) -> tuple[Values, Values]:
        sheet, seen = np.zeros((*whole, 3), np.uint8), np.zeros(whole, np.uint8)
        where, what = _shares(drawn, "where", t, count), _shares(drawn, "what", t, count)
        colours = _shares(drawn, "colour", t, count)
        for place, kind, colour in zip(where, what, colours, strict=True):
            outline = _shape(place, kind, whole)
            cv2.fillPoly(sheet, [outline], (256 * colour).astype(int).tolist())
            cv2.fillPoly(seen, [outline], 255)
        return _fitted_layer(sheet, seen, size)

    _paste(frames, scene, confetti)


def _shape(place: Shares, kind: Shares, size: Size) -> NDArray[np.int32]:
    """Return the corners of a shape, int32 (n, 2): x and y."""
    corner = np.floor(place[:2] * (size[1], size[0]))
    side, which = 6 + int(place[2] * 10), int(kind[0] * 4)
    if which == 0:
        points = np.array([[0, 0], [side, 0], [side / 2, side]])
    elif which == 1:
        points = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float64)
    elif which == 2:
        angles = math.pi * (np.arange(10) / 5 + 2 * kind[1])
        radius = np.where(np.arange(10) % 2, 0.5, 1.0) * side / 1.2
        points = np.stack([radius * np.sin(angles), radius * np.cos(angles)], axis=1)
    else:
        angles = math.pi * np.arange(16) / 8
        points = side / 2 * (1 + np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return np.asarray(np.rint(corner + points), np.int32)


def stickers(frames: Pixels, level: Level, scene: Scene) -> None:
    """Paste n small drawn pictures of 16 pixels a side anywhere within the frame, over each other.

    Meaning: Covered with stickers.
    Formula: x' = the last of n small pictures there, else x
    Level: n, stickers on a frame of 224 pixels a side
    """
    size = frames.shape[1], frames.shape[2]
    drawn, whole = motion.as_published(scene, size)
    count, pictures = _count(level[0], whole), _small_pictures(_STICKER)

    def stuck(t: int) -> tuple[Values, Values]:
        sheet, seen = np.zeros((*whole, 3), np.uint8), np.zeros(whole, np.uint8)
        for down, right, which in _shares(drawn, "where", t, count):
            top, left = (int(share * max(n - _STICKER, 1)) for share, n in zip((down, right), whole, strict=True))
            part = sheet[top : top + _STICKER, left : left + _STICKER]
            part[...] = pictures[int(which * _PICTURES)][: part.shape[0], : part.shape[1]]
            seen[top : top + _STICKER, left : left + _STICKER] = 255
        return _fitted_layer(sheet, seen, size)

    _paste(frames, scene, stuck)


def _count(published: float, size: Size) -> int:
    """Return how many there are in a frame of this size where there are so many in one of 224 pixels a side."""
    return max(1, round(published * size[0] * size[1] / 224**2))


def _fitted_layer(sheet: Pixels, seen: Pixels, size: Size) -> tuple[Values, Values]:
    """Return what a layer adds, float32 (H, W, 3), and the share of the frame that shows, float32 (H, W, 1)."""
    shows = np.asarray(1 - np.clip(motion.fitted(seen, size) / 255, 0, 1), np.float32)[..., None]
    painted = np.where(seen[..., None] > 0, sheet, 0).astype(np.float32)
    return np.asarray(motion.fitted(painted, size), np.float32), shows


def _paste(frames: Pixels, scene: Scene, make: Callable[[int], tuple[Values, Values]]) -> None:
    for frame, (added, shows) in zip(frames, motion.layers(scene, make), strict=True):
        frame[...] = _grey_levels(frame * shows + added)


def _shares(scene: Scene, stream: str, t: int, count: int) -> Shares:
    """Return three uniform numbers in [0, 1) for each of `count` things: float64 (count, 3)."""
    words = fields.words(scene, stream, t, count)
    shifts = (0, fields.BITS, 2 * fields.BITS)
    return np.stack([((words >> np.uint64(s)) & _CHANNEL) / (1 << fields.BITS) for s in shifts], axis=1)


def _grey_levels(values: NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), np.uint8)
