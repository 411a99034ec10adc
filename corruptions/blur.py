"""Blur of the lens and of the moving camera (ImageNet-C, ICLR 2019).

Every function edits a contiguous uint8 (T, H, W, 3) clip in place. Results are truncated, not rounded, as published.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptions import bilinear, convolve, fields, motion, psf
from corruptions.jit import kernel
from corruptions.motion import Scene
from corruptions.row import Level

Pixels = NDArray[np.uint8]
_ROUNDING = 1e-3  # lifts float32 sums that fell just short of a whole grey level, so that truncation keeps it
_BITS = np.uint64(fields.BITS)
_CHANNEL = np.uint64((1 << fields.BITS) - 1)


def gaussian_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Convolve with a Gaussian cut at 4 sigma; borders are held.

    Meaning: A soft lens.
    Formula: x' = x * G(sigma), cut at 4 sigma
    Level: sigma in pixels
    """
    for frame in frames:
        soften(frame, psf.scaled_sigma(level[0], scene.scale))


def soften(frame: Pixels, sigma: float) -> None:
    """Replace `frame` (H, W, 3) by its Gaussian blur of `sigma` pixels, cut at 4 sigma, the border held."""
    rows = frame.reshape(len(frame), -1)
    _soften(rows.copy(), half_gaussian(sigma), frame.shape[2], rows)


def half_gaussian(sigma: float) -> NDArray[np.float32]:
    """Return the weights of a Gaussian cut at 4 sigma from its middle on: float32 (reach + 1,)."""
    reach = int(4 * sigma + 0.5)
    return np.asarray(cv2.getGaussianKernel(2 * reach + 1, sigma, cv2.CV_32F)[reach:, 0], np.float32)


@kernel("void(uint8[:,::1], float32[::1], int64, uint8[:,::1])")
def _soften(rows: Pixels, weights: NDArray[np.float32], channels: int, out: Pixels) -> None:
    """Convolve along both axes by a symmetric kernel whose middle weight comes first, the border held.

    Rows in reach are held as float32, row y at y % deep. Four taps a pass over a row, added one after the other.
    """
    (height, width), taps, ready = rows.shape, weights.size, 0
    fours, edge, deep = taps - (taps - 1) % 4, (taps - 1) * channels, 2 * taps - 1
    near, last = np.empty((deep, width), np.float32), height - 1
    line, total = np.empty(width + 2 * edge, np.float32), np.empty(width, np.float32)
    middle = line[edge : edge + width]
    for y in range(height):
        while ready < min(y + taps, height):
            to, row = near[ready % deep], rows[ready]
            for i in range(width):
                to[i] = np.float32(row[i])
            ready += 1
        own = near[y % deep]
        for i in range(width):
            middle[i] = weights[0] * own[i]
        for k in range(1, fours, 4):
            a, b, c, d = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
            above_a, below_a = near[max(y - k, 0) % deep], near[min(y + k, last) % deep]
            above_b, below_b = near[max(y - k - 1, 0) % deep], near[min(y + k + 1, last) % deep]
            above_c, below_c = near[max(y - k - 2, 0) % deep], near[min(y + k + 2, last) % deep]
            above_d, below_d = near[max(y - k - 3, 0) % deep], near[min(y + k + 3, last) % deep]
            for i in range(width):
                two = (middle[i] + a * (above_a[i] + below_a[i])) + b * (above_b[i] + below_b[i])
                middle[i] = (two + c * (above_c[i] + below_c[i])) + d * (above_d[i] + below_d[i])
        for k in range(fours, taps):
            above, below = near[max(y - k, 0) % deep], near[min(y + k, last) % deep]
            for i in range(width):
                middle[i] += weights[k] * (above[i] + below[i])
        for i in range(edge):
            line[i], line[edge + width + i] = middle[i % channels], middle[width - channels + i % channels]
        for i in range(width):
            total[i] = weights[0] * middle[i] + np.float32(_ROUNDING)
        for k in range(1, fours, 4):
            a, b, c, d, x = weights[k], weights[k + 1], weights[k + 2], weights[k + 3], k * channels
            left_a, right_a = line[edge - x :], line[edge + x :]
            left_b, right_b = line[edge - x - channels :], line[edge + x + channels :]
            left_c, right_c = line[edge - x - 2 * channels :], line[edge + x + 2 * channels :]
            left_d, right_d = line[edge - x - 3 * channels :], line[edge + x + 3 * channels :]
            for i in range(width):
                two = (total[i] + a * (left_a[i] + right_a[i])) + b * (left_b[i] + right_b[i])
                total[i] = (two + c * (left_c[i] + right_c[i])) + d * (left_d[i] + right_d[i])
        for k in range(fours, taps):
            left, right = line[edge - k * channels :], line[edge + k * channels :]
            for i in range(width):
                total[i] += weights[k] * (left[i] + right[i])
        for i in range(width):
            out[y, i] = np.uint8(min(total[i], np.float32(255)))


