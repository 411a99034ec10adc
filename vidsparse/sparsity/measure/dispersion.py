"""How the non-zeros of a layer lie: per output and input channel, against a random mask of the same count."""

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Counts = NDArray[np.int64]


def kernel_counts(weight: Tensor) -> Counts:
    """N[o, i]: non-zeros of the kernel from input i to output o of a weight (O, I, ...), int64 (O, I).

    arXiv 2410.03030, section 5.1. In a grouped convolution i counts the inputs of a group.

    >>> import torch
    >>> kernel_counts(torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])).tolist()
    [[1, 0]]
    """
    return np.asarray((weight.detach() != 0).flatten(2).sum(-1).cpu() if weight.dim() > 2 else (weight != 0).cpu(), int)


def dispersion(counts: Counts, capacity: int) -> float:
    """Variance of channels' counts over its expectation under a random mask of the same total: 1 where it is random.

    D = sum_c (n_c - n)^2 / (C V), with the hypergeometric V = K p (1 - p) (N - K) / (N - 1), N = C K weights, p their
    density, K = `capacity` weights a channel. NaN where a layer is full or empty.

    >>> dispersion(np.array([0, 4, 0, 4]), 4), dispersion(np.array([4, 4]), 4)
    (5.0, nan)
    """
    channels, total = counts.size, int(counts.sum())
    size = channels * capacity
    p = total / size if size else 0.0
    variance = capacity * p * (1 - p) * (size - capacity) / (size - 1) if size > 1 else 0.0
    return float(((counts - total / channels) ** 2).sum() / (channels * variance)) if variance > 0 else math.nan


def describe(mask: Tensor) -> dict[str, float]:
    """One line of structure.csv for a mask or weight: non-zeros, empty channels and dispersions on both sides."""
    counts = kernel_counts(mask)
    outputs, inputs = counts.sum(1), counts.sum(0)
    each = mask.numel() // counts.size if counts.size else 0
    return {
        "nonzero": int(counts.sum()),
        "empty_outputs": int((outputs == 0).sum()),
        "empty_inputs": int((inputs == 0).sum()),
        "output_dispersion": dispersion(outputs, each * counts.shape[1]),
        "input_dispersion": dispersion(inputs, each * counts.shape[0]),
    }
