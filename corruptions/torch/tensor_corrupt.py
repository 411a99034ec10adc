"""Corrupt tensors where they are: records, levels and scenes are those of `corruptions.corrupt`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corruptions.apply import Request, Resolution, Temporal, warn_of_no_key
from corruptions.checks import Numbers, frame_numbers, text
from corruptions.exceptions import CorruptionError, WrongFrames
from corruptions.layouts import TAKEN, layout_of, like
from corruptions.motion import Scene
from corruptions.registry import Corruption, find
from corruptions.registry import names as all_names
from corruptions.row import Level
from corruptions.torch.kernel_table import KERNELS, Kernel
from corruptions.torch.tensor_draws import Shots

_AT_ONCE: Final = {"cpu": 1 << 16}  # pixels that are worked on together: what caches hold
_AT_ONCE_ELSEWHERE: Final = 1 << 22  # about half a gigabyte of values in between
_CANONICAL: Final = "BTCHW"


def names() -> tuple[str, ...]:
    """Return the corruptions that there are on tensors, in the registry's order.

    >>> "gaussian_noise" in names(), "jpeg_compression" in names()
    (True, False)
    """
    return tuple(name for name in all_names() if name in KERNELS)


def corrupt(
    clips: Tensor,
    name: str | Corruption,
    severity: int,
    keys: str | Sequence[str] = "",
    *,
    profile: str | None = None,
    temporal: Temporal = "default",
    resolution: Resolution = "absolute",
    indices: Numbers | Sequence[Numbers] | None = None,
    fps: float = 25.0,
    layout: str | None = None,
) -> Tensor:
    """Return corrupted clips: a new tensor of the same shape, dtype, device and type.

    clips       uint8, or floats from 0 to 1, which are rounded to the nearest of the 256 levels and come back as
                level / 255, in any layout of `layouts.LAYOUTS`, such as (B, T, 3, H, W) or (T, 3, H, W)
    name        one of `names()`, or its record
    severity    0 is the identity, 1 to 5 are the published levels
    keys        a list of keys, one a clip of the batch, or the key of the one clip
    indices     the numbers of the given frames in their video, by default 0 .. T-1: one list for all clips, or a list
                of lists, one a clip
    layout      which layout, where the shape does not say it

    profile, temporal, resolution and fps are those of `corruptions.corrupt`, whose draws these are: what comes out is
    within 1 of 255 grey levels of it (docs/anywhere.md says how much is equal), alone or in a batch.

    Raises UnknownName, UnknownProfile, WrongFrames, or CorruptionError, as for a corruption that is not in `names()`.

    >>> import torch
    >>> clips = torch.full((2, 8, 3, 32, 32), 100, dtype=torch.uint8)
    >>> noisy = corrupt(clips, "gaussian_noise", 3, ["0/a", "0/b"])
    >>> noisy.shape, noisy.dtype
    (torch.Size([2, 8, 3, 32, 32]), torch.uint8)
    """
    kernel = _kernel(find(name))
    batch = _batch(clips, keys, layout)
    request = Request(name, severity, "", profile, temporal, resolution, fps)
    record, level, shots = _plan(request, batch, indices)
    if level is None:
        return batch.as_given(clips.clone())
    if record.random and "" in batch.keys:
        warn_of_no_key(record.name)
    return batch.back(_carried_out(kernel, batch.frames, level, shots))


@dataclass(frozen=True)
class Batch:
    """Clips as kernels take them, and how they were given."""

    frames: Tensor  # uint8 (B T, 3, H, W)
    keys: tuple[str, ...]
    given: Tensor
    order: tuple[int, ...]  # of the given sides, as B, T, C, H, W without those that are missing

    @property
    def blank(self) -> NDArray[np.uint8]:
        """The shape of one clip, (T, H, W, 3), without its values."""
        length = len(self.frames) // max(len(self.keys), 1)
        return np.broadcast_to(np.uint8(0), (length, *self.frames.shape[2:], 3))

    def back(self, frames: Tensor) -> Tensor:
        """Return frames in the form in which the clips were given."""
        shown = frames.view(self.given.permute(self.order).shape)
        shown = shown.permute(*np.argsort(self.order).tolist()).contiguous()
        shown = (shown.double() / 255).to(self.given.dtype) if self.given.is_floating_point() else shown
        return self.as_given(shown)

    def as_given(self, made: Tensor) -> Tensor:
        """Return a tensor as the tv_tensor that was given, if one was."""
        typed: Tensor = like(made, self.given)
        return typed


def _kernel(record: Corruption) -> Kernel:
    if record.function is None and record.name in KERNELS:
        return KERNELS[record.name]
    raise CorruptionError(
        f"{record.name} is not made on tensors: corruptions.torch has {', '.join(names())}; give frames to "
        "corruptions.corrupt, or the tensor to corruptions.Corrupt, for all others"
    )


def _batch(clips: Tensor, keys: str | Sequence[str], layout: str | None) -> Batch:
    if not isinstance(clips, Tensor):
        raise WrongFrames(f"clips are a {type(clips).__name__}: give a tensor; corruptions.corrupt takes arrays")
    many = isinstance(keys, (list, tuple))
    form = layout_of(clips, layout, many)
    order = tuple(form.index(letter) for letter in _CANONICAL if letter in form)
    frames = _levels(clips).permute(order)
    listed: Sequence[Any] = keys if isinstance(keys, (list, tuple)) else [keys]
    said = tuple(map(text, listed))
    count = clips.shape[form.index("B")] if "B" in form else 1
    if len(said) != count or (not many and "B" in form):
        raise CorruptionError(f"{count} clips with {len(said)} key{'s' * (len(said) != 1)}: give a list, a key a clip")
    return Batch(frames.reshape(-1, *frames.shape[-3:]).contiguous(), said, clips, order)


def _levels(clips: Tensor) -> Tensor:
    """Return the nearest of the 256 levels: uint8 of the same shape and device."""
    if clips.requires_grad:
        raise WrongFrames("clips that require gradients: corruptions have none; give clips.detach()")
    if clips.layout != torch.strided or clips.is_meta:
        raise WrongFrames("clips that are sparse or have no values: give a dense tensor")
    if clips.device.type == "mps":
        raise WrongFrames("clips on mps, which has no float64: give clips.cpu()")
    plain = clips.as_subclass(Tensor)
    if plain.dtype == torch.uint8:
        return plain
    if not plain.is_floating_point():
        raise WrongFrames(f"clips of {plain.dtype} values: {TAKEN}")
    scaled = plain.double() * 255
    if scaled.numel() and not bool(((scaled >= -0.5) & (scaled <= 255.5)).all()):  # NaN is neither
        raise WrongFrames(f"clips of floats from {plain.min():.3g} to {plain.max():.3g}: {TAKEN}")
    return scaled.round().clamp(0, 255).to(torch.uint8)


def _plan(request: Request, batch: Batch, indices: Any) -> tuple[Corruption, Level | None, Shots]:
    """Return the record, the level, and which frames of which scenes there are."""
    blank, scenes, times = batch.blank, list[Scene](), list[int]()
    record, level, *_ = request.of(blank, None, None)
    for key, numbers in zip(batch.keys, _numbers(indices, len(batch.keys), len(blank)), strict=True):
        _, _, scene, _ = Request(**{**vars(request), "key": key}).of(blank, numbers, None)
        scenes += [scene] * len(scene.times)
        times += scene.times
    return record, level, Shots(tuple(scenes), tuple(times), batch.frames.device)


def _numbers(indices: Any, clips: int, length: int) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of each clip's frames."""
    if indices is None:
        indices = range(length)
    nested = len(indices) > 0 and not np.isscalar(indices[0]) and np.ndim(indices[0]) == 1
    rows = [frame_numbers(row) for row in (indices if nested else [indices] * clips)]
    if len(rows) != clips or any(len(row) != length for row in rows):
        raise WrongFrames(f"indices of {len(rows)} clips, for {clips} of {length} frames: number each frame once")
    yield from rows


def _carried_out(kernel: Kernel, frames: Tensor, level: Level, shots: Shots) -> Tensor:
    """Call a kernel on some frames at a time, so that what is in between takes little memory."""
    pixels = frames.shape[-2] * frames.shape[-1]
    step = max(1, _AT_ONCE.get(frames.device.type, _AT_ONCE_ELSEWHERE) // pixels)
    parts = [
        kernel(frames[first : first + step], level, shots.part(first, first + step))
        for first in range(0, len(frames), step)
    ]
    return torch.cat(parts) if parts else frames.clone()