def truncate(values: NDArray[Any], frame: Pixels) -> None:
    """Replace `frame` by the whole parts of float32 values of its shape, clipped to 0 .. 255."""
    _truncate(np.asarray(values, np.float32).reshape(-1), frame.reshape(-1))


@kernel("void(float32[::1], uint8[::1])")
def _truncate(values: NDArray[np.float32], out: Pixels) -> None:
    for i in range(values.size):
        out[i] = np.uint8(min(max(values[i] + np.float32(_ROUNDING), np.float32(0)), np.float32(255)))


def glass_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Soften, let every pixel copy one that stands up to `reach` pixels away, `passes` times, and soften again.

    The pane stays where it is: all copies together are one map from pixels to pixels, made once where nothing moves.

    Meaning: A pane of frosted glass.
    Formula: x' = G(sigma) * S^k(G(sigma) * x), where S lets each pixel copy one at an offset U{-d, ..., d - 1}^2
    Level: sigma in pixels; d, reach in pixels; k, passes
    """
    size = frames.shape[1], frames.shape[2]
    if scene.scale < 1:  # no pixel can take less than its neighbour: through the published pane, then smaller
        whole, large = motion.as_published(scene, size)
        seen = np.stack([motion.fitted(frame, large) for frame in frames])
        glass_blur(seen, level, whole)
        frames[...] = [motion.fitted(frame, size) for frame in seen]
        return
    sigma = psf.scaled_sigma(level[0], scene.scale)
    panes = motion.layers(scene, lambda t: pane(level, scene, t, size))
    for frame, source in zip(frames, panes, strict=True):
        soften(frame, sigma)
        _take(frame.reshape(-1, 3).copy(), source, frame.reshape(-1, 3))
        soften(frame, sigma)


def pane(level: Level, scene: Scene, t: int, size: motion.Size) -> NDArray[np.int32]:
    """Return which pixel each pixel of frame `t` shows behind the pane: int32 (H W,)."""
    reach, passes = int(level[1]), int(level[2])
    height, width = motion.as_published(scene, size)[1]
    source = np.arange(height * width, dtype=np.int32).reshape(height, width)
    for number in range(passes):
        scatter(source, fields.words(scene, f"pass {number}", t, source.size), np.uint64(2 * reach))
    return _enlarged(source, size).reshape(-1)


def _enlarged(source: NDArray[np.int32], size: motion.Size) -> NDArray[np.int32]:
    """Return a map from pixels to pixels for a larger frame, of which each pixel of the pane covers several."""
    if source.shape == size:
        return source
    y, x = np.indices(size)
    (rows, columns), (height, width) = source.shape, size
    i, j = y * rows // height, x * columns // width
    down, right = source[i, j] // columns - i, source[i, j] % columns - j
    y = np.clip(np.rint(y + down * (height / rows)), 0, height - 1)
    x = np.clip(np.rint(x + right * (width / columns)), 0, width - 1)
    return np.asarray(y * width + x, np.int32)


@kernel("void(uint8[:,::1], int32[::1], uint8[:,::1])")
def _take(pixels: Pixels, source: NDArray[np.int32], out: Pixels) -> None:
    for p in range(source.size):
        for c in range(3):
            out[p, c] = pixels[source[p], c]


@kernel("void(int32[:,::1], uint64[::1], uint64)")
def scatter(source: NDArray[np.int32], words: NDArray[np.uint64], span: np.uint64) -> None:
    """From bottom right to top left, let each pixel take what stands at an offset in [-span / 2, span / 2)."""
    height, width = source.shape
    edge = np.int64(span) // 2
    for y in range(height - edge, edge, -1):
        for x in range(width - edge, edge, -1):
            word = words[y * width + x]
            right = np.int64(((word & _CHANNEL) * span) >> _BITS) - edge
            down = np.int64((((word >> _BITS) & _CHANNEL) * span) >> _BITS) - edge
            source[y, x] = source[y + down, x + right]


def defocus_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Convolve with a disk of `radius` pixels whose rim is softened by a Gaussian; borders are mirrored.

    Meaning: A lens out of focus.
    Formula: x' = x * (disk(r) * G(a)), where the disk has sum 1
    Level: r, radius in pixels; a, sigma in pixels that softens the rim
    """
    spread = out_of_focus(level, scene)
    whole = convolve.fits(spread)
    for frame in frames:
        if whole:
            convolve.filter_symmetric(frame, spread)
        else:
            truncate(cv2.filter2D(frame.astype(np.float32), -1, spread), frame)


