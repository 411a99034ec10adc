"""What moves, bends or coarsens the picture in `corruptions.shake`, `readout`, `geometry` and `digital`, on tensors.

What each means stands there; where every pixel looks is said by the same functions, or by what OpenCV and Pillow do to
numbered pixels. Frames are uint8 (n, 3, H, W).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from corruptions import bilinear, digital, geometry, readout, shake
from corruptions.motion import Scene
from corruptions.row import Level
from corruptions.torch.tensor_draws import Shots
from corruptions.torch.tensor_noise import size_of

Field = NDArray[np.float32]
Size = tuple[int, int]
_UNIT, _FINE = bilinear.UNIT, 256  # sums of the weights of a look: in the frame, and in what another look has seen


def rotate(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Turn each frame by its own whole number of degrees."""
    return _turned(frames, [shake.angle(level, scene, t) for scene, t in shots.each()])


def static_rotate(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Turn every frame by c degrees."""
    return _turned(frames, [level[0]] * len(frames))


def _turned(frames: Tensor, degrees: Sequence[float]) -> Tensor:
    """Show at each pixel the one that Pillow shows there, black from outside."""
    places = {each: number for number, each in enumerate(dict.fromkeys(degrees))}
    maps = torch.from_numpy(np.stack([_numbers_turned(each, size_of(frames)) for each in places])).to(frames.device)
    source = maps[torch.tensor([places[each] for each in degrees], device=frames.device)].long()
    return _at(F.pad(frames.flatten(2), (1, 0)), source[:, None])


@lru_cache(maxsize=128)
def _numbers_turned(degrees: float, size: Size) -> NDArray[np.int32]:
    """Return the number of the pixel that each pixel shows, from 1, or 0: int32 (H, W)."""
    numbers = np.arange(1, size[0] * size[1] + 1, dtype=np.int32).reshape(size)
    return np.asarray(Image.fromarray(numbers).rotate(degrees))


def translate(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Show each frame from its own offset; borders are mirrored."""
    offsets = torch.tensor([shake.offset(level, scene, t) for scene, t in shots.each()], device=frames.device)
    rows, columns = (
        _mirrored(torch.arange(length, device=frames.device) + offset[:, None], length)
        for length, offset in zip(size_of(frames), offsets.unbind(1), strict=True)
    )
    return _picked(_picked(frames, rows, 2), columns, 3)


def _mirrored(places: Tensor, length: int) -> Tensor:
    """Return places within 0 .. length - 1, mirrored about the first and the last pixel."""
    place = places.remainder(2 * (length - 1))
    return torch.minimum(place, 2 * (length - 1) - place)


def _picked(frames: Tensor, places: Tensor, side: int) -> Tensor:
    """Return what stands at each frame's places (n, k) along a side."""
    shape = list(frames.shape)
    shape[side] = places.shape[1]
    index = places[:, None, :, None] if side == 2 else places[:, None, None]
    return frames.gather(side, index.expand(shape))


def pixelate(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Average boxes along rows and along columns, each rounded, and enlarge them by whole pixels."""
    (height, width), few = size_of(frames), digital.blocks(level, shots.scenes[0], size_of(frames))
    small = _averaged(_averaged(frames.int(), 3, few[1]), 2, few[0]).to(torch.uint8)
    for side, number, many in ((2, few[0], height), (3, few[1], width)):
        small = small.index_select(side, torch.from_numpy(digital.nearest(number, many)).to(frames.device))
    return small


def _averaged(values: Tensor, side: int, few: int) -> Tensor:
    """Return the mean of each box along a side, of whole weights as Pillow has them: int32."""
    made = [each.astype(np.int64) for each in digital.boxes(values.shape[side], few)]
    first, count, weight = (torch.from_numpy(each).to(values.device) for each in made)
    sums = values.cumsum(side, dtype=torch.int32)
    ends = sums.index_select(side, first + count - 1)
    before = (sums - values).index_select(side, first)
    weights = weight.int().view(-1, 1) if side == 2 else weight.int()
    return ((ends - before) * weights + (1 << (digital.BITS - 1))) >> digital.BITS


def rolling_shutter(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Displace each row by where the camera looked when it was read; borders are mirrored."""
    height, width = size_of(frames)
    made = [readout.looks(level, scene, t, (height, width)) for scene, t in shots.each()]
    rows, columns = (torch.from_numpy(np.stack(each)).to(frames.device) for each in zip(*made, strict=True))
    (y, down), (x, across) = _parts(rows[:, None, :, None]), _parts(columns[:, None])
    total = torch.zeros(frames.shape, device=frames.device)
    for i, share in ((y, 1 - down), (y + 1, down)):
        line = _mirrored(i, height) * width
        left, right = (_at(frames, line + _mirrored(j, width)) for j in (x, x + 1))
        total += (left * (1 - across) + right * across) * share
    return total.round_().to(torch.uint8)


def _parts(places: Tensor) -> tuple[Tensor, Tensor]:
    """Return whole pixels, int64, and what is left, float32."""
    whole = places.floor()
    return whole.long(), places - whole


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Return what stands at each frame's places (n, 1, H, W), counted through the pixels: (n, 3, H, W)."""
    shape = *values.shape[:2], *places.shape[2:]
    return values.flatten(2).gather(2, places.flatten(2).expand(-1, 3, -1)).view(shape)


def elastic_transform(frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Move three corners, then each pixel by a softened field, which the processor draws; borders are mirrored."""
    size, found = size_of(frames), list[tuple[Field, Field]]()
    for scene, t in shots.each():
        turn, bend = _moves(level, scene, size)
        found.append((turn(t if scene.mode == "independent" else 0), np.stack(bend(t))))
    turns, bends = (torch.from_numpy(np.stack(each)).to(frames.device) for each in zip(*found, strict=True))
    seen = (_looked(frames.int(), turns, _UNIT) + 128) >> 8
    return ((_looked(seen, bends, _FINE) + 8) >> 13).to(torch.uint8)


@lru_cache(maxsize=8)
def _moves(
    level: Level, scene: Scene, size: Size
) -> tuple[Callable[[int], Field], Callable[[int], tuple[Field, Field]]]:
    """Return by frame where the turned frame looks, float32 (2, H, W), and where the bent one does."""
    pose, bend = geometry.moves(level, scene, size)
    grid = np.indices(size, np.float32)
    return lru_cache(maxsize=1)(lambda t: np.stack(geometry.turned(pose(t), *grid))), bend


def _looked(values: Tensor, places: Tensor, unit: int) -> Tensor:
    """Return what is seen at places (n, 2, H, W), by whole weights of sum `unit`, as `bilinear` has them: int32."""
    height, width = size_of(values)
    edged = F.pad(values, (1, 2, 1, 2))
    last = torch.tensor([height + 1.0, width + 1.0], device=values.device).view(2, 1, 1)
    row, column = (places + 1).clamp_(min=0).minimum(last)[:, :, None].unbind(1)
    i, j = row.long(), column.long()
    low = ((row - i) * unit + 0.5).floor()
    total = torch.zeros(values.shape, dtype=torch.int32, device=values.device)
    for line, weight in ((i, unit - low), (i + 1, low)):
        right = (weight * (column - j) + 0.5).floor()
        place = line * (width + 3) + j
        for beside, share in ((0, weight - right), (1, right)):
            total += share.int() * _at(edged, place + beside)
    return total
