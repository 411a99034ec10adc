"""The draws of `counter_rng` and `fields` on a device, for many frames at once: the same integers.

Words are 64 bits in torch.int64, whose sums and products wrap as those of uint64 do; the sign means nothing. Only
drift passes through floats (`fields._blend`, in float64), where another rounding of erfc may move a draw by 1 of 2^21.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from corruptions import counter_rng, fields
from corruptions.motion import Scene, knots

CHANNEL: Final = (1 << fields.BITS) - 1
TO_QUANTILE: Final = fields.BITS - fields.QUANTILE_BITS
_SHIFTS: Final = (0, fields.BITS, 2 * fields.BITS)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


_GOLDEN, _MIX_1, _MIX_2 = (_signed(word) for word in (counter_rng.GOLDEN, counter_rng.MIX_1, counter_rng.MIX_2))


@dataclass(frozen=True)
class Shots:
    """The frames at hand, of any videos: frame number `times[i]` of `scenes[i]`, on a device."""

    scenes: tuple[Scene, ...]
    times: tuple[int, ...]
    device: torch.device

    def __len__(self) -> int:
        return len(self.times)

    def each(self) -> Iterator[tuple[Scene, int]]:
        """Yield the scene and the number of each frame."""
        return zip(self.scenes, self.times, strict=True)

    def part(self, first: int, end: int) -> "Shots":
        """Return the frames from the first to before the end."""
        return Shots(self.scenes[first:end], self.times[first:end], self.device)


def fill(states: Sequence[int], pixels: int, device: torch.device) -> Tensor:
    """Return the words of whole fields: int64 (states, pixels), what `counter_rng.word` gives pixel by pixel.

    >>> seed = counter_rng.seed("0/clip_7", "gaussian_noise")
    >>> fill([counter_rng.state(seed, 5)], 9, torch.device("cpu"))[0, 8].item() % 2**64 == counter_rng.word(seed, 5, 8)
    True
    """
    x = torch.arange(1, pixels + 1, device=device) * _GOLDEN
    x = x + torch.tensor([_signed(state) for state in states], dtype=torch.int64, device=device)[:, None]
    x ^= _down(x, 30)
    x *= _MIX_1
    x ^= _down(x, 27)
    x *= _MIX_2
    return x ^ _down(x, 31)


def _down(x: Tensor, bits: int) -> Tensor:
    """Shift as unsigned integers are."""
    return (x >> bits).bitwise_and_((1 << (64 - bits)) - 1)


def words(shots: Shots, stream: str, pixels: int) -> Tensor:
    """Return the field of each frame: int64 (n, pixels), three uniform 21-bit integers a word, as `fields.words`."""
    used, seeds = _knots(shots), _seeds(shots, stream)
    first = _drawn(seeds, [each[0][0] for each in used], pixels, shots.device)
    if all(len(each) == 1 for each in used):
        return first
    second = _drawn(seeds, [each[-1][0] for each in used], pixels, shots.device)
    moving = torch.tensor([len(each) == 2 for each in used], device=shots.device)[:, None]
    return torch.where(moving, _blended(first, second, _weights(used, 0, shots), _weights(used, -1, shots)), first)


def _blended(first: Tensor, second: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return uniforms Phi(a z(u) + b z(v)) of the uniforms u and v of each channel."""
    quantiles, blended = normal_quantiles(first.device).double(), torch.zeros_like(first)
    for shift in _SHIFTS:
        u, v = (quantiles[((each >> shift) & CHANNEL) >> TO_QUANTILE] for each in (first, second))
        phi = 0.5 * torch.special.erfc(-(a * u + b * v) * math.sqrt(0.5)) * (1 << fields.BITS)
        blended |= phi.long().clamp_(max=CHANNEL) << shift
    return blended


def uniforms(shots: Shots, stream: str, size: tuple[int, int]) -> Tensor:
    """Return a uniform integer in [0, 2^21) for each value of each frame: int64 (n, 3, H, W)."""
    drawn = words(shots, stream, math.prod(size)).view(len(shots), 1, *size)
    return (drawn >> torch.tensor(_SHIFTS, device=shots.device).view(3, 1, 1)).bitwise_and_(CHANNEL)


def normals_of(uniform: Tensor) -> Tensor:
    """Return the standard normal that each uniform integer stands for: float32 of its shape."""
    return normal_quantiles(uniform.device)[uniform >> TO_QUANTILE]


def normals(shots: Shots, stream: str, size: tuple[int, int]) -> Tensor:
    """Return a field of standard normals of each frame: float32 (n, H, W), as `fields.normals`."""
    used, seeds, quantiles = _knots(shots), _seeds(shots, stream), normal_quantiles(shots.device)
    total = torch.zeros(len(shots), math.prod(size), device=shots.device)
    for place in (0, 1) if any(len(each) == 2 for each in used) else (0,):
        numbers = [each[place][0] if place < len(each) else 0 for each in used]
        drawn = _drawn(seeds, numbers, total.shape[1], shots.device)
        weight = _weights([each if place < len(each) else ((0, 0.0),) * 2 for each in used], place, shots).float()
        total += weight * quantiles[_down(drawn, 64 - fields.QUANTILE_BITS)]
    return total.view(len(shots), *size)


@lru_cache(maxsize=8)
def normal_quantiles(device: torch.device) -> Tensor:
    """Return the table of `fields.normal_quantiles` on a device: float32 (65536,)."""
    return torch.from_numpy(fields.normal_quantiles()).to(device)


def _knots(shots: Shots) -> list[tuple[tuple[int, float], ...]]:
    return [knots(scene, t) for scene, t in shots.each()]


def _seeds(shots: Shots, stream: str) -> list[int]:
    return [counter_rng.seed(scene.key, scene.corruption, stream) for scene in shots.scenes]


def _weights(used: Sequence[tuple[tuple[int, float], ...]], place: int, shots: Shots) -> Tensor:
    return torch.tensor([each[place][1] for each in used], dtype=torch.float64, device=shots.device)[:, None]


def _drawn(seeds: Sequence[int], numbers: Sequence[int], pixels: int, device: torch.device) -> Tensor:
    """Return the field of each draw: int64 (n, pixels). What several frames share is made once."""
    states = [counter_rng.state(seed, number) for seed, number in zip(seeds, numbers, strict=True)]
    place = {state: number for number, state in enumerate(dict.fromkeys(states))}
    made = fill([*place], pixels, device)
    if len(place) == len(states):
        return made
    return made[torch.tensor([place[state] for state in states], device=device)]