def out_of_focus(level: Level, scene: Scene) -> NDArray[np.float32]:
    """Return the softened disk over which a point is spread: float32, square, of odd side."""
    return psf.disk(*level) if scene.scale == 1 else psf.scaled_disk(*level, scene.scale)


def motion_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Smear along a line at an angle uniform in [-45, 45] degrees, with half-Gaussian weights; borders are held.

    Meaning: The camera moves while the shutter is open.
    Formula: x'(q) = sum over i = 0 .. 2 r of w_i x(q + i (cos a, sin a)), w_i ~ exp(-i^2 / 2 sigma^2); a = U(-45,
        45)
    Level: r, half the taps; sigma in pixels
    """
    for frame, t in zip(frames, scene.times, strict=True):
        smear(frame, *turned(level, scene, t))


def turned(level: Level, scene: Scene, t: int) -> tuple[NDArray[np.float32], float]:
    """Return the weights of the streak of frame `t` and its angle in degrees."""
    return psf.scaled_streak(*level, scene.scale), 90 * motion.uniform(scene, "angle", t) - 45


def xy_motion_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Average the frame over the first k of 60 steps of a move by 50 to 75 pixels sideways and up to 75 up or down.

    Pixels are those of a frame of 512, as published; without depth all of the scene moves alike.

    Meaning: The camera moves sideways while the shutter is open.
    Formula: x'(q) = mean of x(q + i / 59 (u, v)) over i = 0 .. k - 1; u = +-U(50, 75), v = U(-75, 75)
    Level: k, steps of 60
    """
    for frame, t in zip(frames, scene.times, strict=True):
        smear(frame, *moved(level, scene, t))


def moved(level: Level, scene: Scene, t: int) -> tuple[NDArray[np.float32], float]:
    """Return the weights of the move of frame `t` and its angle in degrees."""
    pixel = 224 / 512 * scene.scale
    right = (50 + 25 * motion.uniform(scene, "right", t)) * pixel
    down = 150 * (motion.uniform(scene, "down", t) - 0.5) * pixel
    left = motion.uniform(motion.still(scene), "side", t) < 0.5
    taps = max(2, round((level[0] - 1) / 59 * math.hypot(right, down)) + 1)
    return np.full(taps, 1 / taps, np.float32), math.degrees(math.atan2(down, -right if left else right))


def smear(frame: Pixels, weights: NDArray[np.float32], degrees: float) -> None:
    """Replace `frame` (H, W[, 3]) by the weighted sum of its copies shifted by whole pixels along the direction."""
    down, right = streak(len(weights), degrees)
    top, bottom, left, span = -int(down.min()), int(down.max()), -int(right.min()), int(right.max())
    padded = np.asarray(cv2.copyMakeBorder(frame, top, bottom, left, span, cv2.BORDER_REPLICATE), np.uint8)
    rows = padded.reshape(len(padded), -1)
    channels = frame[0, 0].size
    weigh(rows, weights, down + top, channels * (right + left), frame.reshape(len(frame), -1))


