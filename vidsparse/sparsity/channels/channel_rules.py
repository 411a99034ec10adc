"""What single steps do to the channels of a tensor: pure functions of Views; None where a step does something else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.pooling import _AvgPoolNd

from vidsparse.sparsity.channels.channel_sets import Floats, Layer, View
from vidsparse.sparsity.tracing import POOLS, is_channelwise


def written(layer: Layer, sums: Floats, bias: Floats) -> Floats:
    """The constant that a layer writes to each channel (out,), NaN where it varies.

    `sums` (out, in / groups) are the kernels' sums: what a kernel makes of a constant 1, away from the border.
    """
    values = layer.reads.values.reshape(layer.groups, 1, -1)
    nonzero = layer.nonzero.reshape(layer.groups, -1, values.shape[2])
    disturbing = np.isnan(values) | (layer.padded & (values != 0))
    constant = (sums.reshape(nonzero.shape) * np.nan_to_num(values)).sum(2).flatten() + bias
    return np.where((nonzero & disturbing).any(2).flatten(), np.nan, constant)


def mapped(function: Callable[..., Tensor], *views: View) -> Floats:
    """What a pointwise function makes of constants (C,), NaN where one varies or the result is not finite."""
    constants = [torch.from_numpy(np.nan_to_num(view.values)) for view in views]
    result = function(*constants).double().numpy()
    varying = np.isnan([view.values for view in views]).any(0) | ~np.isfinite(result)
    return np.where(varying, np.nan, result)


def product(*views: View) -> Floats:
    """Products of constants (C,): zero times anything is zero, otherwise NaN where a factor varies."""
    factors = np.stack([view.values for view in views])
    return np.where((factors == 0).any(0), 0.0, factors.prod(0))


def normalised(module: _BatchNorm, view: View) -> Floats:
    """What a batch norm makes of constant channels (C,)."""
    shape = (1, len(view.ids)) + (1,) * (-view.axis - 1)
    like = next((each for each in (*module.parameters(), *module.buffers())), torch.zeros(()))
    return mapped(lambda values: module(values.view(shape).to(like.device, like.dtype)).flatten().cpu(), view)


def flattened(view: View) -> View | None:
    """(B, C, ...) to (B, C · ...)."""
    if view.ndim is None or view.ndim + view.axis != 1:
        return None
    return view if view.ndim == 2 else replace(view, axis=-1, ndim=2, spread=True)


def pooled(module: nn.Module, view: View) -> View | None:
    """A pool over the axes to the right of the channels; zeros that an average takes in disturb constants."""
    dims = next((dims for dims, kinds in enumerate(POOLS, 1) if isinstance(module, kinds)), None)
    if dims is None or view.axis != -1 - dims or view.spread or getattr(module, "return_indices", False):
        return None
    if not is_channelwise(module, len(view.ids), dims):
        return None
    if not isinstance(module, _AvgPoolNd):
        return view
    average: Any = module
    disturbed = average.count_include_pad and any(np.atleast_1d(average.padding))
    if not disturbed and getattr(average, "divisor_override", None) is None:
        return view
    return replace(view, values=np.where(view.values == 0, 0.0, np.nan))


def bordered(view: View, sides: Any) -> View | None:
    """Zeros around the axes to the right of the channels, `sides` as torch's pad takes them."""
    plain = isinstance(sides, list | tuple) and all(isinstance(side, int) for side in sides)
    if not plain or view.spread or len(sides) // 2 >= -view.axis:
        return None
    return replace(view, values=np.where(view.values == 0, 0.0, np.nan)) if any(sides) else view


def sliced(view: View, places: Any) -> View | None:
    """Parts along axes other than the first and that of the channels, taken by slices: x[:, :, ::2, ::2]."""
    if not isinstance(places, tuple) or view.ndim is None or view.spread or not 0 < len(places) <= view.ndim:
        return None
    if not all(isinstance(place, slice) for place in places):
        return None
    channels, whole = view.ndim + view.axis, slice(None)
    untouched = places[0] == whole and (channels >= len(places) or places[channels] == whole)
    return view if untouched and channels > 0 else None


def averaged(view: View, axes: Sequence[int], keep: bool) -> View | None:
    """The mean over axes other than that of the channels."""
    if view.ndim is None or view.spread:
        return None
    gone = {axis if axis < 0 else axis - view.ndim for axis in axes}
    if view.axis in gone:
        return None
    right = sum(axis > view.axis for axis in gone)
    return view if keep else replace(view, axis=view.axis + right, ndim=view.ndim - len(gone))


def permuted(view: View, order: Sequence[int]) -> View | None:
    """Axes in another order: `order[i]` is the old place of axis i."""
    if view.ndim is None or view.spread or len(order) != view.ndim:
        return None
    place = [axis % view.ndim for axis in order].index(view.ndim + view.axis)
    return replace(view, axis=place - view.ndim)


def joined(views: Sequence[View], axis: int) -> View | None:
    """Tensors side by side along their channels."""
    first = views[0]
    if axis >= 0 and first.ndim is not None:
        axis -= first.ndim
    if any(each.axis != axis or each.spread for each in views):
        return None
    return replace(
        first,
        ids=np.concatenate([each.ids for each in views]),
        values=np.concatenate([each.values for each in views]),
    )


def is_other_axis(place: int, view: View) -> bool:
    """Whether an axis is surely not that of the channels; the first never is."""
    if place < 0:
        return place != view.axis
    return place == 0 or (view.ndim is not None and place - view.ndim != view.axis)


def is_padded(module: Any) -> bool:
    """Whether a layer puts zeros around what it reads."""
    if isinstance(module, nn.Linear) or module.padding_mode != "zeros" or module.padding == "valid":
        return False
    return any(side > 1 for side in module.kernel_size) if module.padding == "same" else any(module.padding)
