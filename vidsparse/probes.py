"""Networks with something taken away: what of their accuracy is left says what they live on.

Each function but `occlusion_curve` gives a network that `vidsparse.evaluate` takes; the given one stays as it is.
"""

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

Network = Callable[[Tensor], Any]
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)  # of a frame's area, from nothing to nearly all


def backwards(model: Network) -> Network:
    """The network that sees clips (B, 3, T, H, W) from their last frame to their first: the arrow of time.

    A network that loses nothing by it does not use the order of frames (Wei et al. 2018, "Learning and Using the
    Arrow of Time"). An image is as it was.

    >>> seen = backwards(lambda clips: clips[:, 0, :, 0, 0])
    >>> seen(torch.arange(3.0).reshape(1, 1, 3, 1, 1)).tolist()
    [[2.0, 1.0, 0.0]]
    """
    return lambda clips: model(clips.flip(2))


def noisy_weights(model: nn.Module, size: float, seed: int = 0) -> nn.Module:
    """A copy whose weights have Gaussian noise added, `size` times the standard deviation of each layer's non-zeros.

    Weights with two dimensions or more (kernels and matrices) are meant; a zero stays zero, so that a sparse network
    keeps its topology. The same seed gives the same noise on every device.

    >>> layer = nn.Linear(4, 4, bias=False)
    >>> [int((noisy_weights(layer, size).weight != layer.weight).sum()) for size in (0.0, 0.1)]
    [0, 16]
    """
    if size < 0:
        raise ValueError("the size of noise is at least 0")
    changed, draw = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in _kernels(changed):
            there = weight != 0
            deviation = weight[there].float().std(correction=0) if there.any() else torch.tensor(0.0)
            noise = torch.randn(weight.shape, generator=draw).to(weight)
            weight.add_(torch.where(there, noise * deviation.to(weight) * size, torch.zeros_like(weight)))
    return changed


def fewer_links(model: nn.Module, share: float, seed: int = 0) -> nn.Module:
    """A copy without a random `share` (0 to 1) of the non-zero weights of each layer, rounded to the nearest count.

    Kernels and matrices are meant, as in `noisy_weights`. The same seed takes away more for a larger share: what is
    gone at .1 is gone at .2 too.

    >>> layer = nn.Linear(10, 10, bias=False)
    >>> [int((fewer_links(layer, share).weight == 0).sum()) for share in (0.0, 0.3, 1.0)]
    [0, 30, 100]
    """
    if not 0 <= share <= 1:
        raise ValueError("the share of links that are taken away is 0 to 1")
    changed, draw = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in _kernels(changed):
            order = torch.rand(weight.shape, generator=draw).to(weight.device)
            order[weight == 0] = 2.0
            gone = torch.zeros(weight.numel(), dtype=torch.bool, device=weight.device)
            gone[order.flatten().argsort(stable=True)[: round(share * int((weight != 0).sum()))]] = True
            weight.masked_fill_(gone.reshape(weight.shape), 0)
    return changed


def _kernels(model: nn.Module) -> Iterator[Tensor]:
    return (weight for weight in model.parameters() if weight.dim() > 1)