def streak(taps: int, degrees: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows down and the columns right by which each tap of a streak is shifted: int64 (taps,) each."""
    steps = np.arange(taps)
    down, right = (np.ceil(steps * way(math.radians(degrees)) - 0.5).astype(np.int64) for way in (math.sin, math.cos))
    return down, right


@kernel("void(uint8[:,::1], float32[::1], int64[::1], int64[::1], uint8[:,::1])")
def weigh(
    padded: Pixels, weights: NDArray[np.float32], down: NDArray[np.int64], right: NDArray[np.int64], out: Pixels
) -> None:
    """Fill `out` with the weighted sum of what stands `down` rows and `right` columns away in `padded`."""
    width, taps = out.shape[1], weights.size
    total, fours = np.empty(width, np.float32), taps - taps % 4
    for y in range(out.shape[0]):
        total[:] = np.float32(_ROUNDING)
        for tap in range(0, fours, 4):  # four at a time, added one after the other
            a, b, c, d = weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]
            first, second = padded[y + down[tap], right[tap] :], padded[y + down[tap + 1], right[tap + 1] :]
            third, fourth = padded[y + down[tap + 2], right[tap + 2] :], padded[y + down[tap + 3], right[tap + 3] :]
            for i in range(width):
                two = (total[i] + a * np.float32(first[i])) + b * np.float32(second[i])
                total[i] = (two + c * np.float32(third[i])) + d * np.float32(fourth[i])
        for tap in range(fours, taps):
            row = padded[y + down[tap], right[tap] :]
            for i in range(width):
                total[i] += weights[tap] * np.float32(row[i])
        line = out[y]
        for i in range(width):
            line[i] = np.uint8(min(total[i], np.float32(255)))


def zoom_blur(frames: Pixels, level: Level, scene: Scene) -> None:
    """Average the frame, once more the frame, and its centre magnified 1 + step, 1 + 2 step, ... below `stop`.

    Meaning: The camera rushes towards the scene while the shutter is open.
    Formula: x' = (2 x + sum over z = 1 + s, 1 + 2 s, ... < e of zoom(x, z)) / (n + 2), n zooms
    Level: e, end of the zooms; s, step
    """
    looks = zooms(level, (frames.shape[1], frames.shape[2]))
    rows, columns = (np.stack([look[axis] for look in looks]) for axis in (0, 1))
    weights = np.array([unit for _, _, unit in looks])
    for frame in frames:
        bilinear.unpack(bilinear.zoomed(bilinear.pack(frame), rows, columns, weights), frame)


def zooms(level: Level, size: motion.Size) -> list[tuple[NDArray[np.float32], NDArray[np.float32], int]]:
    """Return the rows (H,) and columns (W,) at which each zoom looks, and its weight; the sum is bilinear.UNIT."""
    grown = np.arange(1, *level)[1:]
    units = bilinear.units(np.array([2, *np.ones(len(grown))]))
    return [
        (places(size[0], zoom), places(size[1], zoom), int(unit)) for zoom, unit in zip([1, *grown], units, strict=True)
    ]


def places(length: int, zoom: float) -> NDArray[np.float32]:
    """Return where each of `length` pixels of the magnified centre looks on the source's axis: float32 (length,)."""
    step, start = steps(length, zoom)
    return (start + step * np.arange(length)).clip(0, length - 1).astype(np.float32)


def steps(length: int, zoom: float) -> tuple[float, float]:
    """Return the step and the start on the source's axis of the `length` pixels of its magnified centre.

    As published: the middle ceil(length / zoom) pixels, laid from end to end over round(zoom times that) pixels, of
    which the middle `length` are kept.
    """
    middle = math.ceil(length / zoom)
    grown = round(middle * zoom)
    step = (middle - 1) / (grown - 1)
    return step, (length - middle) // 2 + (grown - length) // 2 * step
