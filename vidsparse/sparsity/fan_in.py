"""The same number of weights for every neuron (SRigL, Lasby et al. 2024, section 3.1)."""

from math import floor

import torch
from torch import Tensor

from vidsparse.sparsity.scores import Candidates
from vidsparse.sparsity.selection import comparable, count, count_rows, top, top_rows


def first_mask(noise: Tensor, fan_in: int) -> Tensor:
    """A random bool mask of the shape of `noise` (neurons, ...) with `fan_in` weights a neuron."""
    return top_rows(noise.flatten(1), fan_in).view(noise.shape)


def rewire_neurons(
    layer: Candidates, drop: Tensor, grow: Tensor, fraction: float, fan_in: int, min_salient: float
) -> tuple[Tensor, Tensor]:
    """A new bool mask of constant fan-in, and that of the weights that stay; `drop` and `grow` are the scores.

    The K = floor(fraction · non-zeros) lowest weights of the layer go. A weight is salient if it is not one of them, or
    among the K highest grow scores. Neurons with fewer than max(1, floor(min_salient · fan_in)) salient weights are
    ablated, unless the others could not hold all the layer's weights: then the most salient ones stay. Each of the
    rest keeps at most the new fan-in of its weights, the highest, and grows by its own highest scores up to it. The
    new fan-in is the largest with which they have no more weights than all neurons at `fan_in`. min_salient = 0
    ablates none.
    """
    neurons, inputs = len(layer.weight), layer.weight[0].numel()
    dropping = floor(fraction * layer.nonzero)
    keeping = layer.nonzero - dropping
    kept = top(drop, keeping, among=layer.active)
    alive = torch.ones(neurons, dtype=torch.bool, device=layer.weight.device)
    if min_salient:
        salient = count_rows(kept.logical_or(top(grow, dropping)).flatten(1))
        alive = salient >= max(1, floor(min_salient * fan_in))
        least = -(-neurons * fan_in // inputs)
        if int(alive.count_nonzero()) < least:
            alive = top(salient.float(), least)
    survivors = int(alive.count_nonzero())
    new_fan_in = min(inputs, neurons * fan_in // survivors)
    if survivors < neurons:
        here = layer.active & alive.view(-1, *[1] * (layer.weight.dim() - 1))
        kept = top(drop, min(keeping, count(here)), among=here)
    kept = kept.flatten(1)
    if int(count_rows(kept).max()) > new_fan_in:
        kept &= top_rows(comparable(drop).flatten(1).masked_fill(~kept, -torch.inf), new_fan_in)
    grow = comparable(grow).flatten(1).clamp(max=torch.finfo(grow.dtype).max)
    new = top_rows(grow.masked_fill_(kept, torch.inf), new_fan_in).logical_and_(alive[:, None])
    return new.view(layer.weight.shape), kept.view(layer.weight.shape)
