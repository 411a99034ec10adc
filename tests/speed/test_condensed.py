"""Whether a linear layer with the same number of inputs for each neuron is faster condensed; printed and never judged.

Condensed as SRigL's authors do (Lasby et al. 2024, section 4.4): for each neuron its weights and the places of their
inputs, gathered by a compiled pass; and as torch's CSR (MKL). Beside them what `compact` would make of as many weights:
a dense layer with that share of its neurons. One thread, processor time. `python -m pytest -s
tests/speed/test_condensed.py`; ROUNDS=31 for more.
"""

import os
from collections.abc import Callable
from statistics import median
from typing import Any

import numba
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from speed.timing import interleaved, processor_seconds

jit: Any = numba
SIZES = [(192, 768), (768, 192), (384, 1536), (1536, 384)]  # MLPs of vit_tiny and vit_small
DENSITIES = (0.5, 0.25, 0.1, 0.05)
ROWS = {1: 40, 64: 6, 197: 2}  # rows of an input (197: the tokens of one image of 224 px), and calls of them in a row
ROUNDS = int(os.environ.get("ROUNDS", "9"))


@jit.njit(fastmath=True, cache=True)
def one_row(weights, places, x, out):
    """Neuron by neuron: out (neurons,) of x (inputs,)."""
    for neuron in range(weights.shape[0]):
        total = np.float32(0)
        for each in range(weights.shape[1]):
            total += weights[neuron, each] * x[places[neuron, each]]
        out[neuron] = total


@jit.njit(fastmath=True, cache=True)
def many_rows(weights, places, x, out):
    """The same for x (inputs, rows) and out (neurons, rows), rows lying side by side."""
    for neuron in range(weights.shape[0]):
        out[neuron] = 0
        for each in range(weights.shape[1]):
            weight, source = weights[neuron, each], places[neuron, each]
            for row in range(x.shape[1]):
                out[neuron, row] += weight * x[source, row]


def forms(inputs: int, outputs: int, density: float, rows: int) -> dict[str, Callable[[], torch.Tensor]]:
    """{form: a call of it}; all but the smaller layer compute the same."""
    generator = torch.Generator().manual_seed(0)
    fan_in = round(inputs * density)
    places = torch.rand(outputs, inputs, generator=generator).argsort(1)[:, :fan_in].sort(1).values
    weights = torch.randn(outputs, fan_in, generator=generator)
    dense = torch.zeros(outputs, inputs).scatter_(1, places, weights)
    x, small = torch.randn(rows, inputs, generator=generator), torch.randn(round(outputs * density), inputs)
    sparse, short = dense.to_sparse_csr(), places.to(torch.int32).numpy()

    def condensed() -> torch.Tensor:
        if rows == 1:
            out = np.empty(outputs, np.float32)
            one_row(weights.numpy(), short, x[0].numpy(), out)
            return torch.from_numpy(out)[None]
        out = np.empty((outputs, rows), np.float32)
        many_rows(weights.numpy(), short, np.ascontiguousarray(x.numpy().T), out)
        return torch.from_numpy(np.ascontiguousarray(out.T))

    return {
        "dense": lambda: F.linear(x, dense),
        "condensed": condensed,
        "CSR": lambda: (sparse @ x.T).T,
        "fewer neurons": lambda: F.linear(x, small),
    }


def repeated(call: Callable[[], object], count: int) -> Callable[[], object]:
    return lambda: [call() for _ in range(count)]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("inputs", "outputs"), SIZES)
def test_a_linear_layer_in_every_form(inputs, outputs, capsys):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.inference_mode(), capsys.disabled():
        for rows, count in ROWS.items():
            for density in DENSITIES:
                calls = forms(inputs, outputs, density, rows)
                torch.testing.assert_close(calls["condensed"](), calls["dense"](), rtol=1e-3, atol=1e-3)
                torch.testing.assert_close(calls["CSR"](), calls["dense"](), rtol=1e-3, atol=1e-3)
                many = {key: repeated(call, count) for key, call in calls.items()}
                times = interleaved(many, ROUNDS, processor_seconds)
                said = [f"{key} {speed(times, key):.2f}" for key in calls if key != "dense"]
                each = 1e6 * median(times["dense"]) / count
                print(f"\n{inputs} to {outputs}, {rows} rows, {1 - density:.0%} absent: dense {each:.0f} us; "
                      f"times as fast: {', '.join(said)}", end="")  # fmt: skip
    torch.set_num_threads(before)


def speed(times: dict[str, list[float]], key: str) -> float:
    return median(dense / mine for mine, dense in zip(times[key], times["dense"], strict=True))