def occluded(model: Network, share: float, moving: bool = False, seed: int = 0) -> Network:
    """The network that sees clips (B, 3, T, H, W) behind a box that covers `share` (0 to 1) of each frame's area.

    Accuracy over shares says how much of the picture an answer needs (Zeiler and Fergus 2014, "Visualizing and
    Understanding Convolutional Networks", section 4.2, move one box over a picture; boxes of random place and shape,
    H/W between 1/2 and 2 where that fits, are as in Zhong et al. 2020, "Random Erasing Data Augmentation"). `moving`
    takes the box on a straight way from one random place to another, else it stands. It is wholly inside and holds 0,
    the mean of normalised pixels. A clip's draws depend on its values and the seed alone, not on the batch that it is
    in; a larger share has the same shape and relative place.

    >>> seen = occluded(lambda clips: (clips == 0).float().mean((1, 2, 3, 4)), 0.25)
    >>> seen(torch.ones(1, 3, 2, 8, 8)).tolist()
    [0.25]

    Raises:
        ValueError: the share is not 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError("the share of a frame that a box covers is 0 to 1")
    return lambda clips: model(torch.stack([_behind_a_box(clip, share, moving, seed) for clip in clips]))


def occlusion_curve(
    model: Network, clips: Tensor, labels: Tensor, shares: Sequence[float] = SHARES, batch: int = 16, seed: int = 0
) -> pd.DataFrame:
    """Accuracy behind boxes that cover more and more of each frame, standing and moving; see `occluded`.

    Args:
        model: gives logits (B, classes) of clips (B, 3, T, H, W); put it into eval mode before.
        clips: normalised, float (N, 3, T, H, W), N at least 1.
        labels: integers (N,).
        shares: of a frame's area, each 0 to 1.
        batch: clips that go through the model at once.
        seed: of the boxes' shapes and places; a clip's are the same ones at every share.

    Returns:
        One row a (moving, share): moving (bool), share, accuracy (0 to 1), n; a clip whose logits are not all finite is
        wrong. Intervals of accuracies over recordings: `vidsparse.evaluation.statistics.share_interval`.

    Raises:
        ValueError: no clips, other than one label a clip, or a share that is not 0 to 1.

    >>> bright = lambda clips: torch.stack([0.5 - clips.mean((1, 2, 3, 4)), clips.mean((1, 2, 3, 4)) - 0.5], 1)
    >>> curve = occlusion_curve(bright, torch.ones(2, 3, 4, 8, 8), torch.tensor([1, 1]), shares=(0.0, 0.25, 0.75))
    >>> curve[["moving", "share", "accuracy"]].to_numpy().tolist()[:3]
    [[False, 0.0, 1.0], [False, 0.25, 1.0], [False, 0.75, 0.0]]
    """
    if not len(clips) or labels.shape != (len(clips),):
        raise ValueError(f"{len(clips)} clips and labels of shape {tuple(labels.shape)}: give one label a clip")
    rows = []
    for moving in (False, True):
        for share in shares:
            right = _count_right(occluded(model, share, moving, seed), clips, labels, batch)
            rows.append({"moving": moving, "share": float(share), "accuracy": right / len(clips), "n": len(clips)})
    return pd.DataFrame(rows, columns=["moving", "share", "accuracy", "n"])


@torch.no_grad()
def _count_right(model: Network, clips: Tensor, labels: Tensor, batch: int) -> int:
    right = 0
    for part, truth in zip(clips.split(batch), labels.split(batch), strict=True):
        logits = model(part)
        right += int(((logits.argmax(-1) == truth.to(logits.device)) & logits.isfinite().all(-1)).sum())
    return right


def _behind_a_box(clip: Tensor, share: float, moving: bool, seed: int) -> Tensor:
    draw = torch.Generator().manual_seed(_number_of(clip, seed))
    shape, *places = torch.rand(5, generator=draw).tolist()
    frames, height, width = clip.shape[1:]
    ratio = 2.0 ** (2 * shape - 1)  # of height to width, as shares of the sides
    tall = min(1.0, max(share, (share * ratio) ** 0.5))
    rows = round(height * tall)
    columns = min(width, round(share * height * width / rows)) if rows else 0
    hidden = clip.clone()
    for time in range(frames):
        along = time / max(1, frames - 1) if moving else 0.0
        top = round((height - rows) * (places[0] + along * (places[2] - places[0])))
        left = round((width - columns) * (places[1] + along * (places[3] - places[1])))
        hidden[:, time, top : top + rows, left : left + columns] = 0
    return hidden


def _number_of(clip: Tensor, seed: int) -> int:
    """A number of 63 bits that tells clips and seeds apart."""
    values = clip.detach().float().cpu().contiguous().numpy().tobytes()
    return int.from_bytes(hashlib.blake2b(values, digest_size=8, salt=str(seed).encode()[:16]).digest(), "little") >> 1
