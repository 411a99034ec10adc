"""Where a network looks: Grad-CAM for any network of the table, attention rollout for plain transformers.

Maps are float (B, T, S, S), 0 .. 1, each clip's largest value 1; inputs are float (B, 3, T, S, S), normalised.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from vidsparse.utils.errors import VidsparseError

_TOKEN_NORMS = ("norm1", "ln_1", "layernorm_before")  # layer norms before a block's attention, in the known libraries
_LEAST = 4  # positions a side that a convolution's map must have to show a place


class Undefined(VidsparseError):
    """An explanation that this network has not."""


@dataclass(frozen=True)
class Layer:
    """The layer whose activations are explained; `tokens` where its channels come last."""

    name: str
    module: nn.Module
    tokens: bool


def grad_cam(model: nn.Module, inputs: Tensor, classes: Tensor, layer: Layer | None = None) -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017, equations 1 and 2) of each clip for its class, classes int (B,).

    relu(sum_c a_c A_c), a_c the mean of the logit's gradient over all positions of channel c, in 3-D over time too. In
    2-D networks that see each frame as an image of its own, the weights are each frame's own. `layer` is `cam_layer`'s
    where not given. Weights, statistics and gradients of the model are as before.
    """
    layer = layer or cam_layer(model, inputs[:1])
    with _evaluating(model), torch.enable_grad():
        seen: list[Tensor] = []

        def keep(_: nn.Module, __: Any, output: Tensor) -> Tensor:
            seen.append(output)
            return output.clone()  # what follows may work in place

        hook = layer.module.register_forward_hook(keep)
        try:
            logits = model(inputs.detach().clone().requires_grad_())
        finally:
            hook.remove()
        chosen = logits.gather(1, classes.to(logits.device)[:, None]).sum()
        (gradient,) = torch.autograd.grad(chosen, seen[-1])
    clip = inputs.shape[2:]
    activation, slope = (_as_grid(part.detach().float(), layer, len(inputs), clip) for part in (seen[-1], gradient))
    own = activation.shape[0] // len(inputs)  # images a clip, where frames are images
    weights = slope.mean((1, 2, 3), keepdim=True)
    maps = (weights * activation).sum(-1).relu()
    return _resized(maps.reshape(len(inputs), own * maps.shape[1], *maps.shape[2:]), clip)


def cam_layer(model: nn.Module, inputs: Tensor) -> Layer:
    """The layer that Grad-CAM is taken from: what enters the last block's attention in a transformer, else the last
    convolution to run that still has 4 x 4 positions (the last one at all where none has).
    """
    order: list[tuple[str, nn.Module, torch.Size]] = []

    def note(name: str, module: nn.Module, output: Tensor) -> None:
        order.append((name, module, output.shape))

    hooks = [
        module.register_forward_hook(lambda module, _, output, name=name: note(name, module, output))
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Conv3d) or _before_attention(name, module)
    ]
    try:
        with _evaluating(model), torch.no_grad():
            model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    norms = [(name, module) for name, module, _ in order if isinstance(module, nn.LayerNorm)]
    if norms:
        return Layer(*norms[-1], tokens=True)
    if not order:
        raise Undefined("Grad-CAM needs a convolution or a transformer's blocks; this network has neither")
    wide = [each for each in order if min(each[2][-2:]) >= _LEAST]
    name, module, _ = (wide or order)[-1]
    return Layer(name, module, tokens=False)


def _before_attention(name: str, module: nn.Module) -> bool:
    return isinstance(module, nn.LayerNorm) and name.rpartition(".")[2] in _TOKEN_NORMS


def attention_rollout(model: nn.Module, inputs: Tensor) -> Tensor:
    """Attention rollout (Abnar and Zuidema 2020): product over layers of (mean over heads + identity) / 2.

    Of the class token's row where there is one, else the mean over rows. Raises Undefined where layers do not attend
    from all tokens to the same tokens: networks without attention, windows (Swin), pooled queries and keys (MViT),
    attention divided over time and space (TimeSformer).
    """
    with _evaluating(model), torch.no_grad(), _Attention() as seen:
        model(inputs)
    shapes = {tuple(a.shape) for a in seen.maps}
    if not seen.maps:
        raise Undefined("attention rollout is undefined: no layer attends from all tokens to all tokens")
    if len(shapes) > 1 or seen.maps[0].shape[-1] != seen.maps[0].shape[-2] or len(seen.maps[0]) % len(inputs):
        raise Undefined("attention rollout is undefined: the tokens are not the same in every layer")
    rolled = torch.eye(seen.maps[0].shape[-1], device=inputs.device)
    for attention in seen.maps:
        rolled = (attention + torch.eye(attention.shape[-1], device=inputs.device)) / 2 @ rolled
    extra, grid = _grid(rolled.shape[-1], len(rolled) // len(inputs), inputs.shape[2:])
    row = rolled[:, 0, extra:] if extra else rolled.mean(1)
    return _resized(row.reshape(len(inputs), -1, *grid[1:]), inputs.shape[2:])


class _Attention(TorchFunctionMode):
    """Inside it, every scaled dot-product attention leaves its probabilities, the mean over heads, (B, N, N)."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Tensor] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is F.scaled_dot_product_attention:
            named = dict(zip(("query", "key", "value", "attn_mask"), args, strict=False)) | kwargs
            query, key = named["query"].float(), named["key"].float()
            scores = query @ key.transpose(-2, -1) * (named.get("scale") or 1 / math.sqrt(query.shape[-1]))
            mask = named.get("attn_mask")
            if mask is not None:
                scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
            self.maps.append(scores.softmax(-1).mean(1))
        return function(*args, **kwargs)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """In evaluation mode, back in its own afterwards."""
    training = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def _as_grid(part: Tensor, layer: Layer, batch: int, clip: torch.Size) -> Tensor:
    """Activations or gradients as (B or B T, t, h, w, channels)."""
    if not layer.tokens:
        return part.movedim(1, -1) if part.dim() == 5 else part.movedim(1, -1)[:, None]
    if part.dim() == 5:
        return part
    if part.dim() == 4:
        return part[:, None]
    extra, grid = _grid(part.shape[1], part.shape[0] // batch, clip)
    placed: Tensor = part[:, extra:].unflatten(1, grid)
    return placed


def _grid(tokens: int, images: int, clip: torch.Size) -> tuple[int, tuple[int, int, int]]:
    """(class and register tokens in front, (t, h, w) of the others) of a sequence; Undefined where nothing fits.

    Patches are square and whole: h = w divides the side of the frame, t the frames of the clip; networks that see each
    frame as an image (`images` a clip) have t = 1. Fewest extra tokens win, then most places in time.
    """
    frames, side = clip[0], clip[-1]
    times = [1] if images == frames and frames > 1 else [t for t in range(frames, 0, -1) if frames % t == 0]
    for extra in (0, 1, 2, 5):
        for time in times:
            places = math.isqrt(max(0, (tokens - extra) // time))
            if places and places * places * time == tokens - extra and side % places == 0:
                return extra, (time, places, places)
    raise Undefined(f"{tokens} tokens are no grid of patches of {frames} frames of {side} pixels")


def _resized(maps: Tensor, clip: torch.Size) -> Tensor:
    """(B, t, h, w) -> (B, T, S, S), trilinear, each clip's largest value 1."""
    full: Tensor = F.interpolate(maps[:, None], size=tuple(clip), mode="trilinear", align_corners=False)[:, 0]
    scaled: Tensor = full / full.amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
    return scaled
